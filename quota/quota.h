#ifndef QUOTA_QUOTA_H
#define QUOTA_QUOTA_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stdint.h>

/* How much a user may keep. Sizes are bytes as stored (LF line ends, the S= of Maildir names). */

/* Of one rule or in force; 0 is no limit. */
struct quota_limit {
	uint64_t storage_bytes;
	uint64_t message_count;
};

/* One `rule "Trash" { storage = "+100M" }`: `folder` is a canonical folder name with * and %
 * as wildcards ("*" or "" is the whole mailbox). */
struct quota_rule {
	const char *folder;
	const char *storage;  /* "1G", "+100M" (added to the limit of "*"), "ignore", "unlimited" */
	const char *messages; /* "100000", "+10", or null */
};

struct quota_options {
	const struct quota_rule *rules;
	size_t rule_count;
	uint64_t grace_bytes;       /* one message may overshoot by so much */
	uint64_t message_max_bytes; /* of a single message; 0: no limit */
};

struct quota_usage {
	uint64_t storage_bytes;
	uint64_t message_count;
};

enum quota_answer {
	QUOTA_FITS,
	QUOTA_FITS_IN_GRACE,
	QUOTA_FULL,       /* it would fit if the user cleared space */
	QUOTA_NEVER_FITS, /* larger than the whole limit */
	QUOTA_CANNOT_TELL /* the figures could not be had in time; status is set: temporary */
};

/* Pure judgement; `more` is what would be added. */
enum quota_answer quota_judge(const struct quota_limit *limit, const struct quota_usage *usage,
    const struct quota_usage *more, uint64_t grace_bytes);

struct quota;

/* The quota of one user on a Maildir (PEERS 3.5, Maildir++ with maildirsize); runs as the user.
 * Reads nothing yet. Null with a status when a rule is nonsense (configuration). */
struct quota *quota_open(struct arena *arena, const char *maildir_root,
    const struct quota_options *options, struct status *status);
void quota_close(struct quota **quota);

/* May a message of `bytes` (0: size not known) come into `folder`? Leaves no trace beyond a
 * recalculated maildirsize. Before QUOTA_FULL is said the figures are younger than 60 s, or
 * recalculated within a second. */
enum quota_answer quota_ask(
    struct quota *quota, struct span folder, uint64_t bytes, struct status *status);

struct quota_item {
	struct span folder;
	uint64_t bytes;
	bool is_ignored; /* set by quota_reserve(): the folder does not count */
};

/* Judges all copies of one delivery together and writes what it grants into maildirsize, under
 * a lock: two deliveries cannot both take the last megabyte. */
enum quota_answer quota_reserve(
    struct quota *quota, struct quota_item *items, size_t count, struct status *status);
/* Gives back what was reserved: the copies were not stored, or are of another size. Never
 * fails a delivery: maildirsize is recalculated when it is wrong. */
void quota_give_back(struct quota *quota, const struct quota_item *items, size_t count);

/* The figures and the limit in force, for people; may recalculate. */
bool quota_show(struct quota *quota, struct quota_usage *usage_out, struct quota_limit *limit_out,
    struct status *status);

#endif
