#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Files. All return 0 (or a descriptor) on success and -1 with errno; all restart after EINTR.
 * Every descriptor is close-on-exec. */

int file_write_all(int fd, const void *data, size_t len);

/* Reads at most `len` bytes at `offset`, fewer only at the end of the file; the number read. */
ssize_t file_read_at(int fd, void *data, size_t len, uint64_t offset);

/* Appends everything up to the end of the file; EFBIG when it is more than `limit` bytes. */
int file_read_all(int fd, size_t limit, struct bytes *to);

/* Opens `path` read-only and reads a regular file whole, with the same limit; `stat_out` (may be
 * null) is its fstat(). Something else than a regular file is EINVAL. */
int file_read_path(const char *path, size_t limit, struct bytes *to, struct stat *stat_out);

/* Makes the contents durable. A failure is final: the kernel may have dropped the pages, so the
 * file must not be synced again and believed. */
int file_sync(int fd);

/* The disk may begin with these bytes (`len` 0: all from `offset` on), whose sync is to come;
 * errors are kept for that. Nothing where the system knows no such thing. */
void file_begin_sync(int fd, uint64_t offset, uint64_t len);

/* Is that errno of a sync of the kind of file, not of the disk? */
bool file_is_unsyncable(int error);

/* Makes the entries of a directory durable. A file system that knows no such thing (EINVAL,
 * EOPNOTSUPP) counts as success. */
int file_sync_dir(int dirfd);
int file_sync_dir_path(const char *path);

/* Makes the way to `path` durable: syncs every directory above it but those we may not open. */
int file_sync_parents(const char *path);

/* Makes `path` and what is missing above it, mode `mode`; each new directory is made durable in
 * its parent. One that exists is fine. */
int file_make_dirs(const char *path, mode_t mode);

/* An empty file in `dir` that has no name and goes with its last descriptor. */
int file_open_unnamed(const char *dir);

/* Opens a file to which several processes append whole lines, made with mode 0640 where there is
 * none. As root: in another account's directory a new one is that account's, so that its processes
 * can write it too, and a symbolic link is ELOOP and one of several
 * names EMLINK. */
int file_open_log(const char *path);

/* Closes and tells what close() told. Sets the descriptor to -1; -1 is accepted. */
int file_close(int *fd);

#endif
