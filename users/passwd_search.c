/* passwd_search.c - the line of a user in a password file.
 *
 * Knows that a line begins with a name and a colon, and nothing of the other columns. */
#include "users/passwd_search.h"

#include "base/memory.h"
#include "base/random.h"
#include "users/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_BLOCK 8192
#define LINE_BLOCK 2048   /* most lines are shorter than this */
#define SETTLED_AGE_S 2   /* the coarsest time stamps in use (FAT) count two seconds */
#define SLOTS_AT_FIRST 64 /* a power of two */

/* Where a line is. */
struct slot {
	uint32_t hash;
	unsigned number; /* 0: free */
	uint64_t offset;
};

struct index {
	struct slot *slots;
	size_t slot_count; /* a power of two, or 0: no index */
	size_t used;
	struct stat file; /* as it was when it was read */
	const char *doubt;
};

struct passwd_search {
	const char *path;
	bool fold_case;
	unsigned scans;
	uint32_t seed;
	struct line_reader reader;
	struct index index;
};

struct passwd_search *passwd_search_new(const char *path, bool fold_case)
{
	struct passwd_search *search = memory_new(1, sizeof(*search));
	search->path = path;
	search->fold_case = fold_case;
	search->seed = (uint32_t)random_u64();
	return search;
}

static void index_clear(struct index *index)
{
	free(index->slots);
	*index = (struct index){0};
}

void passwd_search_free(struct passwd_search **search)
{
	if (*search == NULL)
		return;
	index_clear(&(*search)->index);
	line_reader_clear(&(*search)->reader);
	free(*search);
	*search = NULL;
}

bool passwd_search_has_index(const struct passwd_search *search)
{
	return search->index.slot_count > 0;
}

/* -- lines ------------------------------------------------------------------------------------- */

/* The name of a line; empty for comments and lines without one, as Dovecot has it. */
static struct span name_of(struct span line)
{
	if (line.len > 0 && line.data[0] == '#')
		return span_of("");
	return span_first(line, span_find(line, ':'));
}

static bool is_line_of(const struct passwd_search *search, struct span line, struct span name)
{
	if (line.len < name.len || (line.len > name.len && line.data[name.len] != ':'))
		return false;
	struct span start = span_first(line, name.len);
	return search->fold_case ? span_equals_nocase(start, name) : span_equals(start, name);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int open_file(
    const struct passwd_search *search, struct stat *file_out, struct status *status)
{
	/* O_NONBLOCK: a fifo in its place must not hang us. */
	int fd = open(search->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		status_errno(status, CAUSE_CANNOT_TELL, errno, "open %s", search->path);
		return -1;
	}
	if (fstat(fd, file_out) == 0 && S_ISREG(file_out->st_mode))
		return fd;
	close(fd);
	status_fail(status, CAUSE_CANNOT_TELL, "%s is not a regular file", search->path);
	return -1;
}

static bool has_changed(
    const struct passwd_search *search, int fd, const struct stat *before, struct status *status)
{
	struct stat after;
	if (fstat(fd, &after) == 0 && same_file(before, &after))
		return false;
	status_fail(status, CAUSE_CANNOT_TELL, "%s changed while it was read", search->path);
	return true;
}

/* Why a file that was read to its end is not believed when it says nothing of a user. */
static const char *doubt_of(const struct line_reader *reader, bool has_users)
{
	return reader->lacks_newline ? "does not end in a newline: it may be cut off"
	       : reader->has_nul     ? "has a NUL byte: it may be damaged"
	       : !has_users          ? "names no user"
	                             : NULL;
}

static bool in_doubt(const struct passwd_search *search, const char *doubt, struct status *status)
{
	if (doubt == NULL)
		return false;
	status_fail(status, CAUSE_CANNOT_TELL, "%s %s", search->path, doubt);
	return true;
}

static bool is_whole(
    const struct passwd_search *search, const struct line *line, struct status *status)
{
	if (line->end == LINE_END_NEWLINE)
		return true;
	return status_fail(status, CAUSE_CANNOT_TELL, "%s:%u: the line %s", search->path,
	    line->number,
	    line->end == LINE_END_MISSING ? "does not end in a newline: it may be cut off"
	                                  : "is too long");
}

/* Keeps a line that was found, if it is a whole one. */
static enum user_answer take_line(const struct passwd_search *search, struct arena *arena,
    const struct line *line, struct passwd_line *line_out, struct status *status)
{
	if (!is_whole(search, line, status))
		return USER_CANNOT_TELL;
	*line_out = (struct passwd_line){arena_span(arena, line->text), line->number};
	return USER_FOUND;
}

/* -- the index --------------------------------------------------------------------------------- */

/* FNV-1a over the name in lower case, begun with a secret. */
static uint32_t hash_of(const struct passwd_search *search, struct span name)
{
	uint32_t hash = 2166136261u ^ search->seed;
	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)ascii_lower(name.data[i])) * 16777619u;
	return hash;
}

