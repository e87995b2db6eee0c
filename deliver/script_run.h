#ifndef DELIVER_SCRIPT_RUN_H
#define DELIVER_SCRIPT_RUN_H

#include "deliver/script_cache.h"
#include "deliver/seen.h"

/* One script in a delivery: run it, take over what it decides, tell what is wrong with it. */
struct script_runner {
	const struct script_rules *rules;
	struct seen_room *seen;
	struct sieve_chain chain;      /* of the scripts that have run */
	const struct message *message; /* as they have left it; null: as it came */
};

enum script_end {
	SCRIPT_END_NEXT,    /* the next script may run */
	SCRIPT_END_LAST,    /* none may: the message is disposed of, or this one was in error */
	SCRIPT_END_TROUBLE, /* it cannot be told what to do: status is set (temporary) */
};

/* `answer` and `version` are what script_cache_get() gave for `wanted`, ready or broken. Of a
 * user's script that is broken the last good version runs, where the site wants that. */
enum script_end script_run(struct script_runner *runner, struct delivery *delivery,
    const struct script_wanted *wanted, enum script_answer answer,
    const struct script_version *version, struct status *status);

#endif
