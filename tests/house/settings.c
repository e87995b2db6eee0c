/* settings.c - shows the table of settings to check_manual.sh: section, name and default, with
 * tabs between. With a file as argument: loads that instead and tells what is wrong with it. */
#include "deliver/settings.h"
#include "deliver/settings_table.h"

#include <stdio.h>

static int load(const char *path)
{
	struct status status;
	struct settings *settings = settings_load(path, &status);
	if (settings == NULL) {
		printf("%s\n", status.detail);
		return 1;
	}
	settings_free(&settings);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return load(argv[1]);
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *row = &setting_table[i];
		printf("%s\t%s\t%s\n", row->section[0] == '\0' ? "Global" : row->section, row->name,
		    row->fallback);
	}
	return 0;
}
