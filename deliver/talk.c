/* talk.c - what deliver says to a person: --help, --version, --check. */
#include "deliver/check.h"
#include "deliver/front.h"
#include "deliver/library.h"

#include <stdio.h>
#include <unistd.h>

static int check(const struct front_options *options)
{
	struct settings *settings = NULL;
	struct status status;
	int result = 1;
	if (!front_load_settings(options, &settings, &status))
		fprintf(stderr, "%s\n", status.detail[0] != '\0' ? status.detail : status.text);
	else
		result = check_print(settings, options->user_name, stdout) ? 0 : 1;
	settings_free(&settings);
	return result;
}

int ladle_talk(int argc, char **argv, int notes_fd)
{
	struct arena *arena = arena_new();
	struct front_options options;
	struct status status;
	int result = 0;
	(void)notes_fd;
	if (!front_options_parse(arena, argc, argv, environ, getuid() == 0, &options, &status)) {
		fprintf(stderr, "deliver: %s\n", status.text);
		result = 1;
	} else if (options.wants_help) {
		fputs(front_usage, stdout);
	} else if (options.wants_version) {
		puts("deliver (ladle) " PACKAGE_VERSION);
	} else {
		result = check(&options);
	}
	arena_free(&arena);
	return result;
}
