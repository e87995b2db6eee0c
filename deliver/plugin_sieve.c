/* plugin_sieve.c - the filter engine as a plugin: which scripts, in which order, and what they
 * may ask.
 *
 * Scripts run one after the other: the site's `before`, the user's own, the site's `after`. The
 * next one runs only if the one before it left a keep, implicit or not, in effect; in a sequence
 * "keep" means "go on", and what is kept at the end is said by the last one. A broken script never
 * loses or delays mail: its own actions are dropped, those of finished scripts stay, and the
 * message is kept. */
#include "deliver/expand.h"
#include "deliver/plugin.h"
#include "deliver/script_cache.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCRIPTS_MAX 200

/* -- which scripts ----------------------------------------------------------------------------- */

struct script_list {
	struct arena *arena;
	const char *paths[SCRIPTS_MAX];
	size_t count;
};

static bool add_path(struct script_list *list, const char *path, struct status *status)
{
	if (list->count == SCRIPTS_MAX)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "more than %d scripts", SCRIPTS_MAX);
	list->paths[list->count++] = path;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
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
	qsort(list->paths + first, list->count - first, sizeof(list->paths[0]), by_name);
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

static bool add_configured(struct script_list *list, const struct delivery *delivery,
    const char *setting, const char *text, struct status *status)
{
	const char *path;
	return expand(list->arena, setting, text, &delivery->user, &path, status) &&
	       add_place(list, path, status);
}

static bool add_list(struct script_list *list, const struct delivery *delivery, const char *setting,
    const struct text_list *texts, struct status *status)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (!add_configured(list, delivery, setting, texts->items[i], status))
			return false;
	}
	return true;
}

static bool gather(struct script_list *list, const struct delivery *delivery, struct status *status)
{
	const struct sieve_settings *settings = &delivery->settings->sieve;
	struct span own = user_field(&delivery->user, "sieve");
	const char *script = own.data != NULL ? arena_text(list->arena, own) : settings->script;
	bool has_home = delivery->user.home.len > 0;
	if (!add_list(list, delivery, "sieve.before", &settings->before, status))
		return false;
	/* A user without a home has no script there. */
	if (script[0] != '\0' && (script[0] != '~' || has_home) &&
	    !add_configured(list, delivery, "sieve.script", script, status))
		return false;
	return add_list(list, delivery, "sieve.after", &settings->after, status);
}

/* -- what a script may ask --------------------------------------------------------------------- */

static enum sieve_answer mailbox_exists(void *context, struct span name)
{
	struct delivery *delivery = context;
	struct span folder;
	struct status why;
	if (!store_folder_name(delivery->arena, delivery->store, name, &folder, &why))
		return SIEVE_NO;
	switch (store_has_folder(delivery->store, folder, &why)) {
	case STORE_YES:
		return SIEVE_YES;
	case STORE_NO:
		return SIEVE_NO;
	case STORE_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

static enum sieve_answer is_out_of_time(void *context)
{
	const struct delivery *delivery = context;
	return clock_left_ms(delivery->call->deadline_ms) == 0 ? SIEVE_YES : SIEVE_NO;
}

/* -- running ----------------------------------------------------------------------------------- */

static void append_actions(struct action_list *to, const struct action_list *from)
{
	if (from->first == NULL)
		return;
	if (to->last != NULL)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->count += from->count;
}

static const char *first_message(struct arena *arena, const struct sieve_errors *errors)
{
	const struct sieve_error *e = errors->first;
	return e == NULL ? "it failed"
	                 : arena_textf(arena, "%s:%u:%u: error: %s", e->script, e->line, e->column,
	                       e->message);
}

enum run_end { RUN_NEXT, RUN_LAST, RUN_TROUBLE };

static enum run_end run(struct delivery *delivery, const struct sieve_script *script,
    const char *path, struct status *status)
{
	struct sieve_result result = {0};
	struct sieve_host host = {.context = delivery,
	    .mailbox_exists = mailbox_exists,
	    .is_out_of_time = is_out_of_time};
	struct sieve_input input = {.message = &delivery->message,
	    .envelope = delivery->envelope,
	    .recipient = &delivery->recipient->envelope,
	    .recipient_delimiter = delivery->settings->recipient_delimiter,
	    .now = clock_now(),
	    .host = &host};
	switch (sieve_run(delivery->arena, script, &input, &result)) {
	case SIEVE_DONE:
		break;
	case SIEVE_FAILED:
		delivery_note(delivery, "%s; its actions are dropped, the message is kept",
		    first_message(delivery->arena, &result.errors));
		delivery->implicit_keep = true;
		return RUN_LAST;
	case SIEVE_CANNOT_RUN:
		status_fail(status, CAUSE_CANNOT_TELL, "script %s: %s", path,
		    result.errors.first != NULL ? result.errors.first->message
		                                : "it could not be told what it asked");
		return RUN_TROUBLE;
	}
	action_drop_keeps(&delivery->actions);
	append_actions(&delivery->actions, &result.actions);
	delivery->implicit_keep = result.implicit_keep;
	delivery->keep = result.keep;
	return result.implicit_keep || action_has_keep(&result.actions) ? RUN_NEXT : RUN_LAST;
}

static bool decide(void *state, struct delivery *delivery, struct status *status)
{
	struct script_cache *cache = state;
	struct script_list list = {.arena = delivery->arena};
	if (!gather(&list, delivery, status))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct sieve_script *script;
		const char *why;
		switch (script_cache_get(cache, list.paths[i], &script, &why, status)) {
		case SCRIPT_NONE:
			continue;
		case SCRIPT_UNREADABLE:
			return false;
		case SCRIPT_BROKEN:
			delivery_note(
			    delivery, "%s; the script is not run, the message is kept", why);
			delivery->implicit_keep = true;
			return true;
		case SCRIPT_READY:
			break;
		}
		enum run_end end = run(delivery, script, list.paths[i], status);
		if (end != RUN_NEXT)
			return end == RUN_LAST;
	}
	return true;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static bool show(void *state, struct delivery *delivery, struct bytes *to, struct status *status)
{
	struct script_list list = {.arena = delivery->arena};
	struct script_cache *cache = state;
	bool is_good = true;
	if (!gather(&list, delivery, status))
		return false;
	if (list.count == 0)
		bytes_append_text(to, "scripts   none: all mail is kept\n");
	for (size_t i = 0; i < list.count; i++) {
		const struct sieve_script *script;
		const char *why;
		enum script_answer answer =
		    script_cache_get(cache, list.paths[i], &script, &why, status);
		bytes_appendf(to, "script %zu  %s\n", i + 1, list.paths[i]);
		if (answer == SCRIPT_UNREADABLE)
			return false;
		if (answer == SCRIPT_BROKEN)
			is_good = status_fail(status, CAUSE_CONFIGURATION, "%s", why);
	}
	return is_good;
}

static void *open_plugin(const struct settings *settings, struct status *status)
{
	(void)status;
	return script_cache_new(&settings->sieve);
}

static void close_plugin(void *state)
{
	struct script_cache *cache = state;
	script_cache_free(&cache);
}

const struct plugin plugin_sieve = {
    .name = "sieve",
    .open = open_plugin,
    .close = close_plugin,
    .decide = decide,
    .show = show,
};
