#ifndef USERS_DRIVER_H
#define USERS_DRIVER_H

#include "base/arena.h"
#include "mail/status.h"
#include "users/users.h"

#include <stdbool.h>
#include <stdint.h>

/* What a source file must provide. To add a source: one file with one of these records, its row
 * in users.c, a test. A driver tells what it knows; whether that makes a user who can get mail
 * (uid, home, `delivery`) is judged in account.c, for all sources alike. */

/* A name as a source is asked for it. */
struct user_query {
	struct span name; /* by the source's username pattern, folded; no control characters */
	struct span local;
	struct span domain;
};

/* What a source knows, unjudged. Spans live in the arena of the lookup. */
struct user_account {
	struct span name;
	int64_t uid; /* -1: not known */
	int64_t gid;
	struct span home;  /* "" when not known */
	const char *where; /* for the log: "/etc/ladle/users:17", "passwd" */
	const struct user_field *fields;
	size_t field_count;
};

typedef bool user_account_each(void *context, const struct user_account *account);

enum user_needs {
	USER_NEEDS_PATH = 1, /* the option `path`; without this flag it must not be set */
	USER_NEEDS_IDS = 2,  /* the options uid and gid */
};

struct user_driver {
	const char *name;
	unsigned needs;       /* of enum user_needs; no source needs privileges */
	bool is_for_everyone; /* finds every name: asked only for the part before a delimiter */

	/* `source` and `options` are borrowed until close. Null with a status (configuration). */
	void *(*open)(const struct user_source_options *source, const struct users_options *options,
	    struct status *status);
	/* USER_FOUND (`account_out` is set), USER_UNKNOWN or USER_CANNOT_TELL (status is set). */
	enum user_answer (*lookup)(void *state, struct arena *arena, const struct user_query *query,
	    struct user_account *account_out, struct status *status);
	/* Null: cannot be walked. False: not all could be read (status is set). A walk that `each`
	 * ends is true. `account` lives for the call only. */
	bool (*walk)(void *state, user_account_each *each, void *context, struct status *status);
	void (*close)(void *state);
};

/* Judges what a source knows (account.c): fills in the source's defaults and refuses what cannot
 * get mail (no uid or gid, uid 0 or below first_valid_uid, a relative home). Answers as
 * users_lookup() does, never USER_UNKNOWN; `user_out` is set unless USER_CANNOT_TELL. */
enum user_answer account_judge(struct arena *arena, const struct user_account *account,
    const struct user_source_options *source, const struct users_options *options,
    struct user *user_out, struct status *status);

extern const struct user_driver user_driver_passwd;
extern const struct user_driver user_driver_passwd_file;
extern const struct user_driver user_driver_static;

#endif
