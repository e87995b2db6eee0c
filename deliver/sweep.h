#ifndef DELIVER_SWEEP_H
#define DELIVER_SWEEP_H

#include "deliver/settings.h"
#include "mail/envelope.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Sending what waits in the outboxes of many users: a process for each, which becomes that user
 * where we are root. */
struct sweep {
	const struct settings *settings; /* borrowed */
	/* Also looks for users who announced nothing, where they have their state in one place. */
	bool is_thorough;
	/* Of the announcements only those made since then; 0: all. */
	time_t since;
	/* After so long a process is killed; 0: after the longest time that sending may take. */
	int64_t worker_limit_ms;
};

struct sweep_tally {
	unsigned done;    /* users of whom nothing waits any more */
	unsigned waiting; /* users of whom something does */
	unsigned failed;  /* the log says why */
	uint64_t items;   /* that wait, of those users who could be asked */
};

/* Returns when all have been seen to, outbox.processes of them at a time. */
struct sweep_tally sweep_run(const struct sweep *sweep);

/* True when mail was announced since `*seen` was filled, which this does; start with zeroes. Looks
 * at directories only, never into them. */
struct sweep_seen {
	struct timespec changed[2];
};
bool sweep_has_news(const struct settings *settings, struct sweep_seen *seen);

#endif
