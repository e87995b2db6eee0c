/* book.c - the figures of a Maildir, kept right among several processes and programs.
 *
 * Our own processes lock maildirsize, so that a reservation is never lost between them; Dovecot
 * and Courier do not, so the file may be replaced under us at any time: whoever gets the lock
 * looks whether the file still has its name. What somebody else's replacing loses of a
 * reservation under way is put right by the next count. */
#include "quota/book.h"

#include "base/clock.h"
#include "base/detach.h"
#include "base/file.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHUT_WAIT_MS 3000
#define CHECK_MS 100
#define LEISURE_MS ((int64_t)3600 * 1000)
#define BEHIND_WAIT_MS 10000
#define BEHIND_LIMIT_S 600
#define ATTEMPTS 3

#define CERTAIN_S 60
#define STALE_S ((time_t)15 * 60)

/* Of a file that other programs let grow; one beyond is broken. */
#define TEXT_BYTES_MAX ((size_t)1 << 20)

bool quota_book_open(struct quota_book *book, const char *root, struct status *status)
{
	book->fd = -1;
	book->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	book->is_certain = book->root_fd < 0;
	return book->root_fd >= 0 || errno == ENOENT ||
	       status_errno(status, CAUSE_MAILBOX, errno, "open %s for its quota", root);
}

void quota_book_close(struct quota_book *book)
{
	file_close(&book->fd);
	file_close(&book->root_fd);
}

/* -- reading ----------------------------------------------------------------------------- */

static bool is_over(uint64_t limit, uint64_t used)
{
	return limit != 0 && used > limit;
}

/* Maildir++: who seems to be over the limit is counted again, unless that was just done. */
static bool is_doubtful(const struct maildirsize *contents, time_t written_s)
{
	time_t now = clock_now().tv_sec;
	return (is_over(contents->definition.storage_bytes, contents->usage.storage_bytes) ||
	           is_over(contents->definition.message_count, contents->usage.message_count)) &&
	       (contents->line_count > 1 || written_s < now - STALE_S || written_s > now);
}

static bool read_contents(int fd, struct maildirsize *out, struct stat *found_out)
{
	struct bytes text = {0};
	if (fstat(fd, found_out) != 0 || (uint64_t)found_out->st_size > TEXT_BYTES_MAX)
		return false;
	/* Somebody may append meanwhile; a line in the making does not count. */
	size_t size = (size_t)found_out->st_size;
	ssize_t got = file_read_at(fd, bytes_reserve(&text, size + 1), size, 0);
	bool is_fine = got >= 0 && maildirsize_parse((struct span){text.data, (size_t)got}, out);
	bytes_clear(&text);
	return is_fine;
}

enum quota_book_answer quota_book_read(struct quota_book *book)
{
	struct maildirsize contents;
	struct stat found;
	book->is_certain = false;
	book->counted_s = 0;
	if (book->fd < 0 || !read_contents(book->fd, &contents, &found) ||
	    contents.definition.storage_bytes != book->rules->base.storage_bytes ||
	    contents.definition.message_count != book->rules->base.message_count ||
	    is_doubtful(&contents, found.st_mtim.tv_sec))
		return QUOTA_BOOK_BAD;
	book->usage = contents.usage;
	if (maildirsize_is_counted(&contents, &found.st_mtim))
		book->counted_s = found.st_mtim.tv_sec;
	return found.st_size >= MAILDIRSIZE_BYTES_MAX ? QUOTA_BOOK_LONG : QUOTA_BOOK_GOOD;
}

enum quota_book_answer quota_book_look(struct quota_book *book)
{
	if (book->root_fd < 0)
		return QUOTA_BOOK_GOOD;
	book->fd = maildirsize_open(book->root_fd);
	enum quota_book_answer answer = quota_book_read(book);
	file_close(&book->fd);
	return answer;
}

static struct quota_scan_request scan_request(const struct quota_book *book, int64_t deadline_ms)
{
	return (struct quota_scan_request){.root_fd = book->root_fd,
	    .rules = book->rules,
	    .utf8_names = book->utf8_names,
	    .deadline_ms = deadline_ms};
}

void quota_book_check(struct quota_book *book)
{
	struct quota_scan_request request = scan_request(book, clock_monotonic_ms() + CHECK_MS);
	struct quota_scan seen;
	time_t age = clock_now().tv_sec - book->counted_s;
	/* A change in the very second counting began may have come after it. */
	book->is_certain =
	    book->root_fd < 0 || (book->counted_s != 0 && age >= 0 && age < CERTAIN_S &&
	                             quota_scan_look(&request, &seen) == QUOTA_SCAN_DONE &&
	                             seen.newest_s < book->counted_s);
}

