#ifndef DELIVER_SEEN_H
#define DELIVER_SEEN_H

#include "deliver/delivery.h"
#include "deliver/seen_driver.h"

/* What scripts have seen in earlier deliveries (duplicate, RFC 7352; whom vacation answered): a
 * memory for each user in the state directory, which scripts share.
 *
 * What is asked for is remembered when the delivery has succeeded, after its answer: a crash in
 * between forgets it, so something is done twice; it is never believed that a message was
 * delivered that was not. Until then nobody else gets an answer about the same id of that user;
 * who waits too long cannot tell. */

/* What the deliveries of this process wait to remember. One per process. */
struct seen_room;
struct seen_room *seen_room_new(void);
void seen_room_free(struct seen_room **room);

/* Was `id` (any bytes) seen, less time ago than it was then to be remembered? It will be remembered
 * for `seconds` from now, where it was seen only if `is_last`. Asked again in one delivery the
 * answer is the same. SEEN_CANNOT_TELL with a temporary status. Waits for other deliveries with
 * the same id 10 s at most. */
enum seen_answer seen_ask(struct seen_room *room, struct delivery *delivery, struct span id,
    uint64_t seconds, bool is_last, struct status *status);

/* How much this delivery is to remember, and back to there: what a script asked that failed. */
size_t seen_count(const struct delivery *delivery);
void seen_forget(struct delivery *delivery, size_t count);

/* The end of the delivery: remembers what is due if it has succeeded. */
void seen_settle(struct seen_room *room, struct delivery *delivery);

#endif