static void index_put(struct index *index, struct slot slot)
{
	size_t at = slot.hash & (index->slot_count - 1);
	while (index->slots[at].number != 0)
		at = (at + 1) & (index->slot_count - 1);
	index->slots[at] = slot;
	index->used++;
}

static void index_grow(struct index *index)
{
	struct index old = *index;
	index->slot_count = old.slot_count == 0 ? SLOTS_AT_FIRST : old.slot_count * 2;
	index->slots = memory_new(index->slot_count, sizeof(*index->slots));
	index->used = 0;
	for (size_t i = 0; i < old.slot_count; i++) {
		if (old.slots[i].number != 0)
			index_put(index, old.slots[i]);
	}
	free(old.slots);
}

static void index_add(const struct passwd_search *search, struct index *index,
    const struct line *line, struct span name)
{
	/* At most three quarters full, so that a search ends after a few steps. */
	if (index->used >= index->slot_count / 4 * 3)
		index_grow(index);
	index_put(index, (struct slot){hash_of(search, name), line->number, line->offset});
}

/* The slot with this hash and the lowest line number above `after`, or null. */
static const struct slot *index_next(const struct index *index, uint32_t hash, unsigned after)
{
	const struct slot *best = NULL;
	size_t at = hash & (index->slot_count - 1);
	for (; index->slots[at].number != 0; at = (at + 1) & (index->slot_count - 1)) {
		const struct slot *slot = &index->slots[at];
		if (slot->hash == hash && slot->number > after &&
		    (best == NULL || slot->number < best->number))
			best = slot;
	}
	return best;
}

static enum user_answer search_index(struct passwd_search *search, int fd, struct arena *arena,
    struct span name, struct passwd_line *line_out, struct status *status)
{
	const struct index *index = &search->index;
	uint32_t hash = hash_of(search, name);
	const struct slot *slot = index_next(index, hash, 0);
	for (; slot != NULL; slot = index_next(index, hash, slot->number)) {
		struct line line;
		line_reader_start(&search->reader, fd, slot->offset, slot->number, LINE_BLOCK);
		enum line_read read = line_reader_next(&search->reader, &line);
		int error = errno;
		if (has_changed(search, fd, &index->file, status))
			return USER_CANNOT_TELL;
		if (read != LINE_READ_LINE) {
			status_errno(status, CAUSE_CANNOT_TELL, error, "read %s", search->path);
			return USER_CANNOT_TELL;
		}
		if (is_line_of(search, line.text, name))
			return take_line(search, arena, &line, line_out, status);
	}
	return in_doubt(search, index->doubt, status) ? USER_CANNOT_TELL : USER_UNKNOWN;
}

/* -- reading the file -------------------------------------------------------------------------- */

struct scan {
	struct passwd_search *search;
	struct arena *arena;
	struct span name;
	struct index *index; /* null: stop at the line */
	bool has_users;
	enum user_answer answer;
};

/* False: the scan is at its end. */
static bool scan_line(
    struct scan *scan, const struct line *line, struct passwd_line *line_out, struct status *status)
{
	struct span name = name_of(line->text);
	if (name.len == 0)
		return true;
	scan->has_users = true;
	if (scan->index != NULL)
		index_add(scan->search, scan->index, line, name);
	if (scan->answer == USER_UNKNOWN && is_line_of(scan->search, line->text, scan->name))
		scan->answer = take_line(scan->search, scan->arena, line, line_out, status);
	return scan->index != NULL || scan->answer == USER_UNKNOWN;
}

