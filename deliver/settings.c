/* settings.c - the table made into structures, and what is looked up in them.
 *
 * Values come as text from the table's defaults, from the file (settings_file.c) or from -o, and
 * go through the one parser here. */
#include "deliver/settings.h"

#include "deliver/settings_file.h"
#include "deliver/settings_value.h"

#include "base/arena.h"
#include "base/memory.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_hostname(struct settings *settings)
{
	char name[256] = "localhost";
	if (settings->hostname[0] != '\0')
		return;
	if (gethostname(name, sizeof(name)) == 0)
		name[sizeof(name) - 1] = '\0';
	settings->hostname = arena_text(settings->arena, span_of(name));
}

/* No `users` section at all: the accounts of the system. */
static void set_default_users(struct settings *settings)
{
	if (settings->user_source_count > 0)
		return;
	struct users_settings *system = ARENA_NEW(settings->arena, struct users_settings);
	setting_defaults(settings->arena, "users", system);
	system->title = "system";
	system->driver = "passwd";
	settings->users = system;
	settings->user_source_count = 1;
}

struct settings *settings_load(const char *path, struct status *status)
{
	struct settings *settings = memory_new(1, sizeof(*settings));
	settings->arena = arena_new();
	settings->path = "";
	setting_section_defaults(settings->arena, "", settings);
	if (!settings_file_read(settings, path, status)) {
		settings_free(&settings);
		return NULL;
	}
	set_hostname(settings);
	set_default_users(settings);
	return settings;
}

void settings_free(struct settings **settings)
{
	if (*settings == NULL)
		return;
	arena_free(&(*settings)->arena);
	free(*settings);
	*settings = NULL;
}

/* The entry of a titled section, made where there is none. */
static void *titled_entry(struct settings *settings, const struct setting_section *section,
    void *parent, struct span title)
{
	size_t count = setting_entry_count(section, parent);
	for (size_t i = 0; i < count; i++) {
		char *entry = setting_entry(section, parent, i);
		if (span_is(title, *(const char **)(void *)entry))
			return entry;
	}
	char *entries = setting_entries_new(settings->arena, section, parent, count + 1);
	char *entry = entries + count * section->size;
	setting_defaults(settings->arena, section->name, entry);
	*(const char **)(void *)entry = arena_text(settings->arena, title);
	return entry;
}

/* Goes down "lmtp.listen.TITLE" to the structure it means; null when there is no such section. */
static void *find_base(struct settings *settings, struct span path, const char **section_out)
{
	void *base = settings;
	const char *name = "";
	while (path.len > 0) {
		size_t end = span_find(path, '.');
		const struct setting_section *section =
		    setting_section_find(name, span_first(path, end));
		if (section == NULL)
			return NULL;
		path = span_from(path, end + 1);
		name = section->name;
		if (section->is_titled) {
			/* A title may have dots of its own: it is all the rest. */
			base = titled_entry(settings, section, base, path);
			break;
		}
		base = (char *)base + section->offset;
	}
	*section_out = name;
	return base;
}

bool settings_override(struct settings *settings, const char *assignment, struct status *status)
{
	struct span all = span_of(assignment);
	size_t equals = span_find(all, '=');
	if (equals == all.len)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "-o %s: write -o section.name=value", assignment);
	struct span path = span_first(all, equals);
	struct span place = SPAN("");
	struct span name = path;
	size_t dot = span_find_last(path, '.');
	if (dot < path.len) {
		place = span_first(path, dot);
		name = span_from(path, dot + 1);
	}
	const char *section = "";
	void *base = find_base(settings, place, &section);
	if (base == NULL)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "-o %s: there is no section \"%.*s\"", assignment, (int)place.len, place.data);
	const struct setting *row = setting_find(section, name);
	if (row == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "-o %s: %s", assignment,
		    setting_unknown(settings->arena, section, name));
	const char *why = setting_set(settings->arena, row, span_from(all, equals + 1), base);
	if (why != NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "-o %s: %s", assignment, why);
	return true;
}

bool settings_is_probe_sender(const struct settings *settings, const struct address *sender)
{
	char text[ADDRESS_MAX + 1];
	const struct text_list *patterns = &settings->lmtp.probe_senders;
	if (sender->text.len == 0)
		return true;
	if (sender->text.len >= sizeof(text))
		return false;
	memcpy(text, sender->text.data, sender->text.len);
	text[sender->text.len] = '\0';
	for (size_t i = 0; i < patterns->count; i++) {
		if (fnmatch(patterns->items[i], text, FNM_CASEFOLD | FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}
