#ifndef SIEVE_LITE_CHECK_ARGUMENTS_H
#define SIEVE_LITE_CHECK_ARGUMENTS_H

#include "sieve-lite/checker.h"

/* Binds the arguments of a command or test whose meaning is known (RFC 5228 2.6). False:
 * reported, once. */
bool check_arguments(struct checker *checker, struct node *node);

#endif
