#ifndef DELIVER_STATE_H
#define DELIVER_STATE_H

#include "deliver/delivery.h"

#include <stdbool.h>

/* Where memory about a user is kept between deliveries: outbox, databases, explanations. It never
 * looks like mail: a place inside a Maildir is refused.
 *
 * The setting state_directory says where: with a "~" or a variable in it, that is the user's own
 * place; else it has a directory for each user, called like the user. Where it is empty, accounts
 * of the system have ~/.local/state/ladle and all others theirs in LADLE_STATE_DIR. */

/* The directory of the delivery's user, which must be open (delivery_open); made with mode 0700
 * where it is missing. Null with a temporary status: only what needs it has to wait. Its memory
 * is the delivery's arena. */
const char *state_directory(struct delivery *delivery, struct status *status);

/* The same path, whether or not there is such a directory. */
const char *state_directory_path(const struct delivery *delivery, struct status *status);

/* Whether that directory, if it is there, may be trusted: in a place for many users somebody else
 * could have made it. False with a temporary status. */
bool state_directory_is_ours(
    const struct delivery *delivery, const char *path, struct status *status);

/* The directory that has one for each of many users, or null where each has a place of their own.
 */
const char *state_shared_directory(const struct settings *settings);

/* Where is kept what concerns many users: the shared directory, or the user's own where there is
 * none; made where it is missing. Null where that cannot be. */
const char *state_common_directory(struct delivery *delivery);
/* Is that the same for all users? */
bool state_is_shared(const struct delivery *delivery);

/* Where the user's waiting mail is announced (pending.h): in the shared directory, or for users
 * with a place of their own where outbox.pending says. */
#define STATE_PENDING_NAME ".pending"
const char *state_pending_directory(const struct delivery *delivery);

/* A user's name as a name in a directory: "/", control characters, "%", "~" and a dot at the
 * beginning become %2F and the like. */
const char *state_file_name(struct arena *arena, struct span user_name);

/* The name back, or null data where no user's name looks so. */
struct span state_user_name(struct arena *arena, struct span file_name);

#endif
