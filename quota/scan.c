/* scan.c - what lies in a Maildir++, by looking.
 *
 * Memory does not grow with the mailbox; time does, so there is a deadline. Like Dovecot we
 * believe ,S= and count what is in new/ and cur/ of each folder that is not ignored; like Courier
 * we pass over folders that are symbolic links: they lead out of the Maildir.
 * Knows nothing of limits. */
#include "quota/scan.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NAMES_PER_LOOK_AT_THE_CLOCK 256

struct walk {
	const struct quota_scan_request *request;
	struct quota_scan *out;
	bool is_counting;
	unsigned name_count;
};

/* -- names ------------------------------------------------------------------------------- */

bool quota_scan_size_in_name(const char *name, uint64_t *bytes_out)
{
	const char *at = strstr(name, ",S=");
	if (at == NULL)
		return false;
	at += 3;
	size_t len = strspn(at, "0123456789");
	/* Nothing is larger than a file can be, whatever a name says. */
	return (at[len] == '\0' || at[len] == ',' || at[len] == ':') &&
	       number_parse((struct span){at, len}, INT64_MAX, bytes_out);
}

static bool undo_base64(struct span shifted, struct bytes *to)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	uint32_t bits = 0;
	unsigned bit_count = 0;
	uint32_t high = 0;
	for (size_t i = 0; i < shifted.len; i++) {
		const char *letter = memchr(letters, shifted.data[i], sizeof(letters) - 1);
		if (letter == NULL)
			return false;
		bits = (bits << 6 | (uint32_t)(letter - letters)) & 0x3FFFFF;
		bit_count += 6;
		if (bit_count < 16)
			continue;
		bit_count -= 16;
		uint32_t unit = bits >> bit_count & 0xFFFF;
		if (high != 0)
			utf8_append(to, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
		else if (unit < 0xD800 || unit > 0xDBFF)
			utf8_append(to, unit);
		high = high == 0 && unit >= 0xD800 && unit <= 0xDBFF ? unit : 0;
	}
	return true;
}

static bool undo_mutf7(struct span text, struct bytes *to)
{
	while (text.len > 0) {
		size_t plain = span_find(text, '&');
		bytes_append_span(to, span_first(text, plain));
		text = span_from(text, plain);
		if (text.len == 0)
			break;
		size_t end = span_find(text, '-');
		if (end == text.len)
			return false;
		if (end == 1)
			bytes_append_byte(to, '&');
		else if (!undo_base64(span_from(span_first(text, end), 1), to))
			return false;
		text = span_from(text, end + 1);
	}
	return true;
}

void quota_scan_folder_name(struct span disk_name, bool utf8_names, struct bytes *to)
{
	size_t start = to->len;
	if (!utf8_names && undo_mutf7(disk_name, to))
		return;
	to->len = start;
	bytes_append_span(to, disk_name);
}

/* -- walking ----------------------------------------------------------------------------- */

/* What is not there, not a directory, or not for us is passed over: a user who hides mail from
 * the quota gains what he could have by other means, and must not stop his own mail. */
static bool is_passed_over(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EACCES ||
	       error == ESTALE || error == EPERM;
}

static bool is_late(struct walk *walk)
{
	return walk->name_count++ % NAMES_PER_LOOK_AT_THE_CLOCK == 0 &&
	       clock_left_ms(walk->request->deadline_ms) == 0;
}

static void count_message(struct walk *walk, int dir_fd, const char *name)
{
	struct stat found;
	uint64_t bytes;
	if (!quota_scan_size_in_name(name, &bytes)) {
		if (fstatat(dir_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(found.st_mode))
			return;
		bytes = (uint64_t)found.st_size;
	}
	walk->out->usage.storage_bytes = number_add(walk->out->usage.storage_bytes, bytes);
	walk->out->usage.message_count++;
}

/* Reads a directory name by name; takes over `fd`. */
static enum quota_scan_answer each_name(struct walk *walk, int fd,
    enum quota_scan_answer (*visit)(struct walk *walk, int dir_fd, const char *name))
{
	enum quota_scan_answer answer = QUOTA_SCAN_DONE;
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		file_close(&fd);
		return QUOTA_SCAN_FAILED;
	}
	while (answer == QUOTA_SCAN_DONE) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL && errno != 0 && !is_passed_over(errno))
			answer = QUOTA_SCAN_FAILED;
		if (entry == NULL)
			break;
		answer = is_late(walk) ? QUOTA_SCAN_LATE : visit(walk, dirfd(dir), entry->d_name);
	}
	int saved = errno;
	closedir(dir);
	errno = saved;
	return answer;
}

