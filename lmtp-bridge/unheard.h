#ifndef LMTP_BRIDGE_UNHEARD_H
#define LMTP_BRIDGE_UNHEARD_H

#include "lmtp-bridge/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/* What a delivery process has told sessions of success, until it learns that their clients have
 * heard it: whatever comes next on the same line says so. A line that ends without a word says
 * that the reply was lost, with the connection or with the session; then the process remembers it
 * (deliver/replay.h). */
struct unheard {
	bool is_waiting;   /* else there is nothing to be heard */
	int line;          /* where the session will say it; owned by a struct unheard_list only */
	struct bytes body; /* owned; the request stands in it behind `start` bytes */
	size_t start;
	int message_fd;      /* of its message; owned, or -1 */
	struct bytes stored; /* a byte for each of its recipients: 1 is success; owned */
};

/* Keeps what was asked: `body`, which is exchanged for an empty one, and `message_fd`, which is
 * taken over. */
void unheard_keep(struct unheard *unheard, struct bytes *body, size_t start, int message_fd);
/* It was heard, or need not be. */
void unheard_reset(struct unheard *unheard);
void unheard_clear(struct unheard *unheard);

/* Lines that a process has left for others while something told on them is unheard. One too many
 * pushes the oldest one out: its client has been silent for longest. */
#define UNHEARD_LINES_MAX 16

struct unheard_list {
	struct unheard items[UNHEARD_LINES_MAX];
	size_t count;
};

/* Takes over the line and what `unheard` has. */
void unheard_list_add(struct unheard_list *list, struct unheard *unheard, int line);
/* Looks at all of them without waiting. The first that is lost is taken off: the caller's then,
 * its line closed. False when there is none any more. */
bool unheard_list_take_lost(struct unheard_list *list, struct unheard *lost_out);
void unheard_list_clear(struct unheard_list *list);

#endif
