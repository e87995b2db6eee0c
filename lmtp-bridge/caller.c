#include "lmtp-bridge/caller.h"

#include "base/memory.h"
#include "lmtp-bridge/channel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void caller_init(
    struct caller *caller, int calling, bool is_per_recipient, struct board *board, uint32_t slot)
{
	*caller = (struct caller){.calling = calling,
	    .is_per_recipient = is_per_recipient,
	    .board = board,
	    .slot = slot,
	    .line = -1};
}

void caller_close(struct caller *caller)
{
	caller_rest(caller);
	if (caller->line >= 0)
		close(caller->line);
	caller->line = -1;
}

int caller_take(struct caller *caller, struct span address, int64_t deadline_ms)
{
	int line = caller->line;
	caller->line = -1;
	for (size_t i = 0; line < 0 && i < caller->kept_count; i++) {
		if (!span_is(address, caller->kept[i].address))
			continue;
		line = caller->kept[i].fd;
		free(caller->kept[i].address);
		caller->kept[i] = caller->kept[--caller->kept_count];
	}
	return line >= 0 ? line : channel_call(caller->calling, deadline_ms);
}

void caller_put(struct caller *caller, struct span address, int line)
{
	bool has_nul = span_find(address, '\0') < address.len;
	if (!caller->is_per_recipient && caller->line < 0) {
		caller->line = line;
	} else if (caller->is_per_recipient && caller->kept_count < CALLER_KEPT_MAX && !has_nul) {
		char *copy = memory_new(address.len + 1, 1);
		memcpy(copy, address.data, address.len);
		caller->kept[caller->kept_count++] = (struct caller_line){copy, line};
	} else {
		close(line);
	}
}

void caller_rest(struct caller *caller)
{
	while (caller->kept_count > 0) {
		struct caller_line *kept = &caller->kept[--caller->kept_count];
		close(kept->fd);
		free(kept->address);
	}
	board_users_clear(caller->board, caller->slot);
	board_state(caller->board, caller->slot, BOARD_HELD);
}
