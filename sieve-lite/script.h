#ifndef SIEVE_LITE_SCRIPT_H
#define SIEVE_LITE_SCRIPT_H

#include "sieve-lite/options.h"
#include "sieve-lite/registry.h"
#include "sieve-lite/tree.h"

/* A compiled script: never changed after sieve_compile(). */
struct sieve_script {
	const char *name;
	const struct sieve_options *options; /* borrowed */
	struct node *first;
	struct feature_set features; /* in effect at its end */
	void *states[REGISTRY_MAX];  /* what checker_state() gave */
};

#endif
