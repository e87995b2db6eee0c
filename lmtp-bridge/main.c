/* main.c - arguments of lmtp-bridge. */
#include "deliver/check.h"
#include "deliver/settings.h"
#include "lmtp-bridge/board.h"
#include "lmtp-bridge/metrics.h"
#include "lmtp-bridge/supervisor.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OVERRIDES_MAX 64

struct arguments {
	const char *config_path; /* null: the usual one */
	const char *overrides[OVERRIDES_MAX];
	size_t override_count;
	bool wants_check;
	bool wants_status;
	bool wants_watch;
	bool uses_stdin;
};

static const char help[] =
    "usage: lmtp-bridge [-F] [-c FILE] [-o NAME=VALUE]... [--stdin | --check | --status]\n"
    "Takes mail by LMTP and delivers it; stays in the foreground.\n"
    "\n"
    "  -c FILE         the configuration, instead of " LADLE_CONFIG_FILE "\n"
    "  -o NAME=VALUE   one setting instead of the file's: -o quota.over=defer\n"
    "  -F              stay in the foreground (it always does)\n"
    "  --stdin         one session on standard input and output, for inetd and tests\n"
    "  --status        show what a running one does; with --watch, every second\n"
    "  --check         say what is wrong with the configuration, and end\n"
    "  --help, --version\n"
    "\n"
    "HUP reads the configuration again, TERM finishes what is under way and ends.\n"
    "See lmtp-bridge(8) and ladle.conf(5).\n";

enum { OPTION_CHECK = 256, OPTION_STATUS, OPTION_WATCH, OPTION_STDIN, OPTION_HELP, OPTION_VERSION };

static const struct option options[] = {
    {"check", no_argument, NULL, OPTION_CHECK},
    {"stdin", no_argument, NULL, OPTION_STDIN},
    {"status", no_argument, NULL, OPTION_STATUS},
    {"watch", no_argument, NULL, OPTION_WATCH},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* False when the program shall end now, with `*exit_status_out`. */
static bool take_arguments(int argc, char **argv, struct arguments *arguments, int *exit_status_out)
{
	int option;
	*exit_status_out = EXIT_FAILURE;
	while ((option = getopt_long(argc, argv, "c:o:F", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config_path = optarg;
			break;
		case 'o':
			if (arguments->override_count == OVERRIDES_MAX) {
				fputs("lmtp-bridge: too many -o\n", stderr);
				return false;
			}
			arguments->overrides[arguments->override_count++] = optarg;
			break;
		case 'F':
			break;
		case OPTION_CHECK:
			arguments->wants_check = true;
			break;
		case OPTION_STATUS:
			arguments->wants_status = true;
			break;
		case OPTION_WATCH:
			arguments->wants_status = arguments->wants_watch = true;
			break;
		case OPTION_STDIN:
			arguments->uses_stdin = true;
			break;
		case OPTION_HELP:
			fputs(help, stdout);
			*exit_status_out = EXIT_SUCCESS;
			return false;
		case OPTION_VERSION:
			puts("lmtp-bridge (ladle) " PACKAGE_VERSION);
			*exit_status_out = EXIT_SUCCESS;
			return false;
		default:
			fputs("lmtp-bridge: --help shows the options\n", stderr);
			return false;
		}
	}
	if (optind < argc)
		fprintf(stderr, "lmtp-bridge: what is \"%s\"? --help shows the options\n",
		    argv[optind]);
	return optind == argc;
}

static struct settings *load(void *context, struct status *status)
{
	const struct arguments *arguments = context;
	struct settings *settings = settings_load(arguments->config_path, status);
	for (size_t i = 0; settings != NULL && i < arguments->override_count; i++) {
		if (!settings_override(settings, arguments->overrides[i], status))
			settings_free(&settings);
	}
	return settings;
}

static int check(struct arguments *arguments)
{
	struct status status;
	struct settings *settings = load(arguments, &status);
	struct span nobody = {NULL, 0};
	if (settings != NULL && !check_print(settings, nobody, stdout)) {
		settings_free(&settings);
		return EXIT_FAILURE;
	}
	if (settings != NULL && supervisor_check(settings, &status))
		return EXIT_SUCCESS;
	printf("wrong: %s\n", status.detail);
	return EXIT_FAILURE;
}

static int show_status(struct arguments *arguments)
{
	struct status status;
	struct settings *settings = load(arguments, &status);
	if (settings == NULL) {
		fprintf(stderr, "lmtp-bridge: %s\n", status.detail);
		return EXIT_FAILURE;
	}
	const char *path = settings->metrics.status_file;
	bool is_shown = true;
	do {
		struct bytes text = {0};
		const struct board *board = board_attach(path);
		is_shown = board != NULL;
		if (is_shown) {
			if (arguments->wants_watch)
				fputs("\033[H\033[J", stdout);
			metrics_show(board, &text);
			fputs(bytes_terminate(&text), stdout);
			fflush(stdout);
			board_detach(&board);
		} else {
			fprintf(
			    stderr, "lmtp-bridge: no figures in %s: %s\n", path, strerror(errno));
		}
		bytes_clear(&text);
	} while (arguments->wants_watch && is_shown && !ferror(stdout) && sleep(1) == 0);
	settings_free(&settings);
	return is_shown ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	int exit_status;
	if (!take_arguments(argc, argv, &arguments, &exit_status))
		return exit_status;
	if (arguments.wants_check)
		return check(&arguments);
	if (arguments.wants_status)
		return show_status(&arguments);
	struct supervisor_options supervisor = {
	    .load = load, .context = &arguments, .uses_stdin = arguments.uses_stdin};
	return supervisor_run(&supervisor);
}
