#ifndef SIEVE_LITE_EXPLAIN_H
#define SIEVE_LITE_EXPLAIN_H

#include "sieve-lite/sieve.h"

/* The story of a run as a tree: commands, below each the tests it asked, below those the values
 * they looked at; for people or for programs. */

/* So many events are kept; of the rest only the number. */
#define EXPLAIN_EVENTS_MAX 20000

struct explain_node {
	struct sieve_trace_event event;
	struct explain_node *first; /* what is below it, in order */
	struct explain_node *last;
	struct explain_node *next;
	struct explain_node *above; /* of commands: the one in whose block it stands */
};

struct explain {
	struct arena *arena; /* borrowed; all events are in it */
	struct explain_node root;
	struct explain_node *command; /* the last one told; the root before the first */
	struct explain_node pending;  /* tests and values that belong to what comes */
	size_t count;
	size_t left_out;
};

void explain_init(struct explain *explain, struct arena *arena);
/* What to give to sieve_run(): `tell` of a struct sieve_trace with `explain` as its context. */
void explain_tell(void *explain, const struct sieve_trace_event *event);
/* After the run. */
void explain_finish(struct explain *explain);

/* Appends the tree, a line for each node; with `has_colours` for a terminal. */
void explain_print(const struct explain *explain, bool has_colours, struct bytes *to);
/* Appends a JSON array. */
void explain_print_json(const struct explain *explain, struct bytes *to);

/* Appends the text in double quotes for people: unprintable bytes as "?", long text cut. */
void explain_quote(struct bytes *to, struct span text);

#endif
