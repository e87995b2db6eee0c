#ifndef SIEVE_LITE_SCRIPT_DIRS_H
#define SIEVE_LITE_SCRIPT_DIRS_H

#include "sieve-lite/sieve.h"

/* Where the commands find the scripts that "include" names (RFC 6609), as files NAME.sieve. */
struct script_dirs {
	const char *personal;
	const char *global;
};

/* The directory of `path`, from the arena; "." where it names none. */
const char *script_dirs_of(struct arena *arena, const char *path);

/* `load` of struct sieve_compile_options, with a struct script_dirs as its context. */
enum sieve_answer script_dirs_load(
    void *dirs, struct arena *arena, struct span name, bool is_global, struct span *source_out);

#endif
