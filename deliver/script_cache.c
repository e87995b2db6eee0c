/* script_cache.c - scripts by path, compiled once per version.
 *
 * A version is known by the file's identity, size and times. It is only believed to be the same
 * when the file was two seconds old when it was read: a younger one could be written once more
 * within the same tick of its clock. */
#include "deliver/script_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_COUNT 256
#define SCRIPT_BYTES_MAX ((size_t)1024 * 1024)
#define YOUNG_S 2

struct slot {
	char *path; /* owned; null: empty */
	struct stat seen;
	bool is_settled; /* it was old enough to be recognised */
	struct arena *arena;
	struct sieve_script *script; /* null: it does not compile */
	const char *why;
};

struct script_cache {
	char *disabled_extensions;
	struct slot *slots[SLOT_COUNT]; /* owned; null until used */
};

struct script_cache *script_cache_new(const struct sieve_settings *settings)
{
	struct script_cache *cache = memory_new(1, sizeof(*cache));
	struct bytes names = {0};
	for (size_t i = 0; i < settings->disabled_extensions.count; i++)
		bytes_appendf(
		    &names, "%s%s", i > 0 ? "," : "", settings->disabled_extensions.items[i]);
	cache->disabled_extensions = memory_string(bytes_terminate(&names));
	bytes_clear(&names);
	return cache;
}

static void empty_slot(struct slot *slot)
{
	free(slot->path);
	arena_free(&slot->arena);
	memset(slot, 0, sizeof(*slot));
}

void script_cache_free(struct script_cache **cache)
{
	if (*cache == NULL)
		return;
	for (size_t i = 0; i < SLOT_COUNT; i++) {
		struct slot *slot = (*cache)->slots[i];
		if (slot != NULL)
			empty_slot(slot);
		free(slot);
	}
	free((*cache)->disabled_extensions);
	free(*cache);
	*cache = NULL;
}

static struct slot *slot_of(struct script_cache *cache, const char *path)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *p = path; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	struct slot **slot = &cache->slots[hash % SLOT_COUNT];
	if (*slot == NULL)
		*slot = memory_new(1, sizeof(**slot));
	return *slot;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

static bool is_known(const struct slot *slot, const char *path)
{
	struct stat now;
	return slot->path != NULL && slot->is_settled && strcmp(slot->path, path) == 0 &&
	       stat(path, &now) == 0 && is_same_file(&slot->seen, &now);
}

static const char *first_error(struct arena *arena, const struct sieve_errors *errors)
{
	for (const struct sieve_error *e = errors->first; e != NULL; e = e->next) {
		if (!e->is_warning)
			return arena_textf(arena, "%s:%u:%u: error: %s", e->script, e->line,
			    e->column, e->message);
	}
	return "it does not compile";
}

static void compile(struct script_cache *cache, struct slot *slot, struct span source)
{
	struct sieve_errors errors = {0};
	struct sieve_compile_options options = {
	    .name = slot->path,
	    .disabled_extensions =
	        cache->disabled_extensions[0] != '\0' ? cache->disabled_extensions : NULL,
	    .abilities = SIEVE_CAN_FLAG,
	};
	slot->script = sieve_compile(slot->arena, source, &options, &errors);
	if (slot->script == NULL)
		slot->why = first_error(slot->arena, &errors);
}

/* Fills the slot with what is on disk. */
static enum script_answer load(
    struct script_cache *cache, struct slot *slot, const char *path, struct status *status)
{
	struct bytes source = {0};
	int64_t now_s = clock_now().tv_sec;
	empty_slot(slot);
	if (file_read_path(path, SCRIPT_BYTES_MAX, &source, &slot->seen) != 0) {
		int error = errno;
		bytes_clear(&source);
		if (error == ENOENT || error == ENOTDIR)
			return SCRIPT_NONE;
		if (error != EFBIG) {
			status_fail(
			    status, CAUSE_CONFIGURATION, "script %s: %s", path, strerror(error));
			return SCRIPT_UNREADABLE;
		}
		slot->arena = arena_new();
		slot->path = memory_string(path);
		slot->why = arena_textf(slot->arena, "%s: error: it is too large", path);
		return SCRIPT_BROKEN;
	}
	slot->arena = arena_new();
	slot->path = memory_string(path);
	slot->is_settled = slot->seen.st_mtim.tv_sec + YOUNG_S <= now_s &&
	                   slot->seen.st_ctim.tv_sec + YOUNG_S <= now_s;
	compile(cache, slot, bytes_span(&source));
	bytes_clear(&source);
	return slot->script != NULL ? SCRIPT_READY : SCRIPT_BROKEN;
}

enum script_answer script_cache_get(struct script_cache *cache, const char *path,
    const struct sieve_script **script_out, const char **why_out, struct status *status)
{
	struct slot *slot = slot_of(cache, path);
	enum script_answer answer = is_known(slot, path)
	                                ? (slot->script != NULL ? SCRIPT_READY : SCRIPT_BROKEN)
	                                : load(cache, slot, path, status);
	*script_out = slot->script;
	*why_out = slot->why;
	return answer;
}
