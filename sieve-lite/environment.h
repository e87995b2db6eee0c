#ifndef SIEVE_LITE_ENVIRONMENT_H
#define SIEVE_LITE_ENVIRONMENT_H

#include "sieve-lite/run.h"

/* The value of an item of the environment (RFC 5183); false: there is none of that name. In
 * ext_environment.c. */
bool environment_item(struct run *run, struct span name, struct span *value_out);

#endif
