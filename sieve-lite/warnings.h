#ifndef SIEVE_LITE_WARNINGS_H
#define SIEVE_LITE_WARNINGS_H

#include "sieve-lite/problems.h"
#include "sieve-lite/tree.h"

/* Warns of what is allowed and surely not meant in a script that has been checked and has no
 * error: commands that never run, tests that never match, extensions that nothing uses. */
void warnings_find(struct problems *problems, const struct node *first);

#endif
