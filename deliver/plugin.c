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
