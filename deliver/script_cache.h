#ifndef DELIVER_SCRIPT_CACHE_H
#define DELIVER_SCRIPT_CACHE_H

#include "deliver/script_rules.h"

#include <sys/stat.h>

/* Compiled scripts, kept in memory between the deliveries of one process. There is no compiled
 * file anywhere: a script compiles in less time than such a file takes to be checked. */
struct script_cache;

/* Of one process. A script of ten rules takes 22 KB, and compiling it again about 30 us of a
 * delivery's milliseconds: there is more to lose by keeping too much. */
#define SCRIPT_CACHE_BYTES ((size_t)8 * 1024 * 1024)

/* `rules` are borrowed. Those used last are kept, as many as `max_bytes` hold. */
struct script_cache *script_cache_new(const struct script_rules *rules, size_t max_bytes);
void script_cache_free(struct script_cache **cache);
/* What it holds now. */
size_t script_cache_bytes(const struct script_cache *cache);

/* Which script, and how it is to be understood. */
struct script_wanted {
	const char *path;
	const struct span *text; /* in place of what the file has; or null */
	bool is_global;          /* the site's, not the user's */
	/* Where "include" finds NAME.sieve; null: nowhere. */
	const char *personal_directory;
	const char *global_directory;
};

/* A file that the script was made of, the script's own first. */
struct script_file {
	const char *name; /* as messages have it */
	const char *path;
	bool is_global; /* of an included one: the site's */
	bool exists;    /* an included one may be missing */
	struct stat seen;
	struct span text;
	struct script_file *next;
};

/* A script as it was on disk. */
struct script_version {
	const struct sieve_script *script; /* null: it does not compile */
	struct sieve_errors errors;        /* warnings too */
	struct script_file *files;
};

enum script_answer {
	SCRIPT_READY,
	SCRIPT_NONE,       /* there is no such file */
	SCRIPT_BROKEN,     /* it does not compile */
	SCRIPT_UNREADABLE, /* it, or what it includes, may hold rules, but cannot be read: status is
	                    * set (temporary) */
};

/* The script as it is on disk now. `version_out` is set where it is ready or broken, and lives as
 * long as what is in `arena`: what a script wants done borrows from it. */
enum script_answer script_cache_get(struct script_cache *cache, struct arena *arena,
    const struct script_wanted *wanted, const struct script_version **version_out,
    struct status *status);

/* Compiles a version from the files that it already has; what it includes is only looked for among
 * them. Sets script and errors, in `arena`. */
void script_version_compile(struct arena *arena, const struct script_rules *rules,
    const struct script_wanted *wanted, struct script_version *version);

#endif
