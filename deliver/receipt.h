#ifndef DELIVER_RECEIPT_H
#define DELIVER_RECEIPT_H

#include "deliver/delivery.h"
#include "deliver/outbox.h"

#include <stdbool.h>

/* The report of success that senders can ask for (NOTIFY=SUCCESS, RFC 3461): who offers them that
 * owes it, to each recipient once. The outbox sends it. */
#define RECEIPT_KIND "receipt"

/* Do we owe it, when the delivery succeeds? Not where the message is only sent on: then what the
 * sender asked for goes along. */
bool receipt_is_due(const struct delivery *delivery);
/* Nothing of it is asked of others then. */
unsigned receipt_notify_others(unsigned notify);

struct message *receipt_compose(const struct delivery *delivery);

/* The same for what was sent on, to a server that does not report: `item`, which it has accepted,
 * with its message in `fd` from the current offset on. Null: the sender has not asked. */
struct message *receipt_relayed(
    const struct delivery *delivery, const struct outbox_item *item, int fd);

#endif
