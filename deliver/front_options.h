#ifndef DELIVER_FRONT_OPTIONS_H
#define DELIVER_FRONT_OPTIONS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What deliver was called with: options as dovecot-lda(1) has them, and where neither -d nor
 * root is in play the environment that local(8), pipe(8)'s `.forward` and Exim set. Spans with
 * null data were not given. Everything is borrowed from argv and the environment. */
struct front_options {
	const char *config_path;      /* -c, or null */
	struct span user_name;        /* -d */
	struct span sender;           /* -f, SENDER; "" is null */
	struct span recipient;        /* -r, RECIPIENT */
	struct span original;         /* -a, ORIGINAL_RECIPIENT */
	struct span folder;           /* -m */
	struct span detail;           /* EXTENSION, LOCAL_PART_SUFFIX without its delimiter */
	struct span home;             /* HOME */
	struct span login;            /* USER, else LOGNAME */
	const char *message_path;     /* -p, or null: standard input */
	const char *const *overrides; /* -o, in their order */
	size_t override_count;
	bool wants_check;        /* --check */
	bool wants_flush;        /* --flush-outbox */
	const char *srs_address; /* --srs-reverse, or null */
	struct span explained;   /* --explain */
	bool wants_help;
	bool wants_version;
};

/* Parses. `is_root` says that the real or effective user is root. Temporary failure
 * (CAUSE_USAGE, 4.3.5) with a text that says what to change for what cannot work: unknown
 * options, several recipients, root without -d. Pure: reads only its arguments. */
bool front_options_parse(struct arena *arena, int argc, char *const *argv, char *const *env,
    bool is_root, struct front_options *options_out, struct status *status);

/* True for what is no delivery. Pure. */
bool front_options_wants_talk(const struct front_options *options);

/* The text of --help. */
extern const char front_usage[];

#endif
