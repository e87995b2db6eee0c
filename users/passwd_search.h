#ifndef USERS_PASSWD_SEARCH_H
#define USERS_PASSWD_SEARCH_H

#include "base/arena.h"
#include "mail/status.h"
#include "users/users.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Finds the line of a user in one password file that somebody else may change at any time.
 *
 * The first searches read the file up to the line they want. A process that goes on asking gets
 * an index (16 to 32 bytes a user), which is believed while the path leads to a file of the same
 * identity, size and times (the file is opened each time, so that NFS looks again), and is kept
 * only when the file was two seconds old when it was read: a younger one could change once more
 * without a new time. Cost of a search with an index does not grow with the file. */
struct passwd_search;

/* `path` is borrowed. `fold_case`: ASCII letters of names compare without case. */
struct passwd_search *passwd_search_new(const char *path, bool fold_case);
void passwd_search_free(struct passwd_search **search);

/* So many searches go by before one builds an index: a whole local part, and one without detail. */
#define PASSWD_SEARCH_SCANS 2

struct passwd_line {
	struct span text; /* the first line of this name, without its newline; may hold NUL bytes */
	unsigned number;
};

/* USER_FOUND: `line_out` is set. USER_UNKNOWN: the file has no such line and vouches for itself:
 * it names a user, ends in a newline, has no NUL byte and did not change meanwhile.
 * USER_CANNOT_TELL: status is set; so it is when the line itself is cut off or longer than
 * LINE_READER_LINE_MAX. `now` is the time of day. */
enum user_answer passwd_search_find(struct passwd_search *search, struct arena *arena,
    struct span name, struct timespec now, struct passwd_line *line_out, struct status *status);

/* Calls `each` with every user's line until it returns false. False with a status when the file
 * could not be read or does not vouch for itself. */
bool passwd_search_walk(struct passwd_search *search,
    bool (*each)(void *context, const struct passwd_line *line), void *context,
    struct status *status);

/* True when searches are answered from an index at the moment. */
bool passwd_search_has_index(const struct passwd_search *search);

#endif
