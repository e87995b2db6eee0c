#ifndef DELIVER_SCRIPT_KEEP_H
#define DELIVER_SCRIPT_KEEP_H

#include "deliver/script_cache.h"
#include "deliver/delivery.h"

/* What is remembered about a user's script between deliveries, in the state directory: the last
 * version that worked, and how often this one has gone over its budget. */

/* Keeps `version` (of the script at `path`, with all it includes) as the last good one, where it is
 * not yet. Trouble is logged. */
void script_keep_good(
    struct delivery *delivery, const char *path, const struct script_version *version);

/* The last good version, compiled; null: there is none. Memory: `delivery`'s. */
const struct script_version *script_keep_load(struct delivery *delivery,
    const struct script_rules *rules, const struct script_wanted *wanted);

/* This version has gone over its budget once more. */
void script_keep_overrun(
    struct delivery *delivery, const char *path, const struct script_version *version);

/* How often it has; a script that was changed begins anew, and so does one that has not for an
 * hour. */
uint64_t script_keep_overruns(
    struct delivery *delivery, const char *path, const struct script_version *version);

#endif
