#ifndef DELIVER_SCRIPT_LOG_H
#define DELIVER_SCRIPT_LOG_H

#include "deliver/script_cache.h"
#include "deliver/delivery.h"

/* What the person who can mend a script reads about it: errors, with the line and a caret, and
 * what the script itself has written. For a user's script that is SCRIPT.log beside it, by setting
 * also one mail a day; for the site's the log of the administrator. It is collected while scripts
 * run and told when the delivery is over; nothing here changes how it ends. */

/* Errors of compiling or of running `version`, whose path is `path`. */
void script_log_errors(struct delivery *delivery, const char *path, bool is_personal,
    const struct script_version *version, const struct sieve_errors *errors);

/* Something a script has to say about itself: a line of its own. */
void script_log_text(
    struct delivery *delivery, const char *path, bool is_personal, struct span text);

/* The end of the delivery, whose store is still open. */
void script_log_tell(struct delivery *delivery);

#endif
