/* cmd_extensions.c - sieve-lite extensions: what scripts may require. */
#include "sieve-lite/cmd.h"

#include "sieve-lite/registry.h"

#include <stdio.h>

int cmd_extensions(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("usage: sieve-lite extensions\n", stderr);
		return CMD_TROUBLE;
	}
	for (size_t i = 0; i < registry_count(); i++) {
		const struct extension *extension = registry_extension(i);
		if (extension->name != NULL)
			printf("%-28s %s\n", extension->name, extension->document);
	}
	return CMD_OK;
}
