/* plugin_sieve.c - the filter engine as a plugin: which scripts, in which order, and what they
 * may ask.
 *
 * Scripts run one after the other: the site's `before`, the user's own or else the site's
 * `default`, the site's `after`. The next one runs only if the one before it left a keep, implicit
 * or not, in effect; in a sequence "keep" means "go on", and what is kept at the end is said by the
 * last one. A broken script never loses or delays mail: its own actions are dropped, those of
 * finished scripts stay, and the message is kept. */
#include "deliver/plugin_sieve.h"

#include "deliver/expand.h"
#include "deliver/pipeline_errands.h"
#include "deliver/plugin.h"
#include "deliver/repeats.h"
#include "deliver/script_log.h"
#include "deliver/script_run.h"

#include "sieve-lite/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCRIPTS_MAX 200

#ifdef HAVE_SQLITE
#define CAN_REMEMBER true
#else
#define CAN_REMEMBER false
#endif

struct plugin_state {
	struct arena *arena;
	struct script_rules rules;
	struct script_cache *cache;
	struct seen_room *seen;
};

/* -- which scripts ----------------------------------------------------------------------------- */

enum script_part { PART_BEFORE, PART_PERSONAL, PART_DEFAULT, PART_AFTER };

static const char *const part_names[] = {
    [PART_BEFORE] = "before",
    [PART_PERSONAL] = "personal",
    [PART_DEFAULT] = "default",
    [PART_AFTER] = "after",
};

struct script_list {
	struct arena *arena;
	const struct delivery *delivery;
	const char *personal_directory; /* null: none */
	const char *global_directory;
	enum script_part part; /* of what is added next */
	struct script_item {
		enum script_part part;
		const char *path;
	} items[SCRIPTS_MAX];
	size_t count;
	const struct span *text; /* of the one that is tried; else null */
};

static bool add_path(struct script_list *list, const char *path, struct status *status)
{
	if (list->count == SCRIPTS_MAX)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "more than %d scripts", SCRIPTS_MAX);
	list->items[list->count++] = (struct script_item){list->part, path};
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct script_item *x = a;
	const struct script_item *y = b;
	return strcmp(x->path, y->path);
}

/* The scripts NAME.sieve of a directory, in the order of their names as bytes. */
static bool add_directory(struct script_list *list, const char *path, struct status *status)
{
	size_t first = list->count;
	bool is_good = true;
	DIR *dir = opendir(path);
	if (dir == NULL)
		return status_errno(status, CAUSE_CONFIGURATION, errno, "scripts in %s", path);
	errno = 0;
	for (struct dirent *entry; is_good && (entry = readdir(dir)) != NULL; errno = 0) {
		size_t len = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || len < 7 ||
		    strcmp(entry->d_name + len - 6, ".sieve") != 0)
			continue;
		is_good =
		    add_path(list, arena_textf(list->arena, "%s/%s", path, entry->d_name), status);
	}
	if (is_good && errno != 0)
		is_good = status_errno(status, CAUSE_CONFIGURATION, errno, "scripts in %s", path);
	closedir(dir);
	qsort(list->items + first, list->count - first, sizeof(list->items[0]), by_name);
	return is_good;
}

/* A script, or a directory of them; none there is none. */
static bool add_place(struct script_list *list, const char *path, struct status *status)
{
	struct stat found;
	if (stat(path, &found) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return true;
		return status_errno(status, CAUSE_CONFIGURATION, errno, "script %s", path);
	}
	return S_ISDIR(found.st_mode) ? add_directory(list, path, status)
	                              : add_path(list, path, status);
}

/* The path of a setting, or null: it is empty, or wants a home and the user has none. */
static bool path_of(const struct script_list *list, const char *setting, const char *text,
    const char **path_out, struct status *status)
{
	*path_out = NULL;
	if (text[0] == '\0' || (text[0] == '~' && list->delivery->user.home.len == 0))
		return true;
	return expand(list->arena, setting, text, &list->delivery->user, path_out, status);
}

