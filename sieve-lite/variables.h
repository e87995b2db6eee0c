#ifndef SIEVE_LITE_VARIABLES_H
#define SIEVE_LITE_VARIABLES_H

#include "sieve-lite/checker.h"
#include "sieve-lite/run.h"

/* For features that read and set variables by name (RFC 5229); in ext_variables.c. */
struct variable_target;

/* The commands that take modifiers. */
#define VARIABLE_SETTERS "set extracttext"

/* The variable of that constant name, "name" or "space.name". Null: it has none, or cannot be
 * set; reported. */
struct variable_target *variable_target(
    struct checker *checker, const struct text *name, bool is_to_be_set);
struct span variable_get(struct run *run, const struct variable_target *target);
/* A value that is too long is cut. */
void variable_set(struct run *run, const struct variable_target *target, struct span value);

/* What the modifiers of the command make of a value. */
struct span variable_modify(struct run *run, const struct node *node, struct span value);

/* Makes a variable of this script one that all scripts of a run share, from here on. False:
 * reported. */
bool variable_make_global(struct checker *checker, const struct text *name);
/* The shared variable that a part's `literal` names; for a namespace of them. */
struct span variable_global_get(struct run *run, const struct text_part *part);
void variable_global_set(struct run *run, const struct text_part *part, struct span value);

#endif
