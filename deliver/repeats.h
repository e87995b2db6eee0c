#ifndef DELIVER_REPEATS_H
#define DELIVER_REPEATS_H

#include "deliver/seen.h"

/* Takes redirects off the list that the same message was sent to before, for the same recipient,
 * within sieve.redirect_duplicate_period: an alias that leads here twice, a sender that tries
 * again. Nothing is lost by it: the same is what has the same Message-ID, author, date, subject and
 * body (of a long one, the first megabyte and the length). False with a temporary status: it cannot
 * be told. */
bool repeats_judge(struct seen_room *room, struct delivery *delivery, struct status *status);

#endif
