#ifndef DELIVER_SWEEP_H
#define DELIVER_SWEEP_H

#include "deliver/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Sending what waits in the outboxes of many users: a process for each, which becomes that user
 * where we are root, outbox.processes of them at a time and one of a user. Round follows round;
 * whom one user keeps waiting another does not wait for, as long as not all processes are kept
 * busy. */
struct sweep;

/* `settings` are borrowed. After `worker_limit_ms` a process is killed; 0: after the longest time
 * that sending may take. No other child of the caller's is waited for; SIGCHLD has its default from
 * here on. */
struct sweep *sweep_new(const struct settings *settings, int64_t worker_limit_ms);
/* Those at work go on by themselves. */
void sweep_free(struct sweep **sweep);

struct sweep_round {
	/* Of the announcements only those made since then; 0: all. */
	time_t since;
	/* Also looks for users who announced nothing, where they have their state in one place. */
	bool is_thorough;
};

/* Starts a process for each user whose mail was announced, and returns when the last has begun.
 * Who is still at work is left to it, and begins again afterwards if the announcement is younger.
 */
void sweep_begin(struct sweep *sweep, const struct sweep_round *round);

/* Takes note of who is ready, and ends who is overdue; to be called now and then. */
void sweep_look(struct sweep *sweep);

/* Waits until nobody is at work. */
void sweep_wait(struct sweep *sweep);

struct sweep_tally {
	unsigned done;    /* users of whom nothing waits any more */
	unsigned waiting; /* users of whom something does */
	unsigned failed;  /* the log says why */
	uint64_t items;   /* that wait, of those users who could be asked */
};

/* The figures of the last round without `since`; false while some of it are at work. */
bool sweep_count(const struct sweep *sweep, struct sweep_tally *tally_out);

/* True when mail was announced since it was asked last. Looks at directories only, never into
 * them. */
bool sweep_has_news(struct sweep *sweep);

/* One thorough round, waited for. */
struct sweep_tally sweep_all(const struct settings *settings, int64_t worker_limit_ms);

#endif
