#ifndef SIEVE_LITE_PROBLEMS_H
#define SIEVE_LITE_PROBLEMS_H

#include "base/arena.h"
#include "sieve-lite/sieve.h"
#include "sieve-lite/tree.h"

/* Where the stages of the compiler and the interpreter report what is wrong. */
struct problems {
	struct arena *arena;
	const char *script;
	struct sieve_errors *errors;
};

/* Adds one; the message is a clause without capital and full stop. Beyond LIMIT_ERRORS errors
 * are only counted. */
void problem_error(struct problems *to, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void problem_warning(struct problems *to, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* So many errors that going on would not help anybody. */
bool problem_is_enough(const struct problems *problems);

/* For "%.*s" in messages: text that may be long or unprintable, shortened and with "?" for
 * control characters. */
const char *problem_quote(struct problems *problems, struct span text);

#endif
