#ifndef SIEVE_LITE_REGISTRY_H
#define SIEVE_LITE_REGISTRY_H

#include "sieve-lite/feature.h"

/* All features, one row each. */
#define REGISTRY_MAX 80

size_t registry_count(void);
const struct extension *registry_extension(size_t index);
/* registry_count() for one that is no row: the guest. */
size_t registry_index(const struct extension *extension);

/* The index of the extension of that name (case counts, RFC 5228 6.1), or registry_count(). */
size_t registry_find(struct span name);

/* True for a command or test that every script has. */
bool registry_is_core(struct span name);

/* True when a script compiled so may require it. */
bool registry_is_available(
    const struct extension *extension, const struct sieve_compile_options *options);

/* Which features a script has in effect: those of every script and few others. */
struct feature_set {
	const struct extension *guest; /* the caller's own; null: none */
	size_t on_count;
	const struct extension *on[REGISTRY_MAX]; /* in the order of the registry, the guest last */
};

void registry_turn_on(struct feature_set *set, const struct extension *extension);
/* What every script has. */
void registry_turn_on_core(struct feature_set *set);
bool registry_is_on(const struct feature_set *set, const struct extension *extension);

enum feature_kind {
	FEATURE_COMMAND,
	FEATURE_MATCH_TYPE,
	FEATURE_COMPARATOR,
	FEATURE_ADDRESS_PART,
	FEATURE_ENVELOPE_PART,
	FEATURE_VARIABLE_SPACE,
	FEATURE_TAG, /* of a command: registry_tag() */
};

/* The record (struct command, struct match_type ...) of that name, ASCII letters folded, among
 * those of the features that are on; null when there is none. Then `from_out` (may be null) is
 * the feature that would bring it, or null. */
const void *registry_look_up(const struct feature_set *set, enum feature_kind kind,
    struct span name, const struct extension **from_out);

/* The same for a tag that a feature adds to a command; the command's own come first. `from_out` is
 * slow: it looks through everything. */
const struct tag *registry_tag(const struct feature_set *set, const struct command *command,
    struct span name, const struct extension **from_out);

/* What a misspelt name may have meant: among all commands or tests, or all names that require
 * takes; or null. */
const char *registry_suggest_command(struct span name, bool is_test);
const char *registry_suggest_extension(struct span name);

#endif
