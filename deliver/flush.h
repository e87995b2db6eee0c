#ifndef DELIVER_FLUSH_H
#define DELIVER_FLUSH_H

#include "deliver/delivery.h"
#include "deliver/outbox.h"
#include "mail/srs.h"

#include <stdbool.h>
#include <stdint.h>

/* Sending what waits in the outbox of one user: apart from deliveries, as that user. */

/* Sends what is due in the outbox of a delivery that is open (delivery_open), and takes the
 * announcement back when nothing is left. What is refused or has expired is given up: the owner of
 * the mailbox is told by a notice in the inbox, with the whole message, so that nothing is lost; of
 * answers and refusals nobody is told but the log. `srs` may be null:
 * then the keys are read, and where we may not, mail that wants them is left to who may. */
bool flush_outbox(struct delivery *delivery, const struct srs *srs, struct outbox_tally *tally_out,
    struct status *status);

/* How long flush_outbox() takes at most, if nothing hangs. */
int64_t flush_limit_ms(const struct settings *settings);

/* After a delivery: has it, or has an earlier one, left something to send? */
bool flush_is_wanted(const struct delivery *delivery);

/* The same as flush_outbox() in a process of its own that outlives us; returns at once. */
void flush_detached(struct delivery *delivery);

/* Whether the settings of `outbox` make sense. */
bool flush_check(const struct settings *settings, struct status *status);

#endif
