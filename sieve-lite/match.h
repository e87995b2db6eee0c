#ifndef SIEVE_LITE_MATCH_H
#define SIEVE_LITE_MATCH_H

#include "sieve-lite/run.h"

/* A text as a comparator compares it. */
struct prepared_text {
	struct span text;
	/* For each byte of it, and its end, where the character it is made from begins in the
	 * original; null: each byte stands where it stood. */
	const uint32_t *origins;
};

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
	size_t key_index;     /* of the key that is being compared */
	bool has_word_keys;   /* each key is a list of words, separated by blanks */
	struct span original; /* the value that is compared, and as it is prepared */
	struct prepared_text value;
};

struct match match_begin(struct run *run, const struct node *node);

/* Compares a value with all keys. True: the test is decided (or the run is over), no more values
 * are wanted. `source` says where the value was found, for the trace. */
bool match_value(struct match *match, struct span source, struct span value);

/* The result of the test. */
bool match_end(struct match *match);

/* Byte by byte (i;octet, RFC 4790 9.3). */
bool match_compare_octets(struct span a, struct span b, int *order_out);

/* ":matches" (RFC 5228 2.7.1): "*" and "?", a backslash before them takes their meaning. Each "*"
 * takes as little as possible. Time at most pattern times value. The first `max` wildcards
 * are told in `parts_out`, spans of `value`, or of what it was before it was prepared;
 * `*count_out` is how many there are. */
bool match_glob(struct match *match, struct span value, struct span pattern, struct span *parts_out,
    size_t max, size_t *count_out);

#endif
