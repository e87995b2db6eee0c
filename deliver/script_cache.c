/* script_cache.c - scripts by path, compiled once per version, and once for all who have the same.
 *
 * A version is known by identity, size and times of each file it was made of. They are only
 * believed to be the same when the file was two seconds old when it was read: a younger one could
 * be written once more within the same tick of its clock. A file that an include did not find must
 * still not be there. */
#include "deliver/script_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_BYTES_MAX ((size_t)1024 * 1024)
/* With all that it includes: the engine has the same limit, and we keep the texts. */
#define ALL_BYTES_MAX ((size_t)5 * 1024 * 1024)
#define YOUNG_S 2

/* What a text was compiled to. Many users have the same script: one that is made of nothing but its
 * own text is shared by all of them. */
struct program {
	struct span text;
	bool is_global;
	bool is_shared;
	const struct sieve_script *script; /* null: it does not compile */
	struct arena *arena;               /* of all this */
	unsigned use_count;                /* slots that have it */
	unsigned kept_count;               /* of these, slots in the cache */
};

struct slot {
	struct slot *newer; /* used after this one; null: none was */
	struct slot *older;
	size_t bytes;
	unsigned use_count; /* callers that still have it */
	bool is_dropped;    /* goes with the last of them */
	struct arena *arena;
	struct program *program; /* null: none was made */
	struct script_wanted wanted;
	struct script_version version;
	bool is_settled;        /* every file was old enough to be recognised */
	bool includes_personal; /* so it is another one for another user */
};

struct script_cache {
	const struct script_rules *rules;
	void *by_path; /* tsearch(3): struct slot, owned */
	void *by_text; /* tsearch(3): struct program that is shared, of the slots */
	struct slot *newest;
	struct slot *oldest;
	size_t bytes; /* of all slots and programs */
	size_t max_bytes;
};

/* -- programs ---------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
	const struct program *left = a;
	const struct program *right = b;
	if (left->is_global != right->is_global)
		return left->is_global ? 1 : -1;
	if (left->text.len != right->text.len)
		return left->text.len < right->text.len ? -1 : 1;
	return left->text.len > 0 ? memcmp(left->text.data, right->text.data, left->text.len) : 0;
}

static struct program *find_program(
    const struct script_cache *cache, struct span text, bool is_global)
{
	const struct program key = {.text = text, .is_global = is_global};
	struct program *const *node = tfind(&key, &cache->by_text, compare_texts);
	return node == NULL ? NULL : *node;
}

static void keep_program(struct script_cache *cache, struct program *program)
{
	if (program == NULL || program->kept_count++ > 0)
		return;
	cache->bytes += arena_bytes(program->arena);
	if (program->is_shared && tsearch(program, &cache->by_text, compare_texts) == NULL)
		memory_exhausted();
}

static void drop_program(struct script_cache *cache, struct program *program)
{
	if (program == NULL || --program->kept_count > 0)
		return;
	cache->bytes -= arena_bytes(program->arena);
	if (program->is_shared)
		tdelete(program, &cache->by_text, compare_texts);
}

static void release_program(struct program *program)
{
	if (program != NULL && --program->use_count == 0)
		arena_free(&(struct arena *){program->arena});
}

/* -- slots ------------------------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
	const struct slot *left = a;
	const struct slot *right = b;
	return strcmp(left->wanted.path, right->wanted.path);
}

static struct slot *find_slot(const struct script_cache *cache, const char *path)
{
	const struct slot key = {.wanted.path = path};
	struct slot *const *node = tfind(&key, &cache->by_path, compare_paths);
	return node == NULL ? NULL : *node;
}

static void unlink_slot(struct script_cache *cache, struct slot *slot)
{
	*(slot->newer != NULL ? &slot->newer->older : &cache->newest) = slot->older;
	*(slot->older != NULL ? &slot->older->newer : &cache->oldest) = slot->newer;
}

static void make_newest(struct script_cache *cache, struct slot *slot)
{
	slot->newer = NULL;
	slot->older = cache->newest;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = slot;
	cache->newest = slot;
}

static void free_if_unused(struct slot *slot)
{
	if (slot->use_count > 0 || !slot->is_dropped)
		return;
	release_program(slot->program);
	arena_free(&slot->arena);
	free(slot);
}

static void drop_slot(struct script_cache *cache, struct slot *slot)
{
	unlink_slot(cache, slot);
	tdelete(slot, &cache->by_path, compare_paths);
	cache->bytes -= slot->bytes;
	drop_program(cache, slot->program);
	slot->is_dropped = true;
	free_if_unused(slot);
}

static void release_slot(void *used)
{
	struct slot *slot = used;
	slot->use_count--;
	free_if_unused(slot);
}

/* For as long as `arena` lives. */
static void use_slot(struct slot *slot, struct arena *arena)
{
	slot->use_count++;
	arena_at_end(arena, release_slot, slot);
}

