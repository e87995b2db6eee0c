#ifndef DELIVER_CHECK_H
#define DELIVER_CHECK_H

#include "base/bytes.h"
#include "deliver/settings.h"

#include <stdbool.h>
#include <stdio.h>

/* For a person: is the configuration right, and what would happen to this user's mail, step by
 * step: source, uid, home, store, quota with figures, scripts in order. `user_name` with null
 * data: only the configuration. Delivers nothing, makes nothing. False when something is wrong;
 * what, and what to do about it, is printed. */
bool check_print(const struct settings *settings, struct span user_name, FILE *out);

#endif
