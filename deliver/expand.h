#ifndef DELIVER_EXPAND_H
#define DELIVER_EXPAND_H

#include "base/arena.h"
#include "mail/status.h"
#include "users/users.h"

#include <stdbool.h>

/* Puts what belongs to a user into a setting, the one place where that is done:
 *
 *	%{user} %{local} %{domain} %{detail} %{home} %{uid}	struct user
 *	%%							a percent sign
 *	~ or ~/ at the beginning, also behind "driver:"		the home directory
 *
 * Everything but the home is part of one path component: a value with a slash, or that is "." or
 * "..", is refused. False with a status (CAUSE_CONFIGURATION) that names the setting. */
bool expand(struct arena *arena, const char *setting, const char *text, const struct user *user,
    const char **expanded_out, struct status *status);

#endif