static bool add_setting(
    struct script_list *list, const char *setting, const char *text, struct status *status)
{
	const char *path;
	return path_of(list, setting, text, &path, status) &&
	       (path == NULL || add_place(list, path, status));
}

static bool add_settings(struct script_list *list, const char *setting,
    const struct text_list *texts, struct status *status)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (!add_setting(list, setting, texts->items[i], status))
			return false;
	}
	return true;
}

/* What the user source says instead of a setting. */
static const char *own_or(const struct script_list *list, const char *field, const char *setting)
{
	struct span own = user_field(&list->delivery->user, field);
	return own.data != NULL ? arena_text(list->arena, own) : setting;
}

/* Where the user's own script is, and those it may include. Dovecot has both in one value,
 * "file:~/sieve;active=~/.dovecot.sieve", or "file:~/main.sieve" without the second. */
static void find_own(const struct script_list *list, const char **script, const char **directory)
{
	const struct sieve_settings *settings = &list->delivery->settings->sieve;
	struct span rest = span_of(own_or(list, "sieve", settings->script));
	struct span path;
	*script = rest.data;
	*directory = own_or(list, "sieve_dir", settings->directory);
	if (!span_starts_with(rest, "file:"))
		return;
	rest = span_from(rest, strlen("file:"));
	span_next_piece(&rest, ';', &path);
	bool is_script = path.len >= 6 && span_is(span_from(path, path.len - 6), ".sieve");
	*script = is_script ? arena_text(list->arena, path) : settings->script;
	if (!is_script)
		*directory = arena_text(list->arena, path);
	for (struct span option; rest.data != NULL && span_next_piece(&rest, ';', &option);) {
		if (span_starts_with(option, "active="))
			*script = arena_text(list->arena, span_from(option, strlen("active=")));
	}
}

static bool gather(struct script_list *list, struct status *status)
{
	const struct sieve_settings *settings = &list->delivery->settings->sieve;
	const char *script;
	const char *directory;
	find_own(list, &script, &directory);
	if (!path_of(list, "sieve.directory", directory, &list->personal_directory, status) ||
	    !path_of(list, "sieve.global_directory", settings->global_directory,
	        &list->global_directory, status))
		return false;
	list->part = PART_BEFORE;
	if (!add_settings(list, "sieve.before", &settings->before, status))
		return false;
	size_t without_own = list->count;
	list->part = PART_PERSONAL;
	if (!add_setting(list, "sieve.script", script, status))
		return false;
	list->part = PART_DEFAULT;
	if (list->count == without_own &&
	    !add_setting(list, "sieve.default", settings->fallback, status))
		return false;
	list->part = PART_AFTER;
	return add_settings(list, "sieve.after", &settings->after, status);
}

/* Those of a delivery, or the one that is tried. */
static bool choose(struct script_list *list, struct status *status)
{
	const struct pipeline_rehearsal *rehearsal = list->delivery->rehearsal;
	if (!gather(list, status))
		return false;
	if (rehearsal == NULL || rehearsal->script_path == NULL)
		return true;
	list->items[0] = (struct script_item){PART_PERSONAL, rehearsal->script_path};
	list->text = &rehearsal->script_text;
	list->count = 1;
	return true;
}

static struct script_wanted wanted_of(const struct script_list *list, size_t index)
{
	return (struct script_wanted){
	    .path = list->items[index].path,
	    .text = list->text,
	    .is_global = list->items[index].part != PART_PERSONAL,
	    .personal_directory = list->personal_directory,
	    .global_directory = list->global_directory,
	};
}

/* -- running ----------------------------------------------------------------------------------- */

static bool decide(void *decided, struct delivery *delivery, struct status *status)
{
	struct plugin_state *state = decided;
	struct script_runner runner = {.rules = &state->rules, .seen = state->seen};
	struct script_list list = {.arena = delivery->arena, .delivery = delivery};
	enum script_end end = SCRIPT_END_NEXT;
	if (!choose(&list, status))
		return false;
	for (size_t i = 0; i < list.count && end == SCRIPT_END_NEXT; i++) {
		struct script_wanted wanted = wanted_of(&list, i);
		const struct script_version *version;
		enum script_answer answer =
		    script_cache_get(state->cache, delivery->arena, &wanted, &version, status);
		if (answer == SCRIPT_UNREADABLE)
			return false;
		if (answer != SCRIPT_NONE)
			end = script_run(&runner, delivery, &wanted, answer, version, status);
	}
	return end != SCRIPT_END_TROUBLE && (delivery->rehearsal != NULL || !CAN_REMEMBER ||
	                                        repeats_judge(state->seen, delivery, status));
}

