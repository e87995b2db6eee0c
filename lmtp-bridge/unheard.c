#include "lmtp-bridge/unheard.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A buffer that grew beyond this is not kept for the next one. */
#define KEEP_BYTES ((size_t)1024 * 1024)

void unheard_keep(struct unheard *unheard, struct bytes *body, size_t start, int message_fd)
{
	struct bytes empty = unheard->body;
	unheard_reset(unheard);
	unheard->is_waiting = true;
	unheard->message_fd = message_fd;
	unheard->body = *body;
	unheard->start = start;
	*body = empty;
	bytes_reset(body);
}

void unheard_reset(struct unheard *unheard)
{
	if (unheard->is_waiting && unheard->message_fd >= 0)
		close(unheard->message_fd);
	unheard->is_waiting = false;
	unheard->message_fd = -1;
	bytes_reset(&unheard->stored);
	if (unheard->body.capacity > KEEP_BYTES)
		bytes_clear(&unheard->body);
}

void unheard_clear(struct unheard *unheard)
{
	unheard_reset(unheard);
	bytes_clear(&unheard->body);
	bytes_clear(&unheard->stored);
}

static void remove_at(struct unheard_list *list, size_t at)
{
	list->count--;
	memmove(
	    &list->items[at], &list->items[at + 1], (list->count - at) * sizeof(list->items[0]));
}

void unheard_list_add(struct unheard_list *list, struct unheard *unheard, int line)
{
	if (list->count == UNHEARD_LINES_MAX) {
		close(list->items[0].line);
		unheard_clear(&list->items[0]);
		remove_at(list, 0);
	}
	unheard->line = line;
	list->items[list->count++] = *unheard;
	*unheard = (struct unheard){.line = -1, .message_fd = -1};
}

bool unheard_list_take_lost(struct unheard_list *list, struct unheard *lost_out)
{
	for (size_t i = 0; i < list->count;) {
		char byte;
		ssize_t got = recv(list->items[i].line, &byte, 1, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			i++;
			continue;
		}
		*lost_out = list->items[i];
		close(lost_out->line);
		lost_out->line = -1;
		remove_at(list, i);
		if (got <= 0)
			return true;
		unheard_clear(lost_out);
	}
	return false;
}

void unheard_list_clear(struct unheard_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		close(list->items[i].line);
		unheard_clear(&list->items[i]);
	}
	list->count = 0;
}
