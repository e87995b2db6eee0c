#ifndef SIEVE_LITE_MATCH_H
#define SIEVE_LITE_MATCH_H

#include "sieve-lite/run.h"

/* The comparing of one test: it gives all its values, one after the other, until one matches.
 *
 *	struct match match = match_begin(run, node);
 *	while (... && !match_value(&match, source, value))
 *		;
 *	return match_end(&match);
 */
struct match {
	struct run *run;
	const struct matching *how;
	uint64_t count; /* values seen */
	bool is_matched;
	size_t key_index;   /* of the key that is being compared */
	bool has_word_keys; /* each key is a list of words, separated by blanks */
};

struct match match_begin(struct run *run, const struct node *node);

/* Compares a value with all keys. True: the test is decided (or the run is over), no more values
 * are wanted. `source` says where the value was found, for the trace. */
bool match_value(struct match *match, struct span source, struct span value);

/* The result of the test. */
bool match_end(struct match *match);

/* ":matches" (RFC 5228 2.7.1): "*" and "?", a backslash before them takes their meaning. Each "*"
 * takes as little as possible. Time at most pattern times value. The first `max` wildcards
 * are told in `parts_out`, spans of `value`; `*count_out` is how many there are. */
bool match_glob(struct match *match, struct span value, struct span pattern, struct span *parts_out,
    size_t max, size_t *count_out);

#endif
