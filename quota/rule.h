#ifndef QUOTA_RULE_H
#define QUOTA_RULE_H

#include "quota/quota.h"

/* The rules of one user, understood. Pure. */

enum quota_amount_kind {
	QUOTA_AMOUNT_UNSAID,
	QUOTA_AMOUNT_IGNORE,
	QUOTA_AMOUNT_ABSOLUTE, /* 0: no limit */
	QUOTA_AMOUNT_MORE,     /* than the limit of "*" */
	QUOTA_AMOUNT_LESS,
	QUOTA_AMOUNT_MORE_PERCENT,
	QUOTA_AMOUNT_LESS_PERCENT,
};

struct quota_amount {
	enum quota_amount_kind kind;
	uint64_t value;
};

struct quota_known_rule {
	struct span mask;    /* "INBOX" for the inbox, levels joined by '.' */
	bool is_base;        /* of the whole mailbox */
	bool is_below_inbox; /* was written as INBOX.something: not the inbox itself */
	struct quota_amount storage;
	struct quota_amount messages;
};

struct quota_rules {
	struct quota_known_rule *items;
	size_t count;
	struct quota_limit base; /* of "*"; at most INT64_MAX each, as in the definition line */
};

/* Rules and strings come from the arena. False with a status (configuration). */
bool quota_rules_parse(struct arena *arena, const struct quota_rule *rules, size_t count,
    struct quota_rules *rules_out, struct status *status);

/* Is there any limit at all? */
bool quota_rules_has_limit(const struct quota_rules *rules);

/* `folder` is canonical, "" for the inbox. */
bool quota_rules_ignores(const struct quota_rules *rules, struct span folder);
struct quota_limit quota_rules_limit(const struct quota_rules *rules, struct span folder);

/* `percent` of a limit; stops at UINT64_MAX. */
uint64_t quota_percent_of(uint64_t limit, uint64_t percent);

/* Does the mask (* anything, % anything within a level) fit the whole name? */
bool quota_mask_fits(struct span mask, struct span name);

#endif
