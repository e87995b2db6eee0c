#ifndef QUOTA_MAILDIRSIZE_H
#define QUOTA_MAILDIRSIZE_H

#include "quota/quota.h"

#include <time.h>

/* The file `maildirsize` of Maildir++. -1 and errno, or false, like base/. */

#define MAILDIRSIZE_NAME "maildirsize"
/* A longer file is one that wants to be recalculated, for everybody. */
#define MAILDIRSIZE_BYTES_MAX 5120

/* What stands in it. */
struct maildirsize {
	struct quota_limit definition;
	struct quota_usage usage; /* the sum of all lines */
	unsigned line_count;      /* without the definition */
};

/* Reads the text of the file; an unterminated last line does not count. False: broken (no
 * definition, no figures, NUL, what is no number, a sum that is negative or does not fit). */
bool maildirsize_parse(struct span text, struct maildirsize *out);

/* The text of a file with one line of figures. */
void maildirsize_print(
    struct bytes *to, const struct quota_limit *definition, const struct quota_usage *usage);

/* Opens the file for reading and appending. Something else than a regular file is EINVAL. */
int maildirsize_open(int root_fd);
/* The same, and makes an empty one where none is: something to lock. Everybody takes that for
 * one to be recalculated. */
int maildirsize_open_or_make(int root_fd);

/* Is the name still that of the open file? */
bool maildirsize_is_current(int root_fd, int fd);

/* Appends one line by one write(). Figures may be negative. */
int maildirsize_append(int fd, int64_t bytes, int64_t count);

/* A new file that does not have its name yet. */
struct maildirsize_draft {
	int dir_fd; /* tmp/ of the Maildir, or the root where it has none */
	int fd;
	char name[48];
};

/* Writes the draft. `counted_s` is the second in which counting began, by which
 * maildirsize_is_counted() will know the file; 0: these figures were not counted. */
int maildirsize_draft(int root_fd, const struct quota_limit *definition,
    const struct quota_usage *usage, time_t counted_s, struct maildirsize_draft *draft_out);
/* Gives it the name; the descriptor is the caller's then. */
int maildirsize_publish(struct maildirsize_draft *draft, int root_fd, int *fd_out);
void maildirsize_abandon(struct maildirsize_draft *draft);

/* Did we write these figures after counting, and were they not touched since? Then `counted_s`
 * is st_mtime's second. */
bool maildirsize_is_counted(const struct maildirsize *contents, const struct timespec *mtime);

#endif
