/* plugin.c - the plugins there are, and those of a configuration, asked one after the other. */
#include "deliver/plugin.h"

#include <string.h>

static const struct plugin *const plugins[] = {&plugin_quota, &plugin_sieve};

const struct plugin *plugin_find(const char *name)
{
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		if (strcmp(plugins[i]->name, name) == 0)
			return plugins[i];
	}
	return NULL;
}

const char *plugin_names(void)
{
	return "quota and sieve";
}

/* -- those of a configuration ------------------------------------------------------------------ */

static bool add(struct plugin_set *set, const char *name, const struct settings *settings,
    struct status *status)
{
	const struct plugin *plugin = plugin_find(name);
	if (plugin == NULL)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "plugins: there is no \"%s\"; there are %s", name, plugin_names());
	for (size_t i = 0; i < set->count; i++) {
		if (set->plugins[i] == plugin)
			return status_fail(
			    status, CAUSE_CONFIGURATION, "plugins: \"%s\" is there twice", name);
	}
	void *state = plugin->open != NULL ? plugin->open(settings, status) : NULL;
	if (plugin->open != NULL && state == NULL)
		return false;
	set->plugins[set->count] = plugin;
	set->states[set->count++] = state;
	return true;
}

bool plugin_set_open(struct plugin_set *set, const struct settings *settings, struct status *status)
{
	set->count = 0;
	for (size_t i = 0; i < settings->plugins.count; i++) {
		if (!add(set, settings->plugins.items[i], settings, status))
			return false;
	}
	return true;
}

void plugin_set_close(struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->plugins[i]->close != NULL)
			set->plugins[i]->close(set->states[i]);
	}
	set->count = 0;
}

bool plugin_set_admit(
    const struct plugin_set *set, struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct plugin *plugin = set->plugins[i];
		if (plugin->admit != NULL && !plugin->admit(set->states[i], delivery, status))
			return false;
	}
	return true;
}

bool plugin_set_decide(
    const struct plugin_set *set, struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct plugin *plugin = set->plugins[i];
		if (plugin->decide != NULL && !plugin->decide(set->states[i], delivery, status))
			return false;
	}
	return true;
}

bool plugin_set_vet(const struct plugin_set *set, struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct plugin *plugin = set->plugins[i];
		if (plugin->vet != NULL && !plugin->vet(set->states[i], delivery, status))
			return false;
	}
	return true;
}

void plugin_set_settle(const struct plugin_set *set, struct delivery *delivery)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->plugins[i]->settle != NULL)
			set->plugins[i]->settle(set->states[i], delivery);
	}
}

bool plugin_set_show(const struct plugin_set *set, struct delivery *delivery, struct bytes *to,
    struct status *status)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct plugin *plugin = set->plugins[i];
		if (plugin->show != NULL && !plugin->show(set->states[i], delivery, to, status))
			return false;
	}
	return true;
}
