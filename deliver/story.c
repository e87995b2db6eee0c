/* story.c - why a message was put where it is, for some days.
 *
 *	--- id=ID front=lmtp queue_id=... recipient=... actions=... mailbox=... cause=...
 *	script /home/anna/.dovecot.sieve
 *	    3  `- if header ...
 *
 * An entry is one write at the end of the file, so several processes may write. No line of an
 * entry but its first begins with "--- ". */
#include "deliver/story.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/memory.h"
#include "deliver/record.h"
#include "deliver/state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "stories"
#define OLDER ".0"
#define ENTRY_MAX ((size_t)64 * 1024)
#define READ_MAX ((size_t)64 * 1024 * 1024)

/* The file that is open, if it is always the same: that of a shared directory. */
struct story {
	int fd;
};

struct story *story_new(void)
{
	struct story *story = memory_new(1, sizeof(*story));
	story->fd = -1;
	return story;
}

void story_free(struct story **story)
{
	if (*story != NULL)
		file_close(&(*story)->fd);
	free(*story);
	*story = NULL;
}

bool story_is_wanted(const struct delivery *delivery)
{
	enum record_story wanted = delivery->settings->record.story;
	return wanted == RECORD_STORY_ALWAYS ||
	       (wanted == RECORD_STORY_LMTP && strcmp(delivery->call->front, "lmtp") == 0);
}

void story_add_script(struct delivery *delivery, const char *path, const struct explain *explain)
{
	bytes_appendf(&delivery->story, "script %s\n", path);
	explain_print(explain, false, &delivery->story);
}

/* -- writing ----------------------------------------------------------------------------------- */

static bool is_too_long(int fd, const struct delivery *delivery)
{
	struct stat found;
	return fstat(fd, &found) != 0 ||
	       (uint64_t)found.st_size >= delivery->settings->record.story_size_bytes / 2;
}

static int open_file(const char *path)
{
	struct stat found;
	/* It lies where the user may put something else: a fifo would keep us waiting. */
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd >= 0 && (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)))
		file_close(&fd);
	return fd;
}

/* Makes room; the one who has the lock does it, and only to the file that has the name. */
static int begin_anew(int fd, const char *path)
{
	struct stat ours;
	struct stat named;
	char older[4096];
	if (lock_take(fd, 0) == 0 && fstat(fd, &ours) == 0 && stat(path, &named) == 0 &&
	    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev &&
	    snprintf(older, sizeof(older), "%s" OLDER, path) < (int)sizeof(older))
		(void)rename(path, older);
	close(fd);
	return open_file(path);
}

/* Where the story of this delivery goes, or null. */
static const char *path_of(struct delivery *delivery)
{
	const char *directory = state_common_directory(delivery);
	return directory == NULL ? NULL : arena_textf(delivery->arena, "%s/" FILE_NAME, directory);
}

static int open_for(struct story *story, struct delivery *delivery)
{
	int fd = story->fd;
	story->fd = -1;
	if (fd >= 0 && !is_too_long(fd, delivery))
		return fd;
	file_close(&fd);
	const char *path = path_of(delivery);
	fd = path == NULL ? -1 : open_file(path);
	return fd >= 0 && is_too_long(fd, delivery) ? begin_anew(fd, path) : fd;
}

void story_write(struct story *story, struct delivery *delivery)
{
	struct bytes entry = {0};
	if (!story_is_wanted(delivery) || !delivery->has_user || delivery->store == NULL)
		return;
	int fd = open_for(story, delivery);
	if (fd < 0)
		return;
	bytes_append_text(&entry, "--- ");
	record_format(&entry, RECORD_TEXT, record_time((char[RECORD_TIME_SIZE]){0}), delivery);
	bytes_append_byte(&entry, '\n');
	bytes_append_span(&entry, span_first(bytes_span(&delivery->story), ENTRY_MAX));
	if (entry.data[entry.len - 1] != '\n')
		bytes_append_text(&entry, " ...\n");
	(void)file_write_all(fd, entry.data, entry.len);
	bytes_clear(&entry);
	if (state_is_shared(delivery))
		story->fd = fd;
	else
		close(fd);
}

/* -- reading ----------------------------------------------------------------------------------- */

/* "--- ... id=ID ..." or "queue_id=ID". */
static bool is_about(struct span line, struct span id)
{
	struct span word;
	while (span_next_piece(&line, ' ', &word)) {
		struct span value = span_from(word, span_find(word, '=') + 1);
		if ((span_starts_with(word, "id=") || span_starts_with(word, "queue_id=")) &&
		    span_equals(value, id))
			return true;
	}
	return false;
}

/* As a terminal may have it: the file may lie where a user has written anything. */
static void print_line(struct span line, FILE *out)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char byte = (unsigned char)line.data[i];
		/* U+0080 to U+009F are control characters too. */
		bool is_c1 =
		    byte == 0xC2 && i + 1 < line.len && (unsigned char)line.data[i + 1] < 0xA0;
		if (is_c1)
			i++;
		bool is_control = is_c1 || (byte < ' ' && byte != '\t') || byte == 0x7F;
		fputc(is_control ? '?' : byte, out);
	}
	fputc('\n', out);
}

static unsigned print_file(const char *path, struct span id, FILE *out)
{
	struct bytes text = {0};
	unsigned count = 0;
	bool is_wanted = false;
	if (file_read_path(path, READ_MAX, &text, NULL) == 0) {
		struct span rest = bytes_span(&text);
		struct span line;
		while (span_next_line(&rest, &line)) {
			if (span_starts_with(line, "--- ")) {
				is_wanted = is_about(span_from(line, 4), id);
				count += is_wanted;
			}
			if (is_wanted)
				print_line(line, out);
		}
	}
	bytes_clear(&text);
	return count;
}

unsigned story_print(const char *directory, struct span id, FILE *out)
{
	static const char *const names[] = {FILE_NAME OLDER, FILE_NAME};
	unsigned count = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bytes path = {0};
		bytes_appendf(&path, "%s/%s", directory, names[i]);
		count += print_file(bytes_terminate(&path), id, out);
		bytes_clear(&path);
	}
	return count;
}
