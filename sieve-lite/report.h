#ifndef SIEVE_LITE_REPORT_H
#define SIEVE_LITE_REPORT_H

#include "base/bytes.h"
#include "sieve-lite/sieve.h"

/* Appends an error as good compilers show it: "script:line:column: error: message", the line of
 * `source` (the text of the script `name`; an included one's is not shown) and a caret under the
 * column. */
void report_error(
    struct bytes *to, const struct sieve_error *error, const char *name, struct span source);

/* Appends all of them as a JSON array of objects. */
void report_json(struct bytes *to, const struct sieve_errors *errors);

/* "2 errors and 1 warning", or "" when there are none. */
void report_summary(struct bytes *to, const struct sieve_errors *errors);

#endif