static void keep_slot(struct script_cache *cache, struct slot *slot)
{
	slot->bytes = sizeof(*slot) + arena_bytes(slot->arena);
	cache->bytes += slot->bytes;
	keep_program(cache, slot->program);
	if (tsearch(slot, &cache->by_path, compare_paths) == NULL)
		memory_exhausted();
	make_newest(cache, slot);
	while (cache->bytes > cache->max_bytes && cache->oldest != NULL)
		drop_slot(cache, cache->oldest);
}

struct script_cache *script_cache_new(const struct script_rules *rules, size_t max_bytes)
{
	struct script_cache *cache = memory_new(1, sizeof(*cache));
	cache->rules = rules;
	cache->max_bytes = max_bytes;
	return cache;
}

void script_cache_free(struct script_cache **cache)
{
	if (*cache == NULL)
		return;
	while ((*cache)->newest != NULL)
		drop_slot(*cache, (*cache)->newest);
	free(*cache);
	*cache = NULL;
}

size_t script_cache_bytes(const struct script_cache *cache)
{
	return cache->bytes;
}

/* -- is it still the same? --------------------------------------------------------------------- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

static bool is_unchanged(const struct script_file *file)
{
	struct stat now;
	if (stat(file->path, &now) != 0)
		return !file->exists && (errno == ENOENT || errno == ENOTDIR);
	return file->exists && is_same_file(&file->seen, &now);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_known(const struct slot *slot, const struct script_wanted *wanted)
{
	if (!slot->is_settled || strcmp(slot->wanted.path, wanted->path) != 0 ||
	    slot->wanted.is_global != wanted->is_global ||
	    !is_same_text(slot->wanted.global_directory, wanted->global_directory) ||
	    (slot->includes_personal &&
	        !is_same_text(slot->wanted.personal_directory, wanted->personal_directory)))
		return false;
	for (const struct script_file *file = slot->version.files; file != NULL; file = file->next)
		if (!is_unchanged(file))
			return false;
	return true;
}

/* -- reading ----------------------------------------------------------------------------------- */

struct loading {
	struct slot *slot;
	struct script_file **end;
	int64_t now_s;
	size_t bytes; /* of all files so far */
	bool is_unreadable;
	struct status *status;
};

/* Reads one file into the slot's list. SIEVE_NO: there is none. SIEVE_CANNOT_TELL: it is too
 * large, or it cannot be read and `status` is set. */
static enum sieve_answer read_file(struct loading *loading, const char *name, const char *path,
    bool is_global, struct span *text_out)
{
	struct slot *slot = loading->slot;
	struct script_file *file = ARENA_NEW(slot->arena, struct script_file);
	struct bytes text = {0};
	int error = file_read_path(path, SCRIPT_BYTES_MAX, &text, &file->seen) != 0 ? errno : 0;
	loading->bytes += text.len;
	if (error == 0 && loading->bytes > ALL_BYTES_MAX)
		error = EFBIG;
	if (error != 0)
		bytes_clear(&text);
	file->name = name;
	file->path = path;
	file->is_global = is_global;
	file->exists = error == 0;
	file->text = arena_span(slot->arena, bytes_span(&text));
	bytes_clear(&text);
	*loading->end = file;
	loading->end = &file->next;
	if (error == 0) {
		if (file->seen.st_mtim.tv_sec + YOUNG_S > loading->now_s ||
		    file->seen.st_ctim.tv_sec + YOUNG_S > loading->now_s)
			slot->is_settled = false;
		*text_out = file->text;
		return SIEVE_YES;
	}
	if (error == ENOENT || error == ENOTDIR)
		return SIEVE_NO;
	slot->is_settled = false;
	if (error != EFBIG) {
		loading->is_unreadable = true;
		status_fail(
		    loading->status, CAUSE_CONFIGURATION, "script %s: %s", path, strerror(error));
	}
	return SIEVE_CANNOT_TELL;
}

/* The script's own text, as read_file(). */
static enum sieve_answer read_main(
    struct loading *loading, const struct script_wanted *wanted, struct span *text_out)
{
	struct slot *slot = loading->slot;
	if (wanted->text == NULL)
		return read_file(
		    loading, slot->wanted.path, slot->wanted.path, wanted->is_global, text_out);
	struct script_file *file = ARENA_NEW(slot->arena, struct script_file);
	*file = (struct script_file){.name = slot->wanted.path,
	    .path = slot->wanted.path,
	    .is_global = wanted->is_global,
	    .exists = true,
	    .text = arena_span(slot->arena, *wanted->text)};
	*loading->end = file;
	loading->end = &file->next;
	slot->is_settled = false;
	*text_out = file->text;
	return SIEVE_YES;
}

/* `load` of struct sieve_compile_options. The engine has checked that the name is no path. Links
 * are followed: they are the user's own, as ~/.dovecot.sieve is. */
