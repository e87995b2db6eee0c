#ifndef DELIVER_PIPELINE_INSIDE_H
#define DELIVER_PIPELINE_INSIDE_H

#include "deliver/delivery.h"
#include "deliver/plugin.h"
#include "deliver/replay.h"

/* What pipeline.c and pipeline_errands.c share; nobody else includes it. */

struct pipeline {
	const struct settings *settings;
	struct users *users;
	struct record *record; /* null until the first delivery */
	struct story *story;
	struct relay_pool *relays;
	struct plugin_set plugins;
	struct replay replay; /* of the message */
	struct arena *message_arena;
	struct arena *batch_arena;
	/* Whom pipeline_admit() let in last, in an arena of its own. */
	struct arena *admitted_arena;
	const char *admitted_id; /* of the call; null: nobody */
	struct span admitted_address;
	struct user admitted;
};

/* A delivery of the call in the batch arena, about which nothing is known yet. */
struct delivery pipeline_begin(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct pipeline_recipient *recipient);

/* Holds what plugins want against what can be: refusals, loops, programs, the implicit keep; then
 * plans the copies for the mailbox. */
bool pipeline_judge(struct delivery *delivery, struct status *status);

#endif
