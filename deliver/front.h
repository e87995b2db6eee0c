#ifndef DELIVER_FRONT_H
#define DELIVER_FRONT_H

#include "deliver/front_options.h"
#include "deliver/settings.h"
#include "mail/status.h"

#include <stdbool.h>

/* Loads the configuration of -c and sets what -o says; -o is left alone when we were started as
 * root, unless only to check. False with a status; what was loaded is to be freed all the same. */
bool front_load_settings(
    const struct front_options *options, struct settings **settings_out, struct status *status);

#endif
