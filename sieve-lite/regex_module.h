#ifndef SIEVE_LITE_REGEX_MODULE_H
#define SIEVE_LITE_REGEX_MODULE_H

#include "base/module.h"

#include <stdbool.h>
#include <stddef.h>

/* PCRE2 without JIT, under limits, as the module regex.so: most scripts have no regular expression,
 * and linked it costs every start of the programs. */

#define REGEX_NONE SIZE_MAX /* an offset of a group that took no part */
#define REGEX_NO_MATCH 0
#define REGEX_OVER_LIMIT (-1)

struct regex_module {
	struct module module;
	/* A compiled pattern, in memory that `take` gives (it is never given back); null with `why`
	 * filled. */
	void *(*compile)(void *(*take)(size_t size, void *context), void *context,
	    const char *pattern, size_t len, bool ignores_case, char *why, size_t why_size);
	/* Bytes that a compiled pattern takes. */
	size_t (*size)(const void *pattern);
	/* How many groups matched, all of the match the first: where they start and end in `value`,
	 * of at most `max`. */
	int (*match)(
	    const void *pattern, const char *value, size_t len, size_t (*groups_out)[2], int max);
};

#endif
