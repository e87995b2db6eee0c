#ifndef DELIVER_SIEVE_HOST_H
#define DELIVER_SIEVE_HOST_H

#include "deliver/delivery.h"
#include "deliver/lists.h"
#include "deliver/script_cache.h"
#include "deliver/seen.h"
#include "sieve-lite/sieve.h"

/* What a script may ask while it runs inside a delivery: struct sieve_host over store, state
 * directory and settings. */
struct sieve_questions {
	struct delivery *delivery;
	struct seen_room *seen;
	/* Why something could not be told: set when a run ends as SIEVE_CANNOT_RUN because of us;
	 * else its detail is empty. */
	struct status trouble;
	struct list_cache lists;
	const struct script_wanted *wanted; /* the script */
	int64_t started_us;                 /* sieve_host_cpu_us() when it began */
};

/* The processor time this thread has taken. */
int64_t sieve_host_cpu_us(void);

struct sieve_host sieve_host_of(struct sieve_questions *questions);

#endif