static enum quota_scan_answer visit_message(struct walk *walk, int dir_fd, const char *name)
{
	if (name[0] != '.')
		count_message(walk, dir_fd, name);
	return QUOTA_SCAN_DONE;
}

static void note_directory(struct quota_scan *out, const struct stat *found)
{
	uint64_t mark = (uint64_t)found->st_ino;
	mark = (mark ^ (uint64_t)found->st_mtim.tv_sec) * 0x9E3779B97F4A7C15;
	mark = (mark ^ mark >> 32 ^ (uint64_t)found->st_mtim.tv_nsec) * 0xBF58476D1CE4E5B9;
	/* A sum, because directories may be listed in another order next time. */
	out->fingerprint += mark ^ mark >> 32;
	if (found->st_mtim.tv_sec > out->newest_s)
		out->newest_s = found->st_mtim.tv_sec;
}

/* new/ or cur/ of a folder. */
static enum quota_scan_answer visit_directory(struct walk *walk, int folder_fd, const char *name)
{
	struct stat found;
	int fd = -1;
	if (walk->is_counting)
		fd = openat(folder_fd, name, OPEN_DIRECTORY);
	int result = walk->is_counting ? fd < 0 ? -1 : fstat(fd, &found)
	                               : fstatat(folder_fd, name, &found, AT_SYMLINK_NOFOLLOW);
	if (result != 0) {
		int error = errno;
		file_close(&fd);
		/* Messages were here, and what went tells no time when. */
		if (error == ENOENT && strcmp(name, "cur") == 0)
			walk->out->newest_s = clock_now().tv_sec;
		return is_passed_over(error) ? QUOTA_SCAN_DONE : QUOTA_SCAN_FAILED;
	}
	if (!S_ISDIR(found.st_mode))
		return QUOTA_SCAN_DONE;
	note_directory(walk->out, &found);
	return walk->is_counting ? each_name(walk, fd, visit_message) : QUOTA_SCAN_DONE;
}

static enum quota_scan_answer visit_folder(struct walk *walk, int folder_fd)
{
	/* cur/ before new/: what a reader moves meanwhile is rather missed than counted twice. */
	enum quota_scan_answer answer = visit_directory(walk, folder_fd, "cur");
	return answer == QUOTA_SCAN_DONE ? visit_directory(walk, folder_fd, "new") : answer;
}

static bool is_ignored(const struct walk *walk, const char *disk_name)
{
	struct bytes folder = {0};
	quota_scan_folder_name(span_of(disk_name), walk->request->utf8_names, &folder);
	bool is_it = quota_rules_ignores(walk->request->rules, bytes_span(&folder));
	bytes_clear(&folder);
	return is_it;
}

static enum quota_scan_answer visit_root_entry(struct walk *walk, int root_fd, const char *name)
{
	if (name[0] != '.' || name[1] == '\0' || name[1] == '.' || is_ignored(walk, name + 1))
		return QUOTA_SCAN_DONE;
	int fd = openat(root_fd, name, OPEN_DIRECTORY);
	if (fd < 0)
		return is_passed_over(errno) ? QUOTA_SCAN_DONE : QUOTA_SCAN_FAILED;
	enum quota_scan_answer answer = visit_folder(walk, fd);
	file_close(&fd);
	return answer;
}

static enum quota_scan_answer walk_all(
    const struct quota_scan_request *request, bool is_counting, struct quota_scan *out)
{
	struct walk walk = {.request = request, .out = out, .is_counting = is_counting};
	enum quota_scan_answer answer = QUOTA_SCAN_DONE;
	*out = (struct quota_scan){0};
	if (!quota_rules_ignores(request->rules, SPAN("")))
		answer = visit_folder(&walk, request->root_fd);
	if (answer != QUOTA_SCAN_DONE)
		return answer;
	/* Not a dup(): that would share, and so move, the place in the listing. */
	int fd = openat(request->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? QUOTA_SCAN_FAILED : each_name(&walk, fd, visit_root_entry);
}

enum quota_scan_answer quota_scan_count(
    const struct quota_scan_request *request, struct quota_scan *out)
{
	return walk_all(request, true, out);
}

enum quota_scan_answer quota_scan_look(
    const struct quota_scan_request *request, struct quota_scan *out)
{
	return walk_all(request, false, out);
}
