#ifndef STORE_SUBSCRIPTIONS_H
#define STORE_SUBSCRIPTIONS_H

#include <sys/types.h>

/* Enters a folder into the list of subscribed ones in a Maildir's root, once. `name` is as on
 * disk, without the dot in front ("Work.Entw&APw-rfe"). Dovecot's `subscriptions` (either of its
 * formats; made with mode `mode` where neither it nor Courier's list is there) and Courier's
 * `courierimapsubscribed`, if it is there.
 *
 * Waits two seconds at most for Dovecot's lock. 0, or -1 with errno; ETIMEDOUT when somebody
 * keeps the lock. */
int subscriptions_add(int root_fd, const char *name, mode_t mode);

#endif
