/* script_keep.c - what is remembered about a user's script.
 *
 *	good-HASH	the last version that worked, each of its files as
 *			"KIND LENGTH NAME" LF text LF, KIND being main, personal or global
 *	overruns-HASH	"COUNT DEVICE INODE SIZE SECONDS NANOSECONDS" of the file it counts for
 *
 * HASH is that of the script's path. Both are written beside and renamed, but not synced: after a
 * crash there may be none, which costs nothing but a second chance. */
#include "deliver/script_keep.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "deliver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GOOD_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define OVERRUNS_BYTES_MAX ((size_t)256)
/* So long after the last one they are forgotten: mail may have caused them, not the script. */
#define OVERRUNS_PERIOD_S 3600

static uint64_t hash_of(const char *path)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	for (; *path != '\0'; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(1099511628211);
	return hash;
}

static const char *name_of(struct delivery *delivery, const char *kind, const char *path)
{
	return arena_textf(delivery->arena, "%s-%016" PRIx64, kind, hash_of(path));
}

/* Reads without making anything; false: there is none. */
static bool read_kept(
    struct delivery *delivery, const char *name, size_t limit, struct bytes *to, struct stat *found)
{
	struct status status;
	const char *directory = state_directory_path(delivery, &status);
	return directory != NULL &&
	       file_read_path(
	           arena_textf(delivery->arena, "%s/%s", directory, name), limit, to, found) == 0;
}

static void write_kept(struct delivery *delivery, const char *name, struct span text)
{
	struct status status;
	const char *directory = state_directory(delivery, &status);
	if (directory == NULL) {
		log_write(LOG_LEVEL_WARNING, "%s: %s", delivery->call->id, status.detail);
		return;
	}
	const char *path = arena_textf(delivery->arena, "%s/%s", directory, name);
	const char *beside = arena_textf(delivery->arena, "%s.%ld", path, (long)getpid());
	(void)!unlink(beside);
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool is_written = fd >= 0 && file_write_all(fd, text.data, text.len) == 0;
	is_written = file_close(&fd) == 0 && is_written && rename(beside, path) == 0;
	if (is_written)
		return;
	log_write(LOG_LEVEL_WARNING, "%s: write %s: %s", delivery->call->id, path, strerror(errno));
	unlink(beside);
}

/* -- the last good version --------------------------------------------------------------------- */

static const char *kind_of(const struct script_version *version, const struct script_file *file)
{
	return file == version->files ? "main" : file->is_global ? "global" : "personal";
}

void script_keep_good(
    struct delivery *delivery, const char *path, const struct script_version *version)
{
	const char *name = name_of(delivery, "good", path);
	struct bytes now = {0};
	struct bytes before = {0};
	for (const struct script_file *file = version->files; file != NULL; file = file->next) {
		if (!file->exists)
			continue;
		bytes_appendf(
		    &now, "%s %zu %s\n", kind_of(version, file), file->text.len, file->name);
		bytes_append_span(&now, file->text);
		bytes_append_byte(&now, '\n');
	}
	if (!read_kept(delivery, name, GOOD_BYTES_MAX, &before, NULL) ||
	    !span_equals(bytes_span(&before), bytes_span(&now)))
		write_kept(delivery, name, bytes_span(&now));
	bytes_clear(&now);
	bytes_clear(&before);
}

/* Takes one file off `rest`; null: it is no such file. */
static struct script_file *take_file(struct arena *arena, struct span *rest)
{
	struct span line;
	struct span kind;
	struct span length;
	uint64_t len;
	if (!span_next_line(rest, &line) || !span_next_piece(&line, ' ', &kind) ||
	    line.data == NULL || !span_next_piece(&line, ' ', &length) || line.data == NULL ||
	    !number_parse(length, rest->len, &len))
		return NULL;
	struct script_file *file = ARENA_NEW(arena, struct script_file);
	*file = (struct script_file){.name = arena_text(arena, line),
	    .path = arena_text(arena, line),
	    .is_global = span_is(kind, "global"),
	    .exists = true,
	    .text = span_first(*rest, (size_t)len)};
	*rest = span_from(*rest, (size_t)len + 1);
	return file;
}

const struct script_version *script_keep_load(
    struct delivery *delivery, const struct script_rules *rules, const struct script_wanted *wanted)
{
	struct bytes kept = {0};
	struct script_version *version = ARENA_NEW(delivery->arena, struct script_version);
	struct script_file **end = &version->files;
	bool is_kept = read_kept(
	    delivery, name_of(delivery, "good", wanted->path), GOOD_BYTES_MAX, &kept, NULL);
	struct span rest = arena_span(delivery->arena, bytes_span(&kept));
	bytes_clear(&kept);
	while (is_kept && rest.len > 0) {
		*end = take_file(delivery->arena, &rest);
		is_kept = *end != NULL;
		if (is_kept)
			end = &(*end)->next;
	}
	if (!is_kept || version->files == NULL)
		return NULL;
	script_version_compile(delivery->arena, rules, wanted, version);
	return version->script != NULL ? version : NULL;
}

/* -- overruns ---------------------------------------------------------------------------------- */

static const char *identity_of(struct arena *arena, const struct script_version *version)
{
	const struct stat *seen = &version->files->seen;
	return arena_textf(arena, " %ju %ju %jd %jd %ld", (uintmax_t)seen->st_dev,
	    (uintmax_t)seen->st_ino, (intmax_t)seen->st_size, (intmax_t)seen->st_mtim.tv_sec,
	    seen->st_mtim.tv_nsec);
}

uint64_t script_keep_overruns(
    struct delivery *delivery, const char *path, const struct script_version *version)
{
	struct bytes kept = {0};
	struct stat found;
	uint64_t count = 0;
	if (read_kept(
	        delivery, name_of(delivery, "overruns", path), OVERRUNS_BYTES_MAX, &kept, &found) &&
	    found.st_mtim.tv_sec + OVERRUNS_PERIOD_S > clock_now().tv_sec) {
		struct span text = bytes_span(&kept);
		size_t blank = span_find(text, ' ');
		if (!span_is(span_from(text, blank), identity_of(delivery->arena, version)) ||
		    !number_parse(span_first(text, blank), UINT32_MAX, &count))
			count = 0;
	}
	bytes_clear(&kept);
	return count;
}

void script_keep_overrun(
    struct delivery *delivery, const char *path, const struct script_version *version)
{
	uint64_t count = script_keep_overruns(delivery, path, version) + 1;
	write_kept(delivery, name_of(delivery, "overruns", path),
	    arena_spanf(
	        delivery->arena, "%" PRIu64 "%s", count, identity_of(delivery->arena, version)));
}