/* -- shutting ---------------------------------------------------------------------------- */

bool quota_book_shut(struct quota_book *book, struct status *status)
{
	int64_t deadline_ms = clock_monotonic_ms() + SHUT_WAIT_MS;
	for (;;) {
		file_close(&book->fd);
		book->fd = maildirsize_open_or_make(book->root_fd);
		if (book->fd < 0)
			return true;
		if (lock_take_byte(book->fd, BOOK_SHUT, LOCK_MODE_EXCLUSIVE, deadline_ms) != 0) {
			if (errno == ETIMEDOUT)
				return status_fail(status, CAUSE_MAILBOX,
				    "lock " MAILDIRSIZE_NAME ": others kept it for %d ms",
				    SHUT_WAIT_MS);
			return true; /* a file system without locks: as Dovecot does it */
		}
		if (maildirsize_is_current(book->root_fd, book->fd))
			return true;
	}
}

/* -- counting ---------------------------------------------------------------------------- */

/* The second in which a count begins that sees every change made in earlier ones. The time the
 * kernel gives to files is some milliseconds behind. */
static time_t second_now(void)
{
	struct timespec now = clock_now();
	return now.tv_nsec < 100000000 ? now.tv_sec - 1 : now.tv_sec;
}

/* Shut before it has its name: nobody comes between this and what we do next. */
static bool publish_shut(struct quota_book *book, struct maildirsize_draft *draft)
{
	int fd;
	(void)lock_take_byte(draft->fd, BOOK_SHUT, LOCK_MODE_EXCLUSIVE, 0);
	if (maildirsize_publish(draft, book->root_fd, &fd) != 0)
		return false;
	file_close(&book->fd);
	book->fd = fd;
	return true;
}

/* Writes what was counted, unless a directory was changed since `seen`. False: it was, or the
 * file cannot be written. */
static bool replace(
    struct quota_book *book, const struct quota_scan *seen, time_t counted_s, int64_t deadline_ms)
{
	struct quota_scan_request request = scan_request(book, deadline_ms);
	struct maildirsize_draft draft;
	struct quota_scan again;
	if (maildirsize_draft(book->root_fd, &book->rules->base, &seen->usage, counted_s, &draft) !=
	    0)
		return false;
	if (quota_scan_look(&request, &again) != QUOTA_SCAN_DONE ||
	    again.fingerprint != seen->fingerprint) {
		maildirsize_abandon(&draft);
		return false;
	}
	return publish_shut(book, &draft);
}

/* The sum of the lines as one line. The figures are as good as they were, no better. */
static void shorten(struct quota_book *book)
{
	struct maildirsize_draft draft;
	if (maildirsize_draft(book->root_fd, &book->rules->base, &book->usage, 0, &draft) == 0)
		publish_shut(book, &draft);
}

static bool replace_behind(struct quota_book *book, const struct quota_scan *seen, time_t counted_s,
    const struct stat *before)
{
	int64_t deadline_ms = clock_monotonic_ms() + BEHIND_WAIT_MS;
	struct stat now;
	bool is_done =
	    lock_take_byte(book->fd, BOOK_SHUT, LOCK_MODE_EXCLUSIVE, deadline_ms) == 0 &&
	    lock_take_byte(book->fd, BOOK_UNDER_WAY, LOCK_MODE_EXCLUSIVE, deadline_ms) == 0 &&
	    maildirsize_is_current(book->root_fd, book->fd) && fstat(book->fd, &now) == 0 &&
	    now.st_size == before->st_size &&
	    replace(book, seen, counted_s, clock_monotonic_ms() + LEISURE_MS);
	lock_drop_byte(book->fd, BOOK_UNDER_WAY);
	lock_drop_byte(book->fd, BOOK_SHUT);
	return is_done;
}

/* Counts with BOOK_COUNTING locked. The file stays open to others meanwhile, so what they write
 * makes the count void. */
static bool count_behind(struct quota_book *book, struct status *status)
{
	struct quota_scan_request request = scan_request(book, clock_monotonic_ms() + LEISURE_MS);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct quota_scan seen;
		struct stat before;
		time_t counted_s = second_now();
		if (!maildirsize_is_current(book->root_fd, book->fd))
			return status_fail(status, CAUSE_MAILBOX,
			    "count the mailbox: " MAILDIRSIZE_NAME " was replaced meanwhile");
		if (fstat(book->fd, &before) != 0 ||
		    quota_scan_count(&request, &seen) != QUOTA_SCAN_DONE)
			return status_errno(status, CAUSE_MAILBOX, errno, "count the mailbox");
		book->usage = seen.usage;
		if (replace_behind(book, &seen, counted_s, &before))
			return true;
	}
	return status_fail(status, CAUSE_MAILBOX,
	    "count the mailbox: " MAILDIRSIZE_NAME " cannot be written, or mail comes and goes all "
	    "the time");
}

