/* maildirsize.c - the file in which a Maildir++ keeps its own size.
 *
 *	file       = definition *line
 *	definition = (number "S" ["," number "C"] / number "C") LF       0S: no limit
 *	line       = [blanks] integer blanks integer [blanks] LF         bytes, messages
 *
 * The first line of figures is a sum, those below it are changes, each appended by one write.
 * Dovecot, Courier and Exim write it too: Courier pads with blanks, Exim writes "0C", and none
 * of them locks. Users can write anything into it. Nothing here is synced: what a crash breaks
 * is counted again. */
#include "quota/maildirsize.h"

#include "base/file.h"
#include "base/number.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- contents ---------------------------------------------------------------------------- */

static bool parse_definition(struct span line, struct quota_limit *out)
{
	struct span piece;
	*out = (struct quota_limit){0};
	while (span_next_piece(&line, ',', &piece)) {
		uint64_t value;
		piece = span_trim(piece);
		if (piece.len == 0 ||
		    !number_parse(span_first(piece, piece.len - 1), UINT64_MAX, &value))
			return false;
		if (piece.data[piece.len - 1] == 'S')
			out->storage_bytes = value;
		else if (piece.data[piece.len - 1] == 'C')
			out->message_count = value;
		else
			return false;
	}
	return true;
}

/* There are hundreds of lines, which each delivery reads: so this is done in one pass. */
static bool parse_integer(struct span *rest, int64_t *out)
{
	const char *at = rest->data;
	const char *end = at + rest->len;
	int64_t value = 0;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	bool is_negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	const char *digits = at;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return false;
	}
	*out = is_negative ? -value : value;
	*rest = (struct span){at, (size_t)(end - at)};
	return at > digits;
}

static bool parse_line(struct span line, int64_t *bytes_out, int64_t *count_out)
{
	return parse_integer(&line, bytes_out) && line.len > 0 &&
	       (line.data[0] == ' ' || line.data[0] == '\t') && parse_integer(&line, count_out) &&
	       span_trim(line).len == 0;
}

bool maildirsize_parse(struct span text, struct maildirsize *out)
{
	struct span line;
	int64_t bytes_sum = 0;
	int64_t count_sum = 0;
	size_t end = span_find_last(text, '\n');
	*out = (struct maildirsize){0};
	if (end == text.len)
		return false;
	text = span_first(text, end + 1);
	if (span_find(text, '\0') < text.len || !span_next_line(&text, &line) ||
	    !parse_definition(line, &out->definition))
		return false;
	while (span_next_line(&text, &line)) {
		int64_t bytes;
		int64_t count;
		if (!parse_line(line, &bytes, &count) ||
		    __builtin_add_overflow(bytes_sum, bytes, &bytes_sum) ||
		    __builtin_add_overflow(count_sum, count, &count_sum))
			return false;
		out->line_count++;
	}
	out->usage = (struct quota_usage){(uint64_t)bytes_sum, (uint64_t)count_sum};
	return out->line_count > 0 && bytes_sum >= 0 && count_sum >= 0;
}

void maildirsize_print(
    struct bytes *to, const struct quota_limit *definition, const struct quota_usage *usage)
{
	if (definition->storage_bytes != 0 || definition->message_count == 0)
		bytes_appendf(to, "%" PRIu64 "S", definition->storage_bytes);
	if (definition->message_count != 0)
		bytes_appendf(to, "%s%" PRIu64 "C", definition->storage_bytes != 0 ? "," : "",
		    definition->message_count);
	bytes_appendf(
	    to, "\n%" PRIu64 " %" PRIu64 "\n", usage->storage_bytes, usage->message_count);
}

/* Figures that were counted moments ago are believed even where they refuse mail, so they must be
 * told from those that somebody else put there. The format has no room for a mark that all
 * programs would leave alone, so it is in the file's time: the nanoseconds of st_mtime are a
 * checksum of what was written. Any later write sets them to something else. Where the file
 * system has no nanoseconds, mail is refused only after counting. */
