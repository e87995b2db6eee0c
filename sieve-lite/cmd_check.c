/* cmd_check.c - sieve-lite check [--json] FILE...
 *
 * For people as compilers tell it, on standard error; for programs an object for each file, a line
 * each, on standard output. */
#include "sieve-lite/cmd.h"

#include "base/file.h"
#include "base/json.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/report.h"
#include "sieve-lite/script_dirs.h"

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

static void print_text(
    const char *name, struct span source, const struct sieve_errors *errors, struct bytes *to)
{
	for (const struct sieve_error *error = errors->first; error != NULL; error = error->next)
		report_error(to, error, name, source);
	if (errors->first == NULL)
		return;
	bytes_appendf(to, "%s: ", name);
	report_summary(to, errors);
	bytes_append_byte(to, '\n');
}

static void print_json(const char *name, const struct sieve_errors *errors, struct bytes *to)
{
	bytes_append_text(to, "{\"file\":");
	json_append_string(to, span_of(name));
	bytes_append_text(to, ",\"errors\":");
	report_json(to, errors);
	bytes_append_text(to, "}\n");
}

static int check_script(const char *path, bool is_json)
{
	struct bytes source = {0};
	struct bytes report = {0};
	struct sieve_errors errors = {0};
	struct script_dirs dirs;
	const struct sieve_compile_options options = {
	    .name = strcmp(path, "-") == 0 ? "(standard input)" : path,
	    .abilities = SIEVE_CAN_EVERYTHING,
	    .finds_warnings = true,
	    .load_context = &dirs,
	    .load = script_dirs_load,
	};
	if (read_script(path, &source) != 0) {
		fprintf(stderr, "sieve-lite: %s: %s\n", path, strerror(errno));
		bytes_clear(&source);
		return CMD_TROUBLE;
	}
	struct arena *arena = arena_new();
	dirs.personal = dirs.global = script_dirs_of(arena, path);
	sieve_compile(arena, bytes_span(&source), &options, &errors);
	if (is_json)
		print_json(options.name, &errors, &report);
	else
		print_text(options.name, bytes_span(&source), &errors, &report);
	if (report.len > 0)
		fwrite(report.data, 1, report.len, is_json ? stdout : stderr);
	arena_free(&arena);
	bytes_clear(&report);
	bytes_clear(&source);
	return errors.error_count > 0 ? CMD_BAD : CMD_OK;
}

int cmd_check(int argc, char **argv)
{
	int worst = CMD_OK;
	bool is_json = argc > 1 && strcmp(argv[1], "--json") == 0;
	int first = is_json ? 2 : 1;
	bool is_option = first < argc && argv[first][0] == '-' && argv[first][1] != '\0';
	if (first >= argc || is_option) {
		fputs("usage: sieve-lite check [--json] FILE...\n", stderr);
		return CMD_TROUBLE;
	}
	for (int i = first; i < argc; i++) {
		int result = check_script(argv[i], is_json);
		worst = result > worst ? result : worst;
	}
	return worst;
}