static void run_behind(void *context)
{
	struct status status;
	(void)count_behind(context, &status);
}

static bool go_on_behind(struct quota_book *book, struct status *status)
{
	if (book->fd >= 0) {
		lock_drop_byte(book->fd, BOOK_UNDER_WAY);
		lock_drop_byte(book->fd, BOOK_SHUT);
		detach_run(
		    run_behind, book, (const int[]){book->root_fd, book->fd}, 2, BEHIND_LIMIT_S);
		file_close(&book->fd);
	}
	return status_fail(status, CAUSE_MAILBOX,
	    "counting the mailbox takes over %d ms, it goes on behind", book->budget_ms);
}

/* Counts until nothing was changed meanwhile, three times at most; the last count is good enough
 * for an answer also where it cannot be written down (Maildir++ says so). */
static enum quota_scan_answer count_and_replace(struct quota_book *book, int64_t deadline_ms)
{
	struct quota_scan_request request = scan_request(book, deadline_ms);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct quota_scan seen;
		time_t counted_s = second_now();
		enum quota_scan_answer answer = quota_scan_count(&request, &seen);
		if (answer != QUOTA_SCAN_DONE && attempt == 0)
			return answer;
		if (answer != QUOTA_SCAN_DONE)
			break;
		book->usage = seen.usage;
		book->is_certain = true;
		if (replace(book, &seen, counted_s, deadline_ms))
			break;
	}
	return QUOTA_SCAN_DONE;
}

/* Waits until no reservation is under way and nobody counts. Who holds the file shut lets no new
 * reservation in, so this takes as long as the deliveries that have one. */
static bool drain(struct quota_book *book, int64_t deadline_ms)
{
	return book->fd < 0 ||
	       (lock_take_byte(book->fd, BOOK_COUNTING, LOCK_MODE_EXCLUSIVE, 0) == 0 &&
	           lock_take_byte(book->fd, BOOK_UNDER_WAY, LOCK_MODE_EXCLUSIVE, deadline_ms) ==
	               0) ||
	       errno != ETIMEDOUT;
}

bool quota_book_count(struct quota_book *book, enum quota_count_kind kind, struct status *status)
{
	bool is_light = kind == QUOTA_COUNT_LIGHTLY;
	int64_t deadline_ms =
	    clock_monotonic_ms() + (is_light ? book->budget_ms / 32 : book->budget_ms);
	enum quota_scan_answer answer = QUOTA_SCAN_LATE;
	bool is_drained = drain(book, deadline_ms);
	if (is_drained)
		answer = count_and_replace(book, deadline_ms);
	int error = errno;
	if (answer == QUOTA_SCAN_LATE && is_drained && !is_light)
		return go_on_behind(book, status);
	if (answer == QUOTA_SCAN_LATE && is_drained)
		shorten(book);
	if (book->fd >= 0) {
		lock_drop_byte(book->fd, BOOK_UNDER_WAY);
		lock_drop_byte(book->fd, BOOK_COUNTING);
	}
	if (answer == QUOTA_SCAN_DONE || is_light)
		return true;
	if (answer == QUOTA_SCAN_FAILED)
		return status_errno(status, CAUSE_MAILBOX, error, "count the mailbox");
	return status_fail(status, CAUSE_MAILBOX,
	    "count the mailbox: it is being counted, or deliveries are under way");
}

bool quota_book_count_openly(struct quota_book *book, bool is_writing, struct status *status)
{
	if (!is_writing) {
		struct quota_scan_request request =
		    scan_request(book, clock_monotonic_ms() + LEISURE_MS);
		struct quota_scan seen;
		bool is_done = quota_scan_count(&request, &seen) == QUOTA_SCAN_DONE;
		book->usage = seen.usage;
		return is_done || status_errno(status, CAUSE_MAILBOX, errno, "count the mailbox");
	}
	file_close(&book->fd);
	book->fd = maildirsize_open_or_make(book->root_fd);
	int64_t deadline_ms = clock_monotonic_ms() + BEHIND_WAIT_MS;
	if (book->fd < 0 ||
	    (lock_take_byte(book->fd, BOOK_COUNTING, LOCK_MODE_EXCLUSIVE, deadline_ms) != 0 &&
	        errno == ETIMEDOUT))
		return status_errno(status, CAUSE_MAILBOX, errno, "open " MAILDIRSIZE_NAME);
	return count_behind(book, status);
}
