#ifndef DELIVER_USER_SOURCES_H
#define DELIVER_USER_SOURCES_H

#include "deliver/settings.h"
#include "users/users.h"

/* Opens the sources of a configuration, which is borrowed as long. Null with a status. */
struct users *user_sources_open(const struct settings *settings, struct status *status);

#endif
