#ifndef LMTP_BRIDGE_CALLER_H
#define LMTP_BRIDGE_CALLER_H

#include "base/bytes.h"
#include "lmtp-bridge/board.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A session's lines to delivery processes (channel.h), kept from one exchange to the next. Where
 * all mail is stored as one account one line serves for all; for system users each recipient
 * has a process of its own, which waits for the message. */
#define CALLER_KEPT_MAX 16

struct caller_line {
	char *address; /* owned */
	int fd;
};

struct caller {
	int calling; /* channel.h; borrowed */
	bool is_per_recipient;
	struct board *board; /* borrowed, with our slot; or null */
	uint32_t slot;
	int line;
	bool owes_word; /* on `line`: what was told there has been heard */
	struct caller_line kept[CALLER_KEPT_MAX];
	size_t kept_count;
	int *unheard; /* owned; lines where we were told what our client has not heard yet */
	size_t unheard_count;
	size_t unheard_capacity;
};

void caller_init(
    struct caller *caller, int calling, bool is_per_recipient, struct board *board, uint32_t slot);
void caller_close(struct caller *caller);

/* The line to ask about `address`: one that is there, or a new one. The caller's until it is put
 * back; -1 with errno. */
int caller_take(struct caller *caller, struct span address, int64_t deadline_ms);
/* Puts a line back whose exchange is over; one too many is closed, and its process ends. */
void caller_put(struct caller *caller, struct span address, int line);

/* Puts back a line on which messages were delivered: it serves for nothing else until the client
 * is known to have heard the replies. Where that never happens the process at the other end
 * remembers them as lost (unheard.h). */
void caller_put_unheard(struct caller *caller, int line);
bool caller_is_unheard(const struct caller *caller);
void caller_heard(struct caller *caller);

/* No transaction is open: processes of single recipients may go. Costs nothing when repeated. */
void caller_rest(struct caller *caller);

#endif
