#ifndef USERS_PATTERN_H
#define USERS_PATTERN_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Patterns of the configuration: "%{user}@%{domain}", "/var/mail/%{domain}/%{user}".
 *
 *	pattern  = *( literal / variable / "%%" )
 *	variable = "%{user}" / "%{domain}" / "%{uid}"
 *
 * %{user} is the local part without detail. */
struct pattern_values {
	struct span user;
	struct span domain;
	int64_t uid; /* below 0: not known */
};

/* Null when the pattern is well formed, else a short constant sentence saying why not. */
const char *pattern_check(const char *pattern);

/* A name to look up. Without a domain "@%{domain}" gives nothing, so that "%{user}@%{domain}"
 * makes "anna" of a bare "anna". The pattern must have passed pattern_check(). */
struct span pattern_name(
    struct arena *arena, const char *pattern, const struct pattern_values *values);

/* False for what must not become (a part of) a file name: "", ".", "..", a "/" or NUL in it. */
bool pattern_is_path_part(struct span value);

/* A path. False when a value is not fit for it, with a constant sentence in `*why_out`. */
bool pattern_path(struct arena *arena, const char *pattern, const struct pattern_values *values,
    struct span *path_out, const char **why_out);

#endif
