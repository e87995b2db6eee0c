#ifndef DELIVER_PENDING_H
#define DELIVER_PENDING_H

#include "deliver/delivery.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Announcements that a user's outbox has something: empty files in one directory, called like the
 * user (state_file_name()), so that nobody has to look into all homes. Anybody may write there, so
 * a name counts only from the user it names. A lost announcement delays mail, and loses none. */

/* Where the user's announcement is: from the arena of the delivery. */
struct pending pending_of(const struct delivery *delivery);

/* Announces, newer than any announcement before. False when it cannot be. Between publish and the
 * answer of a delivery: so it allocates nothing and asks for nothing that could end the process. */
bool pending_announce(const struct pending *pending);
/* Takes it back; one of somebody else stays. */
void pending_withdraw(const struct pending *pending);

/* A directory of announcements, or -1: it cannot be looked at, or is a link, which whoever owns the
 * directory above may lay to anywhere. */
int pending_open(const char *directory);
/* Calls `each` for every announcement in it, with its name, the user it names and what lstat()
 * tells: the account that made it, and when. Names that no user can have are removed, if we may. */
void pending_walk(int directory,
    void (*each)(void *context, const char *name, struct span user_name, const struct stat *found),
    void *context);
/* Is it one beside the user's usual announcement, which nobody takes back? */
bool pending_is_extra(const char *name);

#endif
