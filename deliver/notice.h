#ifndef DELIVER_NOTICE_H
#define DELIVER_NOTICE_H

#include "deliver/delivery.h"
#include "deliver/outbox.h"

/* What we write to people about mail that goes another way than they think. */

/* To the owner of a mailbox: what was to be sent from it was not, and why; the message, in `fd`
 * from its current offset on, is attached whole (RFC 3464). Ready to be stored. The caller frees
 * the spool. Null with a status. */
struct spool *notice_undelivered(const struct delivery *delivery, const struct outbox_item *item,
    int fd, const char *why, struct status *status);

/* To the envelope sender: the message was refused, with the script's reason (RFC 5429). */
struct message *notice_refused(const struct delivery *delivery, const struct action *refusal);

#endif
