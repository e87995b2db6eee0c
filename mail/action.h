#ifndef MAIL_ACTION_H
#define MAIL_ACTION_H

#include "base/arena.h"
#include "mail/envelope.h"
#include "mail/message.h"

#include <stdbool.h>

/* What shall happen to one recipient's message: decided by filters, done by the pipeline. */
enum action_kind {
	ACTION_KEEP,     /* store in the default folder */
	ACTION_FILEINTO, /* store in `folder` */
	ACTION_DISCARD,  /* cancels the implicit keep; stores nothing */
	ACTION_REDIRECT, /* send on to `address` (RFC 5228 4.2) */
	ACTION_REJECT,   /* refuse towards the sender, with `text` (RFC 5429) */
	ACTION_SEND,     /* send `message`, which we wrote ourselves, as `letter` says, or do not */
	ACTION_PIPE,     /* hand the message to `program` */
};

/* Where in which script it was decided; `script` is null where no script did. */
struct action_origin {
	const char *script; /* as people know it: the path as configured */
	unsigned line;
	unsigned column;
};

/* What is sent beside or instead of the message: a vacation answer, a notification, a report. */
struct action_letter {
	const char *name;   /* "vacation", "notify", "report": for records */
	struct span sender; /* of the envelope; "" is null */
	const struct span *recipients;
	size_t recipient_count;
	/* Why it is not sent, a clause for records ("the sender is a mailing list"): then it has no
	 * recipients and nothing is to be done. Null: it is. */
	const char *withheld;
};

/* What is asked of the next server (RFC 3461, RFC 2852). What is unsaid stays as the message came.
 */
struct action_dsn {
	unsigned notify; /* of enum envelope_notify */
	enum envelope_ret ret;
	struct envelope_by by;
};

struct action_program {
	struct span name; /* checked: no path */
	const struct span *arguments;
	size_t argument_count;
	bool may_fail; /* the delivery goes on where it fails */
};

struct action {
	enum action_kind kind;
	bool is_implicit;          /* the implicit keep (RFC 5228 2.10.2) */
	bool stays_beside_refusal; /* no conflict with ACTION_REJECT (RFC 5429 2.4) */
	bool may_create;           /* make the folder where it is missing */
	struct span folder; /* UTF-8 as the script or option has it; empty: the default folder */
	const struct span *flags; /* IMAP flags and keywords, "\\Seen"; null: none said */
	size_t flag_count;
	/* "\\Junk": instead of `folder` the one that is for this, where there is one (RFC 8579) */
	struct span special_use;
	struct span address;    /* to send to */
	struct action_dsn *dsn; /* of ACTION_REDIRECT; null: nothing said */
	struct span text;       /* of a refusal: UTF-8, lines ended by CR LF but perhaps the last */
	/* Of ACTION_SEND; of ACTION_FILEINTO where `message` is a copy of that letter (RFC 8580).
	 */
	const struct action_letter *letter;
	const struct action_program *program;
	const struct message *message; /* the version to store or send; null: as it came */
	struct action_origin origin;
	struct action *next;
};

struct action_list {
	struct action *first;
	struct action *last;
	unsigned count;
};

/* Puts an action that is in no list, or no longer, at the end of this one. */
void action_append(struct action_list *list, struct action *action);
/* A new action at the end of the list, from the arena; the caller fills it in. */
struct action *action_add(struct arena *arena, struct action_list *list, enum action_kind kind);
/* Has it an explicit keep? In a chain of scripts that means "go on"... */
bool action_has_keep(const struct action_list *list);
/* ...and only the last script's counts: takes all explicit keeps off the list. */
void action_drop_keeps(struct action_list *list);
/* The same for any kind. */
void action_drop(struct action_list *list, enum action_kind kind);
const char *action_name(const struct action *action); /* "fileinto", for records */

#endif
