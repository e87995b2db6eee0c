/* subscriptions.c - the folders a user's mail client shows.
 *
 * Dovecot writes a new list into `subscriptions.lock`, made with O_EXCL, and renames it over the
 * old one: the lock is the next version. We do the same. It has two formats: one name per line,
 * or, behind a header, the levels of each name separated by tabs (names with characters that
 * would need escaping there cannot exist, see maildir_name.c).
 * Courier locks nothing: its list gets the line by one appending write, under our lock. */
#include "store/subscriptions.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST "subscriptions"
#define LOCK "subscriptions.lock"
#define COURIER_LIST "courierimapsubscribed"
#define HEADER "V\t2\n\n"

#define LIST_BYTES_MAX ((size_t)1024 * 1024)
#define LOCK_WAIT_MS 2000
/* Longer than any program needs to write a list: its owner died. */
#define LOCK_STALE_S 120

/* Two waiters may both find a stale lock, and the later remove the new one of the other; the
 * worst that comes of it is a line missing in the list. */
static void remove_stale_lock(int root_fd)
{
	struct stat lock;
	if (fstatat(root_fd, LOCK, &lock, AT_SYMLINK_NOFOLLOW) == 0 &&
	    clock_now().tv_sec - lock.st_mtime > LOCK_STALE_S)
		unlinkat(root_fd, LOCK, 0);
}

static int take_lock(int root_fd)
{
	int64_t deadline_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
	for (;;) {
		int fd = openat(
		    root_fd, LOCK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
		if (clock_left_ms(deadline_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		remove_stale_lock(root_fd);
		usleep(5000);
	}
}

/* Reads a list whole; 1 when there is none. (O_NONBLOCK: a fifo in its place must not hang us.) */
static int read_list(int root_fd, const char *name, struct bytes *to, struct stat *found)
{
	int fd = openat(root_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	int result = fstat(fd, found);
	if (result == 0)
		result = file_read_all(fd, LIST_BYTES_MAX, to);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

static bool has_line(struct span list, struct span wanted)
{
	struct span line;
	while (span_next_line(&list, &line)) {
		if (span_equals(line, wanted))
			return true;
	}
	return false;
}

/* Appends a line; a last line without its LF gets it first. */
static void append_line(struct bytes *list, struct span line)
{
	if (list->len > 0 && list->data[list->len - 1] != '\n')
		bytes_append_byte(list, '\n');
	bytes_append_span(list, line);
	bytes_append_byte(list, '\n');
}

static int add_to_courier(int root_fd, const char *name, bool *is_there_out)
{
	struct bytes list = {0};
	struct bytes line = {0};
	struct stat found;
	int result = read_list(root_fd, COURIER_LIST, &list, &found);
	*is_there_out = result != 1;
	bytes_appendf(&line, "INBOX.%s", name);
	if (result == 0 && !has_line(bytes_span(&list), bytes_span(&line))) {
		size_t old_len = list.len;
		append_line(&list, bytes_span(&line));
		int fd = openat(root_fd, COURIER_LIST,
		    O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		result = fd < 0 ? -1 : file_write_all(fd, list.data + old_len, list.len - old_len);
		if (file_close(&fd) != 0)
			result = -1;
	}
	bytes_clear(&list);
	bytes_clear(&line);
	return result < 0 ? -1 : 0;
}

static bool has_header(const struct bytes *list)
{
	return span_starts_with(bytes_span(list), HEADER);
}

/* Makes the list with the new line in the lock file and puts it in its place. */
static int add_to_dovecot(
    int root_fd, int lock_fd, const char *name, mode_t mode, bool may_make, bool *is_renamed_out)
{
	struct bytes list = {0};
	struct bytes line = {0};
	struct stat found;
	int result = read_list(root_fd, LIST, &list, &found);
	if (result == 1 && may_make) {
		bytes_append_text(&list, HEADER);
		found.st_mode = mode;
		result = 0;
	}
	bytes_append_text(&line, name);
	for (size_t i = 0; i < line.len && has_header(&list); i++) {
		if (line.data[i] == '.')
			line.data[i] = '\t';
	}
	if (result == 0 && !has_line(bytes_span(&list), bytes_span(&line))) {
		append_line(&list, bytes_span(&line));
		/* Unlike mail it need not be of one group; at worst a list is private. */
		if (file_write_all(lock_fd, list.data, list.len) != 0 ||
		    fchmod(lock_fd, found.st_mode & 0777) != 0 || file_sync(lock_fd) != 0 ||
		    renameat(root_fd, LOCK, root_fd, LIST) != 0)
			result = -1;
		else
			*is_renamed_out = true;
	}
	bytes_clear(&list);
	bytes_clear(&line);
	return result < 0 ? -1 : 0;
}

int subscriptions_add(int root_fd, const char *name, mode_t mode)
{
	bool has_courier = false;
	bool is_renamed = false;
	int lock_fd = take_lock(root_fd);
	if (lock_fd < 0)
		return -1;
	int result = add_to_courier(root_fd, name, &has_courier);
	if (result == 0)
		result = add_to_dovecot(root_fd, lock_fd, name, mode, !has_courier, &is_renamed);
	int saved = errno;
	close(lock_fd);
	if (!is_renamed)
		unlinkat(root_fd, LOCK, 0);
	errno = saved;
	return result;
}
