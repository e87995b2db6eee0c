/* cmd_check.c - sieve-lite check FILE... */
#include "sieve-lite/cmd.h"

#include "base/file.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_script(const char *path, struct bytes *source)
{
	if (strcmp(path, "-") == 0)
		return file_read_all(STDIN_FILENO, LIMIT_SCRIPT_BYTES, source);
	return file_read_path(path, LIMIT_SCRIPT_BYTES, source, NULL);
}

static int check_script(const char *path)
{
	struct bytes source = {0};
	struct bytes report = {0};
	struct sieve_errors errors = {0};
	const struct sieve_compile_options options = {
	    .name = strcmp(path, "-") == 0 ? "(standard input)" : path,
	    .abilities = SIEVE_CAN_EVERYTHING,
	};
	if (read_script(path, &source) != 0) {
		fprintf(stderr, "sieve-lite: %s: %s\n", path, strerror(errno));
		bytes_clear(&source);
		return CMD_TROUBLE;
	}
	struct arena *arena = arena_new();
	sieve_compile(arena, bytes_span(&source), &options, &errors);
	for (const struct sieve_error *error = errors.first; error != NULL; error = error->next)
		report_error(&report, error, bytes_span(&source));
	if (errors.first != NULL) {
		bytes_appendf(&report, "%s: ", options.name);
		report_summary(&report, &errors);
		bytes_append_byte(&report, '\n');
	}
	if (report.len > 0)
		fwrite(report.data, 1, report.len, stderr);
	arena_free(&arena);
	bytes_clear(&report);
	bytes_clear(&source);
	return errors.error_count > 0 ? CMD_BAD : CMD_OK;
}

int cmd_check(int argc, char **argv)
{
	int worst = CMD_OK;
	if (argc < 2) {
		fputs("usage: sieve-lite check FILE...\n", stderr);
		return CMD_TROUBLE;
	}
	for (int i = 1; i < argc; i++) {
		int result = check_script(argv[i]);
		worst = result > worst ? result : worst;
	}
	return worst;
}