static enum sieve_answer load_included(
    void *context, struct arena *arena, struct span name, bool is_global, struct span *source_out)
{
	struct loading *loading = context;
	const struct script_wanted *wanted = &loading->slot->wanted;
	const char *directory = is_global ? wanted->global_directory : wanted->personal_directory;
	if (!is_global)
		loading->slot->includes_personal = true;
	if (directory == NULL)
		return SIEVE_NO;
	const char *text = arena_text(arena, name);
	return read_file(loading, text, arena_textf(arena, "%s/%s.sieve", directory, text),
	    is_global, source_out);
}

static const char *copy_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_text(arena, span_of(text));
}

static void add_error(struct slot *slot, const char *message)
{
	struct sieve_error *error = ARENA_NEW(slot->arena, struct sieve_error);
	*error = (struct sieve_error){
	    .script = slot->wanted.path, .line = 1, .column = 1, .message = message};
	slot->version.errors =
	    (struct sieve_errors){.first = error, .last = error, .error_count = 1};
}

static void compile(struct slot *slot, struct span source, struct sieve_compile_options *options)
{
	struct arena *arena = arena_new();
	struct sieve_errors *errors = &slot->version.errors;
	struct program *program = ARENA_NEW(arena, struct program);
	*program = (struct program){.is_global = slot->wanted.is_global, .arena = arena};
	program->script = sieve_compile(arena, source, options, errors);
	program->is_shared =
	    program->script != NULL && errors->first == NULL && slot->version.files->next == NULL;
	if (program->is_shared)
		program->text = arena_span(arena, source);
	slot->program = program;
	slot->version.script = program->script;
}

/* Fills an empty slot with what is on disk. */
static enum script_answer load(const struct script_cache *cache, struct slot *slot,
    const struct script_wanted *wanted, struct status *status)
{
	slot->arena = arena_new();
	slot->is_settled = true;
	slot->wanted = (struct script_wanted){
	    .path = copy_text(slot->arena, wanted->path),
	    .is_global = wanted->is_global,
	    .personal_directory = copy_text(slot->arena, wanted->personal_directory),
	    .global_directory = copy_text(slot->arena, wanted->global_directory),
	};
	struct loading loading = {.slot = slot,
	    .end = &slot->version.files,
	    .now_s = clock_now().tv_sec,
	    .status = status};
	struct sieve_compile_options options =
	    script_rules_compile_options(cache->rules, wanted->is_global);
	options.name = slot->wanted.path;
	options.load_context = &loading;
	options.load = load_included;
	struct span source;
	switch (read_main(&loading, wanted, &source)) {
	case SIEVE_NO:
		slot->is_settled = false;
		return SCRIPT_NONE;
	case SIEVE_CANNOT_TELL:
		if (loading.is_unreadable)
			return SCRIPT_UNREADABLE;
		add_error(slot, "it is too large");
		return SCRIPT_BROKEN;
	case SIEVE_YES:
		break;
	}
	slot->program = find_program(cache, source, wanted->is_global);
	if (slot->program != NULL)
		slot->version.script =
		    sieve_script_as(slot->arena, slot->program->script, slot->wanted.path);
	else
		compile(slot, source, &options);
	slot->program->use_count++;
	if (loading.is_unreadable)
		return SCRIPT_UNREADABLE;
	return slot->version.script != NULL ? SCRIPT_READY : SCRIPT_BROKEN;
}

enum script_answer script_cache_get(struct script_cache *cache, struct arena *arena,
    const struct script_wanted *wanted, const struct script_version **version_out,
    struct status *status)
{
	struct slot *slot = find_slot(cache, wanted->path);
	if (slot != NULL && is_known(slot, wanted)) {
		unlink_slot(cache, slot);
		make_newest(cache, slot);
		use_slot(slot, arena);
		*version_out = &slot->version;
		return slot->version.script != NULL ? SCRIPT_READY : SCRIPT_BROKEN;
	}
	if (slot != NULL)
		drop_slot(cache, slot);
	slot = memory_new(1, sizeof(*slot));
	enum script_answer answer = load(cache, slot, wanted, status);
	use_slot(slot, arena);
	/* What could not be recognised is the caller's only. */
	if (slot->is_settled)
		keep_slot(cache, slot);
	else
		slot->is_dropped = true;
	*version_out = &slot->version;
	return answer;
}

/* -- from memory ------------------------------------------------------------------------------- */

static enum sieve_answer find_included(
    void *context, struct arena *arena, struct span name, bool is_global, struct span *source_out)
{
	const struct script_version *version = context;
	(void)arena;
	for (const struct script_file *file = version->files->next; file != NULL;
	     file = file->next) {
		if (file->is_global == is_global && span_is(name, file->name)) {
			*source_out = file->text;
			return SIEVE_YES;
		}
	}
	return SIEVE_NO;
}

void script_version_compile(struct arena *arena, const struct script_rules *rules,
    const struct script_wanted *wanted, struct script_version *version)
{
	struct sieve_compile_options options =
	    script_rules_compile_options(rules, wanted->is_global);
	options.name = wanted->path;
	options.load_context = version;
	options.load = find_included;
	version->script = sieve_compile(arena, version->files->text, &options, &version->errors);
}
