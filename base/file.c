#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	while (len > 0) {
		ssize_t wrote = write(fd, at, len);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		at += wrote;
		len -= (size_t)wrote;
	}
	return 0;
}

ssize_t file_read_at(int fd, void *data, size_t len, uint64_t offset)
{
	size_t total = 0;
	while (total < len) {
		ssize_t got = pread(fd, (char *)data + total, len - total, (off_t)(offset + total));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		total += (size_t)got;
	}
	return (ssize_t)total;
}

int file_read_all(int fd, size_t limit, struct bytes *to)
{
	size_t start = to->len;
	for (;;) {
		ssize_t got = read(fd, bytes_reserve(to, 16384), 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		to->len += (size_t)got;
		if (to->len - start > limit) {
			errno = EFBIG;
			return -1;
		}
	}
}

/* What it had when its size was taken: one that grows is read as it was. */
static int read_sized(int fd, off_t size, size_t limit, struct bytes *to)
{
	if ((uintmax_t)size > limit) {
		errno = EFBIG;
		return -1;
	}
	size_t left = (size_t)size;
	while (left > 0) {
		ssize_t got = read(fd, bytes_reserve(to, left), left);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		to->len += (size_t)got;
		left -= (size_t)got;
	}
	return 0;
}

int file_read_path(const char *path, size_t limit, struct bytes *to, struct stat *stat_out)
{
	struct stat found;
	/* O_NONBLOCK: a fifo put in our way must not hang us; it means nothing for a file. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	int result = fstat(fd, &found);
	if (result == 0 && !S_ISREG(found.st_mode)) {
		errno = EINVAL;
		result = -1;
	}
	/* A file of size 0 may be one of the kernel's, which has more than it says. */
	if (result == 0 && found.st_size == 0)
		result = file_read_all(fd, limit, to);
	else if (result == 0)
		result = read_sized(fd, found.st_size, limit, to);
	int saved = errno;
	close(fd);
	errno = saved;
	if (result == 0 && stat_out != NULL)
		*stat_out = found;
	return result;
}

int file_sync(int fd)
{
	return fsync(fd);
}

void file_begin_sync(int fd, uint64_t offset, uint64_t len)
{
#ifdef SYNC_FILE_RANGE_WRITE
	(void)sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
#else
	(void)fd, (void)offset, (void)len;
#endif
}

bool file_is_unsyncable(int error)
{
	return error == EINVAL || error == EOPNOTSUPP;
}

int file_sync_dir(int dirfd)
{
	return fsync(dirfd) == 0 || file_is_unsyncable(errno) ? 0 : -1;
}

int file_sync_dir_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int result = file_sync_dir(fd);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

/* The parent of `path` in `parent`, "." and "/" where there is none. */
static void parent_of(const char *path, char parent[PATH_MAX])
{
	snprintf(parent, PATH_MAX, "%s", path);
	char *slash = strrchr(parent, '/');
	if (slash == NULL)
		strcpy(parent, ".");
	else if (slash == parent)
		parent[1] = '\0';
	else
		*slash = '\0';
}

int file_sync_parents(const char *path)
{
	char at[PATH_MAX];
	char parent[PATH_MAX];
	if (snprintf(at, sizeof(at), "%s", path) >= (int)sizeof(at)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	do {
		parent_of(at, parent);
		if (file_sync_dir_path(parent) != 0 && errno != EACCES)
			return -1;
		memcpy(at, parent, sizeof(at));
	} while (strcmp(at, "/") != 0 && strcmp(at, ".") != 0);
	return 0;
}

int file_make_dirs(const char *path, mode_t mode)
{
	char clean[PATH_MAX];
	char parent[PATH_MAX];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(clean)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(clean, sizeof(clean), "%.*s", (int)len, path);
	parent_of(clean, parent);
	if (mkdir(clean, mode) != 0) {
		struct stat found;
		if (errno == EEXIST)
			return stat(clean, &found) != 0 ? -1
			       : S_ISDIR(found.st_mode) ? 0
			                                : (errno = ENOTDIR, -1);
		if (errno != ENOENT || strcmp(parent, clean) == 0)
			return -1;
		if (file_make_dirs(parent, mode) != 0)
			return -1;
		if (mkdir(clean, mode) != 0 && errno != EEXIST)
			return -1;
	}
	return file_sync_dir_path(parent);
}

int file_open_unnamed(const char *dir)
{
	char name[PATH_MAX];
#ifdef O_TMPFILE
	int unnamed = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return unnamed;
#endif
	if (snprintf(name, sizeof(name), "%s/ladle.XXXXXX", dir) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

#define LOG_FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* As root in another account's directory. */
static int open_log_of(const struct stat *owner, int dir, const char *name)
{
	struct stat found;
	int fd = openat(dir, name, LOG_FLAGS | O_CREAT | O_EXCL, 0640);
	if (fd >= 0)
		(void)!fchown(fd, owner->st_uid, owner->st_gid);
	else if (errno == EEXIST)
		fd = openat(dir, name, LOG_FLAGS | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &found) == 0 && found.st_nlink > 1) {
		file_close(&fd);
		errno = EMLINK;
	}
	return fd;
}

static int open_log_as_root(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char parent[PATH_MAX];
	struct stat place;
	if (snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path) >=
	    (int)sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int dir = open(parent[0] == '\0' ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	int fd = fstat(dir, &place) == 0 && place.st_uid != 0
	             ? open_log_of(&place, dir, name)
	             : openat(dir, name, LOG_FLAGS | O_CREAT, 0640);
	int opening = errno;
	close(dir);
	errno = opening;
	return fd;
}

int file_open_log(const char *path)
{
	if (geteuid() == 0)
		return open_log_as_root(path);
	return open(path, LOG_FLAGS | O_CREAT, 0640);
}

int file_close(int *fd)
{
	int closing = *fd;
	*fd = -1;
	return closing < 0 ? 0 : close(closing);
}
