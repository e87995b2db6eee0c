/* cmd_extensions.c - sieve-lite extensions: what scripts may require at a delivery, those of users
 * and those of the site. */
#include "sieve-lite/cmd.h"

#include "deliver/script_rules.h"

#include <stdio.h>
#include <string.h>

static int print(const struct settings *settings, struct status *status)
{
	struct script_rules rules;
	struct bytes table = {0};
	if (!script_rules_set(settings->arena, settings, &rules, status))
		return CMD_BAD;
	script_rules_table(&rules, &table);
	fwrite(table.data, 1, table.len, stdout);
	bytes_clear(&table);
	return CMD_OK;
}

int cmd_extensions(int argc, char **argv)
{
	struct status status;
	bool has_file = argc == 3 && strcmp(argv[1], "-c") == 0;
	if (argc > 1 && !has_file) {
		fputs("usage: sieve-lite extensions [-c FILE]\n", stderr);
		return CMD_TROUBLE;
	}
	struct settings *settings = settings_load(has_file ? argv[2] : NULL, &status);
	int result = settings != NULL ? print(settings, &status) : CMD_BAD;
	if (result != CMD_OK)
		fprintf(stderr, "sieve-lite: %s\n", status.detail);
	settings_free(&settings);
	return result;
}
