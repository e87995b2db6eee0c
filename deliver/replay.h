#ifndef DELIVER_REPLAY_H
#define DELIVER_REPLAY_H

#include "base/sha256.h"
#include "deliver/delivery.h"

#include <stdbool.h>
#include <stdint.h>

/* A reply that the client did not get makes it send the message again. So what was answered with
 * success is remembered when the reply is lost: a digest of message, envelope sender and
 * recipient. The same message to the same recipient then uses this memory up, is answered with
 * success, and is not stored a second time.
 *
 * A memory is an empty file that is called like the digest, in a directory of its own where state
 * is kept (state_is_shared: one for all users, else in the user's). Made, used up and counted
 * without locks: each of them is one step of the file system. */
#define REPLAY_DAYS 5

/* How many memories there are in the shared directory, by a hash of sender and recipient: never too
 * few. Postfix lets cached connections go without a word, so that a busy site has always some; with
 * a count for each pair almost nobody looks for them in vain. */
#define REPLAY_BUCKETS 16384u

struct replay_counts {
	_Atomic int32_t buckets[REPLAY_BUCKETS];
	/* What happened so far, each recipient for itself. */
	_Atomic uint64_t lost;
	_Atomic uint64_t remembered;
	_Atomic uint64_t recognised;
};

/* One message, for all its recipients. */
struct replay {
	const struct spool *spool;
	struct replay_counts *counts;
	bool is_looked_through; /* memories that are too old have been sought */
	bool has_digest;
	unsigned char digest[SHA256_BYTES];
};

/* Is this delivery, whose user is open, a replay? Its memory is used up then. Costs a look at the
 * count, or at the user's state directory, where there are no memories. */
bool replay_take(struct replay *replay, struct delivery *delivery);

/* The success of this delivery was not heard. Durable when it returns true. */
bool replay_remember(struct replay *replay, struct delivery *delivery, struct status *status);

/* Adds what is in the shared directory to the counts, which then serve for it. */
void replay_count_shared(const struct settings *settings, struct replay_counts *counts);

#endif