/* -- for people -------------------------------------------------------------------------------- */

static void show_version(const struct script_version *version, struct bytes *to)
{
	for (const struct script_file *file = version->files->next; file != NULL; file = file->next)
		bytes_appendf(to, "            includes %s%s\n", file->path,
		    file->exists ? "" : ", which does not exist");
	for (const struct sieve_error *e = version->errors.first; e != NULL; e = e->next) {
		struct span text = SPAN("");
		for (const struct script_file *file = version->files; file != NULL;
		     file = file->next) {
			if (strcmp(file->name, e->script) == 0)
				text = file->text;
		}
		report_error(to, e, e->script, text);
	}
}

static bool show(void *shown, struct delivery *delivery, struct bytes *to, struct status *status)
{
	struct plugin_state *state = shown;
	struct script_list list = {.arena = delivery->arena, .delivery = delivery};
	const char *broken = NULL;
	if (!gather(&list, status))
		return false;
	if (list.count == 0)
		bytes_append_text(to, "scripts   none: all mail is kept\n");
	for (size_t i = 0; i < list.count; i++) {
		struct script_wanted wanted = wanted_of(&list, i);
		const struct script_version *version;
		enum script_answer answer =
		    script_cache_get(state->cache, delivery->arena, &wanted, &version, status);
		bytes_appendf(to, "script %zu  %-8s  %s\n", i + 1, part_names[list.items[i].part],
		    list.items[i].path);
		if (answer == SCRIPT_UNREADABLE)
			return false;
		if (answer != SCRIPT_NONE)
			show_version(version, to);
		if (answer == SCRIPT_BROKEN && broken == NULL)
			broken = list.items[i].path;
	}
	bytes_appendf(to, "include   personal %s, global %s\n",
	    list.personal_directory != NULL ? list.personal_directory : "none",
	    list.global_directory != NULL ? list.global_directory : "none");
	return broken == NULL || status_fail(status, CAUSE_CONFIGURATION,
	                             "%s has errors: it is not run, the mail is kept", broken);
}

/* -- the rest ---------------------------------------------------------------------------------- */

static void settle(void *settled, struct delivery *delivery)
{
	struct plugin_state *state = settled;
	seen_settle(state->seen, delivery);
	script_log_tell(delivery);
}

static void close_plugin(void *closing)
{
	struct plugin_state *state = closing;
	struct arena *arena = state->arena;
	seen_room_free(&state->seen);
	script_cache_free(&state->cache);
	arena_free(&arena);
}

static void *open_plugin(const struct settings *settings, struct status *status)
{
	struct arena *arena = arena_new();
	struct plugin_state *state = ARENA_NEW(arena, struct plugin_state);
	state->arena = arena;
	if (!script_rules_set(arena, settings, &state->rules, status)) {
		close_plugin(state);
		return NULL;
	}
	state->rules.options.postmaster =
	    strchr(settings->postmaster, '@') != NULL
	        ? settings->postmaster
	        : arena_textf(arena, "%s@%s", settings->postmaster, settings->hostname);
	state->cache = script_cache_new(&state->rules, SCRIPT_CACHE_BYTES);
	state->seen = seen_room_new();
	return state;
}

bool plugin_sieve_rehearse(struct delivery *delivery, struct status *status)
{
	struct plugin_state *state = open_plugin(delivery->settings, status);
	bool is_good = state != NULL && decide(state, delivery, status);
	if (state != NULL)
		close_plugin(state);
	return is_good;
}

const struct plugin plugin_sieve = {
    .name = "sieve",
    .open = open_plugin,
    .close = close_plugin,
    .decide = decide,
    .settle = settle,
    .show = show,
};
