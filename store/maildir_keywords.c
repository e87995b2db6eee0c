/* maildir_keywords.c - keywords and their letters, beside a running Dovecot.
 *
 *	0 $Junk
 *	1 important
 *
 * A letter never gets another meaning, so reading needs no lock. Dovecot changes the list while it
 * holds `dovecot-uidlist.lock` and looks at its modification time, in seconds, to see that it
 * changed; so do we. A new list is written as `dovecot-keywords.lock` and renamed. Should we die
 * meanwhile, Dovecot takes the lock away after two minutes. */
#include "store/maildir_keywords.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST "dovecot-keywords"
#define NEXT_LIST "dovecot-keywords.lock"
#define LOCK "dovecot-uidlist.lock"

#define LIST_BYTES_MAX ((size_t)64 * 1024)
#define KEYWORD_BYTES_MAX 255
#define LOCK_WAIT_MS 2000

struct keywords {
	struct bytes text;
	struct span names[MAILDIR_KEYWORDS_MAX]; /* null data: the letter is free */
	struct timespec changed;                 /* 0: there is no list */
};

bool maildir_is_keyword(struct span flag)
{
	if (flag.len == 0 || flag.len > KEYWORD_BYTES_MAX || span_is_nocase(flag, "$Forwarded"))
		return false;
	for (size_t i = 0; i < flag.len; i++) {
		char byte = flag.data[i];
		/* RFC 3501: an atom. */
		if (byte <= ' ' || byte > '~' || strchr("(){%*\"\\]", byte) != NULL)
			return false;
	}
	return true;
}

static void take_line(struct keywords *keywords, struct span line)
{
	struct span name = line;
	struct span number;
	uint64_t index;
	if (!span_next_piece(&name, ' ', &number) || name.len == 0 ||
	    !number_parse(number, MAILDIR_KEYWORDS_MAX - 1, &index))
		return;
	keywords->names[index] = name;
}

/* No list is an empty one. */
static int read_keywords(int dir, struct keywords *keywords)
{
	struct stat found;
	struct span line;
	*keywords = (struct keywords){0};
	int fd = openat(dir, LIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	int result = fstat(fd, &found);
	if (result == 0)
		result = file_read_all(fd, LIST_BYTES_MAX, &keywords->text);
	file_close(&fd);
	if (result != 0)
		return -1;
	keywords->changed = found.st_mtim;
	struct span rest = bytes_span(&keywords->text);
	while (span_next_line(&rest, &line))
		take_line(keywords, line);
	return 0;
}

/* Its place, or that of the first free letter; MAILDIR_KEYWORDS_MAX: there is none. */
static size_t find(const struct keywords *keywords, struct span name, bool *is_free_out)
{
	size_t free_place = MAILDIR_KEYWORDS_MAX;
	*is_free_out = false;
	for (size_t i = MAILDIR_KEYWORDS_MAX; i-- > 0;) {
		if (keywords->names[i].data == NULL)
			free_place = i;
		else if (span_equals_nocase(keywords->names[i], name))
			return i;
	}
	*is_free_out = free_place < MAILDIR_KEYWORDS_MAX;
	return free_place;
}

/* -- a new list -- */

static int take_lock(int dir)
{
	int64_t deadline_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
	for (;;) {
		int fd =
		    openat(dir, LOCK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST || clock_left_ms(deadline_ms) == 0)
			return fd;
		usleep(5000);
	}
}

/* Unless somebody has taken it away and holds another one. */
static void drop_lock(int dir, int *lock)
{
	struct stat ours;
	struct stat there;
	if (fstat(*lock, &ours) == 0 && fstatat(dir, LOCK, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		unlinkat(dir, LOCK, 0);
	file_close(lock);
}

/* A list that is changed twice within a second must not look the same. */
static int advance_time(int fd, const struct timespec *before)
{
	struct stat found;
	if (fstat(fd, &found) != 0)
		return -1;
	if (found.st_mtim.tv_sec > before->tv_sec)
		return 0;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = before->tv_sec + 1}};
	return futimens(fd, times);
}

static int write_keywords(int dir, const struct keywords *keywords, mode_t mode, gid_t gid)
{
	struct bytes text = {0};
	for (unsigned i = 0; i < MAILDIR_KEYWORDS_MAX; i++) {
		if (keywords->names[i].data == NULL)
			continue;
		bytes_appendf(&text, "%u ", i);
		bytes_append_span(&text, keywords->names[i]);
		bytes_append_byte(&text, '\n');
	}
	/* What somebody left there who died, and had the lock we hold. */
	unlinkat(dir, NEXT_LIST, 0);
	int fd = openat(dir, NEXT_LIST, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		bytes_clear(&text);
		return -1;
	}
	/* As well as may be, like all files of a shared mailbox. */
	(void)!fchown(fd, (uid_t)-1, gid);
	bool is_good = fchmod(fd, mode) == 0 && file_write_all(fd, text.data, text.len) == 0 &&
	               advance_time(fd, &keywords->changed) == 0 && file_sync(fd) == 0;
	is_good = file_close(&fd) == 0 && is_good;
	bytes_clear(&text);
	if (is_good && renameat(dir, NEXT_LIST, dir, LIST) == 0)
		return file_sync_dir(dir);
	unlinkat(dir, NEXT_LIST, 0);
	return -1;
}

/* Gives a letter to each keyword that has none, as far as there are letters. */
static int add_keywords(int dir, const struct span *flags, size_t count, mode_t mode, gid_t gid)
{
	struct keywords keywords;
	bool is_changed = false;
	int lock = take_lock(dir);
	if (lock < 0)
		return -1;
	int result = read_keywords(dir, &keywords);
	for (size_t i = 0; result == 0 && i < count; i++) {
		bool is_free;
		size_t place = find(&keywords, flags[i], &is_free);
		if (!maildir_is_keyword(flags[i]) || !is_free)
			continue;
		keywords.names[place] = flags[i];
		is_changed = true;
	}
	if (is_changed)
		result = write_keywords(dir, &keywords, mode, gid);
	bytes_clear(&keywords.text);
	drop_lock(dir, &lock);
	return result;
}

/* -- letters -- */

/* False: some have none. */
static bool read_letters(
    int dir, const struct span *flags, size_t count, char letters_out[MAILDIR_KEYWORDS_MAX + 1])
{
	struct keywords keywords;
	bool is_set[MAILDIR_KEYWORDS_MAX] = {false};
	bool is_free;
	bool has_all = true;
	size_t len = 0;
	bool is_read = read_keywords(dir, &keywords) == 0;
	for (size_t i = 0; i < count; i++) {
		if (!maildir_is_keyword(flags[i]))
			continue;
		size_t place = find(&keywords, flags[i], &is_free);
		bool is_there = is_read && place < MAILDIR_KEYWORDS_MAX && !is_free;
		has_all = has_all && is_there;
		if (is_there)
			is_set[place] = true;
	}
	for (size_t i = 0; i < MAILDIR_KEYWORDS_MAX; i++) {
		if (is_set[i])
			letters_out[len++] = (char)('a' + i);
	}
	letters_out[len] = '\0';
	bytes_clear(&keywords.text);
	return has_all;
}

bool maildir_keyword_letters(int dir, const struct span *flags, size_t count, bool may_add,
    mode_t mode, gid_t gid, char letters_out[MAILDIR_KEYWORDS_MAX + 1])
{
	if (read_letters(dir, flags, count, letters_out))
		return true;
	return may_add && add_keywords(dir, flags, count, mode, gid) == 0 &&
	       read_letters(dir, flags, count, letters_out);
}
