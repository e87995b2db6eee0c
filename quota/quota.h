#ifndef QUOTA_QUOTA_H
#define QUOTA_QUOTA_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much a user may keep. Sizes are bytes as stored (LF line ends, the S= of Maildir names).
 * The figures are those of Maildir++ `maildirsize`, shared with Dovecot's maildir quota driver
 * and Courier; what a delivery takes is reserved in it before anything is stored. */

/* Of one rule or in force; 0 is no limit. */
struct quota_limit {
	uint64_t storage_bytes;
	uint64_t message_count;
};

/* One `rule "Trash" { storage = "+100M" }`: `folder` is a canonical folder name ("INBOX" is the
 * inbox) in which * stands for anything and % for anything within a level; "*" or "" is the
 * whole mailbox. For each of storage and messages the first rule that fits the folder and says
 * something counts, so a user's own rules go before the site's; "*" counts last. */
struct quota_rule {
	const char *folder;
	/* "1G"; "+100M", "-10%" (of the limit of "*"); "ignore" (the folder is not counted at all);
	 * "unlimited" or "0"; null: says nothing. */
	const char *storage;
	/* "100000", "+10", "+10%", "unlimited"; null: says nothing. */
	const char *messages;
};

enum quota_field {
	QUOTA_FIELD_OTHER,    /* the field is none of ours */
	QUOTA_FIELD_RULE,     /* it is this rule */
	QUOTA_FIELD_NONSENSE, /* status is set (configuration) */
};

/* A field of a user source as a rule:
 *
 *	quota_storage, quota_messages               as in struct quota_rule, for "*"
 *	quota_storage_size, quota_message_count     the same, names of Dovecot 2.4
 *	quota_rule, quota_rule2 ...                 Dovecot 2.3: "Trash:storage=+100M:messages=10"
 *	quota                                       Courier: "1000000S,1000C", NOQUOTA */
enum quota_field quota_rule_from_field(struct arena *arena, struct span name, struct span value,
    struct quota_rule *rule_out, struct status *status);

struct quota_options {
	const struct quota_rule *rules;
	size_t rule_count;
	uint64_t grace_bytes;       /* one message may overshoot by so much */
	uint64_t message_max_bytes; /* of a single message; 0: no limit */
	bool utf8_names;            /* folder names on disk are UTF-8, not modified UTF-7 */
	unsigned count_budget_ms;   /* for counting while somebody waits; 0: a second */
	const char *sentinel;       /* a path that must exist before a Maildir is made, or null */
};

struct quota_usage {
	uint64_t storage_bytes;
	uint64_t message_count;
};

enum quota_answer {
	QUOTA_FITS,
	QUOTA_FITS_IN_GRACE,
	QUOTA_FULL,       /* it would fit if the user cleared space */
	QUOTA_NEVER_FITS, /* larger than the whole limit and the grace, or than message_max_bytes */
	QUOTA_CANNOT_TELL /* the figures could not be had in time; status is set: temporary */
};

/* Pure judgement; `more` is what would be added. Grace is of bytes only, and only for who is
 * under the limit now. */
enum quota_answer quota_judge(const struct quota_limit *limit, const struct quota_usage *usage,
    const struct quota_usage *more, uint64_t grace_bytes);

struct quota;

/* The quota of one user on a Maildir (Maildir++ with maildirsize); runs as the user. Reads
 * nothing yet. Null with a status when a rule is nonsense (configuration). Must be closed before
 * the arena goes. */
struct quota *quota_open(struct arena *arena, const char *maildir_root,
    const struct quota_options *options, struct status *status);
/* Ends a reservation that was not settled: it stays counted. Sets the pointer to null. */
void quota_close(struct quota **quota);

/* May a message of `bytes` (0: size not known) come into `folder` (canonical, "" the inbox)?
 * Reads maildirsize and nothing else unless the answer would be QUOTA_FULL or the file is of no
 * use. QUOTA_FULL is said only on figures that were counted within the last 60 s and no folder
 * changed since; otherwise they are counted again within a second, and where that is not enough
 * the answer is QUOTA_CANNOT_TELL while a process of its own goes on counting. Leaves no trace
 * beyond a recalculated maildirsize. Sets the status for QUOTA_CANNOT_TELL only. */
enum quota_answer quota_ask(
    struct quota *quota, struct span folder, uint64_t bytes, struct status *status);

struct quota_item {
	struct span folder; /* canonical */
	uint64_t bytes;
	bool is_ignored; /* set by quota_reserve(): the folder does not count */
};

/* Judges all copies of one delivery together, as quota_ask() does, and writes what it grants
 * into maildirsize, under a lock (waits 3 s at most): two deliveries cannot both take the last
 * megabyte. What fits is reserved until quota_settle(), which must come after the copies have
 * been published or taken back and before the next reservation of this handle. */
enum quota_answer quota_reserve(
    struct quota *quota, struct quota_item *items, size_t count, struct status *status);

/* What a reservation did, for warnings: figures without and with it, and the limit of "*". */
struct quota_change {
	struct quota_usage before;
	struct quota_usage after;
	struct quota_limit limit;
};

/* Ends the reservation: `stored` is what is in the mailbox now (count 0: nothing), the rest is
 * given back. Without a reservation it does nothing. Never fails a delivery: maildirsize is
 * recalculated when it is wrong. `change_out` may be null. */
void quota_settle(struct quota *quota, const struct quota_item *stored, size_t count,
    struct quota_change *change_out);

/* A warning stands at "95%" (1 to 100) of each limit of "*". */
struct quota_warning {
	unsigned percent;
};

/* False when the text is no such thing. */
bool quota_warning_parse(struct span text, struct quota_warning *out);

/* The index of the warning that is due: the highest which the change has reached from below, by
 * bytes or by messages, or `count` for none. Reservations are made one after another, so of many
 * deliveries at once it is due for one. Pure. */
size_t quota_warning_due(
    const struct quota_warning *warnings, size_t count, const struct quota_change *change);

/* The figures and the limit of "*", for people; counts again where the file is of no use, which
 * takes as long as it takes. */
bool quota_show(struct quota *quota, struct quota_usage *usage_out, struct quota_limit *limit_out,
    struct status *status);

/* Counts again in any case and writes maildirsize. */
bool quota_recalculate(struct quota *quota, struct quota_usage *usage_out, struct status *status);

#endif
