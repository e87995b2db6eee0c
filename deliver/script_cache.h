#ifndef DELIVER_SCRIPT_CACHE_H
#define DELIVER_SCRIPT_CACHE_H

#include "deliver/settings.h"
#include "sieve-lite/sieve.h"

/* Compiled scripts, kept in memory between the deliveries of one process. There is no compiled
 * file anywhere: a script compiles in less time than such a file takes to be checked. */
struct script_cache;

struct script_cache *script_cache_new(const struct sieve_settings *settings);
void script_cache_free(struct script_cache **cache);

enum script_answer {
	SCRIPT_READY,      /* `script_out` is set */
	SCRIPT_NONE,       /* there is no such file */
	SCRIPT_BROKEN,     /* it does not compile; `why_out` has the first error, "path:3:1: ..." */
	SCRIPT_UNREADABLE, /* it may hold rules, but cannot be read: status is set (temporary) */
};

/* The script of that path, as it is on disk now. What is set lives until the next call. */
enum script_answer script_cache_get(struct script_cache *cache, const char *path,
    const struct sieve_script **script_out, const char **why_out, struct status *status);

#endif