static enum user_answer scan_file(struct scan *scan, int fd, const struct stat *file,
    struct passwd_line *line_out, struct status *status)
{
	struct passwd_search *search = scan->search;
	struct line line;
	enum line_read read;
	line_reader_start(&search->reader, fd, 0, 1, SCAN_BLOCK);
	do {
		read = line_reader_next(&search->reader, &line);
	} while (read == LINE_READ_LINE && scan_line(scan, &line, line_out, status));
	if (read == LINE_READ_ERROR) {
		status_errno(status, CAUSE_CANNOT_TELL, errno, "read %s", search->path);
		return USER_CANNOT_TELL;
	}
	if (has_changed(search, fd, file, status))
		return USER_CANNOT_TELL;
	const char *doubt = doubt_of(&search->reader, scan->has_users);
	if (scan->index != NULL) {
		scan->index->doubt = doubt;
		scan->index->file = *file;
		search->index = *scan->index;
		*scan->index = (struct index){0};
	}
	if (scan->answer == USER_UNKNOWN && in_doubt(search, doubt, status))
		return USER_CANNOT_TELL;
	return scan->answer;
}

static enum user_answer search_file(struct passwd_search *search, int fd, const struct stat *file,
    bool wants_index, struct arena *arena, struct span name, struct passwd_line *line_out,
    struct status *status)
{
	struct index index = {0};
	struct scan scan = {search, arena, name, wants_index ? &index : NULL, false, USER_UNKNOWN};
	index_clear(&search->index);
	enum user_answer answer = scan_file(&scan, fd, file, line_out, status);
	index_clear(&index);
	return answer;
}

/* A file that was changed just now could change once more within the same time stamp. */
static bool is_settled(const struct stat *file, struct timespec now)
{
	return now.tv_sec - file->st_ctim.tv_sec > SETTLED_AGE_S;
}

enum user_answer passwd_search_find(struct passwd_search *search, struct arena *arena,
    struct span name, struct timespec now, struct passwd_line *line_out, struct status *status)
{
	struct stat file;
	enum user_answer answer;
	/* No line has such a name, and one of a comment must not be taken for it. */
	if (name.len == 0 || name.data[0] == '#' || span_find(name, ':') < name.len)
		return USER_UNKNOWN;
	int fd = open_file(search, &file, status);
	if (fd < 0)
		return USER_CANNOT_TELL;
	if (passwd_search_has_index(search) && same_file(&search->index.file, &file)) {
		answer = search_index(search, fd, arena, name, line_out, status);
	} else {
		bool wants_index = search->scans >= PASSWD_SEARCH_SCANS && is_settled(&file, now);
		search->scans += search->scans < PASSWD_SEARCH_SCANS;
		answer = search_file(search, fd, &file, wants_index, arena, name, line_out, status);
	}
	close(fd);
	return answer;
}

/* True when the walk came to its end without trouble, or `each` ended it. */
static bool walk_lines(const struct passwd_search *search, struct line_reader *reader,
    bool (*each)(void *context, const struct passwd_line *line), void *context,
    struct status *status)
{
	struct line line;
	enum line_read read;
	bool has_users = false;
	bool all_whole = true;
	while ((read = line_reader_next(reader, &line)) == LINE_READ_LINE) {
		if (name_of(line.text).len == 0)
			continue;
		has_users = true;
		if (!is_whole(search, &line, status))
			all_whole = false;
		else if (!each(context, &(struct passwd_line){line.text, line.number}))
			return true;
	}
	if (read == LINE_READ_ERROR)
		return status_errno(status, CAUSE_CANNOT_TELL, errno, "read %s", search->path);
	return all_whole && !in_doubt(search, doubt_of(reader, has_users), status);
}

bool passwd_search_walk(struct passwd_search *search,
    bool (*each)(void *context, const struct passwd_line *line), void *context,
    struct status *status)
{
	struct stat file;
	/* Not the search's own reader: `each` may look somebody up. */
	struct line_reader reader = {0};
	int fd = open_file(search, &file, status);
	if (fd < 0)
		return false;
	line_reader_start(&reader, fd, 0, 1, SCAN_BLOCK);
	bool done = walk_lines(search, &reader, each, context, status) &&
	            !has_changed(search, fd, &file, status);
	line_reader_clear(&reader);
	close(fd);
	return done;
}
