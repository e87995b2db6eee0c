#ifndef DELIVER_INCOMING_H
#define DELIVER_INCOMING_H

#include "deliver/pipeline.h"

#include "base/arena.h"
#include "mail/message.h"
#include "mail/top_block.h"

struct delivery;

/* A message as it came, read once for all its recipients. */
struct incoming {
	bool is_read; /* else `trouble` says why not */
	struct status trouble;
	struct message message;
	struct top_block block;
	struct envelope envelope; /* with what the top block told */
};

/* Reads what lies in the spool (borrowed, like the envelope) into the arena. Without
 * `envelope->protocol` the block at the top is the MTA's and is believed. */
void incoming_read(struct arena *arena, const struct envelope *envelope, const struct spool *spool,
    struct incoming *incoming);

/* Gives the delivery the version for its recipient, whose original address becomes that of the top
 * block where it has none. `incoming` must have been read and outlives the delivery. */
void incoming_give(const struct incoming *incoming, struct delivery *delivery,
    struct pipeline_recipient *recipient);

#endif
