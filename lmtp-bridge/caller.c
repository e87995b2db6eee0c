#include "lmtp-bridge/caller.h"

#include "base/memory.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/exchange.h"

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

static void say_heard(int line)
{
	static const char word[EXCHANGE_LENGTH_BYTES];
	/* It never waits: there is room for it, or nobody reads. */
	(void)channel_write(line, word, sizeof(word), -1, 0);
}

void caller_close(struct caller *caller)
{
	caller_rest(caller);
	while (caller->unheard_count > 0)
		close(caller->unheard[--caller->unheard_count]);
	free(caller->unheard);
	if (caller->line >= 0)
		close(caller->line);
	caller->line = -1;
}

int caller_take(struct caller *caller, struct span address, int64_t deadline_ms)
{
	int line = caller->line;
	caller->line = -1;
	caller->owes_word = false;
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

void caller_put_unheard(struct caller *caller, int line)
{
	if (caller->unheard_count == caller->unheard_capacity) {
		caller->unheard_capacity = 2 * caller->unheard_capacity + 4;
		caller->unheard = memory_resize(
		    caller->unheard, caller->unheard_capacity * sizeof(caller->unheard[0]));
	}
	caller->unheard[caller->unheard_count++] = line;
}

bool caller_is_unheard(const struct caller *caller)
{
	return caller->unheard_count > 0;
}

void caller_heard(struct caller *caller)
{
	while (caller->unheard_count > 0) {
		int line = caller->unheard[--caller->unheard_count];
		if (!caller->is_per_recipient && caller->line < 0) {
			/* Most often the next exchange says it, which costs nothing. */
			caller->line = line;
			caller->owes_word = true;
		} else {
			say_heard(line);
			close(line);
		}
	}
}

void caller_rest(struct caller *caller)
{
	if (caller->owes_word)
		say_heard(caller->line);
	caller->owes_word = false;
	while (caller->kept_count > 0) {
		struct caller_line *kept = &caller->kept[--caller->kept_count];
		close(kept->fd);
		free(kept->address);
	}
	board_users_clear(caller->board, caller->slot);
	board_state(caller->board, caller->slot, BOARD_HELD);
}