static long checksum(const struct maildirsize *contents, time_t seconds)
{
	const uint64_t words[] = {contents->definition.storage_bytes,
	    contents->definition.message_count, contents->usage.storage_bytes,
	    contents->usage.message_count, contents->line_count, (uint64_t)seconds};
	uint64_t sum = 0xCBF29CE484222325;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		sum = (sum ^ words[i]) * 0x9E3779B97F4A7C15;
		sum ^= sum >> 32;
	}
	return (long)(sum % 999999999 + 1);
}

bool maildirsize_is_counted(const struct maildirsize *contents, const struct timespec *mtime)
{
	return contents->line_count == 1 && mtime->tv_nsec == checksum(contents, mtime->tv_sec);
}

/* -- file -------------------------------------------------------------------------------- */

static int open_regular(int root_fd, int more_flags)
{
	struct stat found;
	/* Whatever a user puts there, we neither follow it nor wait for it. */
	int fd = openat(root_fd, MAILDIRSIZE_NAME,
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | more_flags, 0600);
	if (fd < 0)
		return -1;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int maildirsize_open(int root_fd)
{
	return open_regular(root_fd, 0);
}

int maildirsize_open_or_make(int root_fd)
{
	return open_regular(root_fd, O_CREAT);
}

bool maildirsize_is_current(int root_fd, int fd)
{
	struct stat named;
	struct stat open;
	return fstatat(root_fd, MAILDIRSIZE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &open) == 0 && named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

int maildirsize_append(int fd, int64_t bytes, int64_t count)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n", bytes, count);
	ssize_t wrote;
	do
		wrote = write(fd, line, (size_t)len);
	while (wrote < 0 && errno == EINTR);
	return wrote == len ? 0 : -1;
}

/* Readable for whom the Maildir is, like every file in it. */
static void set_mode(int root_fd, int fd)
{
	struct stat root;
	if (fstat(root_fd, &root) == 0 && (root.st_mode & 0066) != 0)
		(void)!fchmod(fd, (root.st_mode & 0666) | 0600);
}

static int write_draft(const struct maildirsize_draft *draft, const struct quota_limit *definition,
    const struct quota_usage *usage, time_t counted_s)
{
	struct maildirsize contents = {*definition, *usage, 1};
	struct timespec times[2];
	struct bytes text = {0};
	maildirsize_print(&text, definition, usage);
	int result = file_write_all(draft->fd, text.data, text.len);
	bytes_clear(&text);
	if (result != 0 || counted_s == 0)
		return result;
	times[0] = times[1] = (struct timespec){counted_s, checksum(&contents, counted_s)};
	return futimens(draft->fd, times);
}

int maildirsize_draft(int root_fd, const struct quota_limit *definition,
    const struct quota_usage *usage, time_t counted_s, struct maildirsize_draft *draft_out)
{
	int tmp_fd = openat(root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct maildirsize_draft draft = {
	    .dir_fd = tmp_fd >= 0 ? tmp_fd : fcntl(root_fd, F_DUPFD_CLOEXEC, 0), .fd = -1};
	snprintf(draft.name, sizeof(draft.name), MAILDIRSIZE_NAME ".%016" PRIx64, random_u64());
	if (draft.dir_fd >= 0)
		draft.fd = openat(draft.dir_fd, draft.name,
		    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (draft.fd < 0) {
		file_close(&draft.dir_fd);
		return -1;
	}
	*draft_out = draft;
	set_mode(root_fd, draft.fd);
	if (write_draft(&draft, definition, usage, counted_s) == 0)
		return 0;
	maildirsize_abandon(draft_out);
	return -1;
}

int maildirsize_publish(struct maildirsize_draft *draft, int root_fd, int *fd_out)
{
	if (renameat(draft->dir_fd, draft->name, root_fd, MAILDIRSIZE_NAME) != 0) {
		maildirsize_abandon(draft);
		return -1;
	}
	file_close(&draft->dir_fd);
	*fd_out = draft->fd;
	draft->fd = -1;
	return 0;
}

void maildirsize_abandon(struct maildirsize_draft *draft)
{
	int saved = errno;
	unlinkat(draft->dir_fd, draft->name, 0);
	file_close(&draft->dir_fd);
	file_close(&draft->fd);
	errno = saved;
}
