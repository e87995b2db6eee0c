#ifndef SIEVE_LITE_VARIABLES_H
#define SIEVE_LITE_VARIABLES_H

#include "sieve-lite/checker.h"
#include "sieve-lite/run.h"

/* For features that bring variables or set them (RFC 5229); in ext_variables.c. */

/* Makes `part` stand for "${space.name}", "${name}" where `space` is empty. `*is_sound_out` is
 * false where that was reported. The space it belongs to, null: the script itself. */
const struct variable_space *variable_bind(struct checker *checker, struct place at,
    struct span space, struct span name, struct text_part *part, bool *is_sound_out);

/* A value cut to what a variable holds. */
struct span variable_limit(struct span value);

#endif
