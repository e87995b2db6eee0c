#ifndef USERS_USERS_H
#define USERS_USERS_H

#include "base/arena.h"
#include "mail/address.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a recipient is. Several sources are asked in order; a source is one file with one
 * constant record (struct user_driver in users/driver.h).
 *
 * Names are bytes. Folding case means ASCII letters only; UTF-8 local parts (RFC 6531) are looked
 * up as they came, neither folded nor normalised, so a source has to have them as senders and
 * MTAs write them: in NFC. */

enum user_answer {
	USER_FOUND,
	USER_UNKNOWN,     /* every source positively said so */
	USER_DISABLED,    /* found, and the source says: no mail */
	USER_ON_HOLD,     /* found, and the source says: not now */
	USER_CANNOT_TELL, /* a source did not answer, or cannot show its witness */
};

/* What a source knows beside the account: "quota_storage" = "1G", "mail" = "maildir:~/Mail". */
struct user_field {
	struct span name;
	struct span value;
};

struct user {
	struct span name;   /* as the source has it: "anna" or "anna@example.org" */
	struct span local;  /* local part of the address without detail, as looked up */
	struct span domain; /* "" when the address had none */
	struct span detail; /* behind the recipient delimiter; null data: none */
	uid_t uid;
	gid_t gid;
	struct span home;   /* absolute; "" when the source has none */
	const char *source; /* title of the source that answered, "virtual" */
	const struct user_field *fields;
	size_t field_count;
};

/* One `users` section of the configuration. Strings are borrowed for the life of `users`; where
 * null stands for "none", "" does too. */
struct user_source_options {
	const char *title;    /* "virtual" */
	const char *driver;   /* "passwd", "passwd-file", "static" */
	const char *path;     /* passwd-file */
	const char *username; /* what to look up: "%{user}@%{domain}"; null: "%{user}" */
	const char *witness;  /* a name that must be found, or "unknown" is not believed; or null */
	const char *home;     /* static, or default: may have %{user}, %{domain}, %{uid}; or null */
	const char *domain;   /* only asked for this domain (and for none), or null: for all */
	int64_t uid;          /* static, or default for lines without one; -1: none */
	int64_t gid;
};

struct users_options {
	const struct user_source_options *sources;
	size_t source_count;
	const char *recipient_delimiter; /* single bytes, "+-"; "" for none */
	bool fold_case;                  /* local parts in lower case before looking up */
	uint64_t first_valid_uid;
	uint64_t timeout_ms; /* for one question to a source that could hang; 0: 30 s */
};

struct users;

/* Checks the options and opens what can stay open. Null with a status (configuration). */
struct users *users_open(const struct users_options *options, struct status *status);
void users_close(struct users **users);

/* Looks an address up: the whole local part in every source first, so that the user "a-b" wins
 * over "a" with detail "b", then the part before the delimiter. uid 0 and uids below
 * first_valid_uid are USER_CANNOT_TELL with a hint for the log. `user_out` is filled (arena)
 * unless unknown or cannot tell. `status` is set for every answer but USER_FOUND, with the text
 * the sender shall read ("<addr> User doesn't exist: addr"). */
enum user_answer users_lookup(struct users *users, struct arena *arena,
    const struct address *recipient, struct user *user_out, struct status *status);

/* The same by the name an administrator uses (-d): "anna", "anna@example.org". It goes through
 * the same patterns as an address, whose syntax it need not have; again no delimiter is looked
 * for unless the name is not found as it is. An empty name is USER_CANNOT_TELL (usage). */
enum user_answer users_lookup_name(struct users *users, struct arena *arena, struct span name,
    struct user *user_out, struct status *status);

/* Calls `each` for every user of every source that can be walked, until it returns false;
 * disabled ones too, and one that two sources have twice. `user` lives for the call only. False
 * when a source failed, cannot be walked or has a user that cannot get mail as it stands (status
 * says which, the last one); all others were walked. May wait as long as a source does. */
bool users_walk(struct users *users, bool (*each)(void *context, const struct user *user),
    void *context, struct status *status);

/* The value of a field, or a span with null data. */
struct span user_field(const struct user *user, const char *name);

#endif
