/* cmd_test.c - sieve-lite test [-t] FILE.svtest...
 *
 * Prints a line for each test that fails (with -t, TAP: for each test), then "N passed, N
 * failed" alone on the last line. */
#include "sieve-lite/cmd.h"

#include "base/file.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/report.h"
#include "sieve-lite/testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct session {
	bool is_tap;
	const char *path; /* of the test file */
	unsigned passed;
	unsigned failed;
};

static void told(void *context, unsigned number, const char *name, const char *failure)
{
	struct session *session = context;
	(void)number;
	*(failure == NULL ? &session->passed : &session->failed) += 1;
	if (session->is_tap)
		printf("%s %u - %s: %s%s%s\n", failure == NULL ? "ok" : "not ok",
		    session->passed + session->failed, session->path, name,
		    failure != NULL ? "\n# line " : "", failure != NULL ? failure : "");
	else if (failure != NULL)
		printf("%s: %s: FAILED\n  line %s\n", session->path, name, failure);
}

/* Scripts lie beside the test file. */
static int read_script(void *context, struct span path, struct bytes *to)
{
	const struct session *session = context;
	struct span own = span_of(session->path);
	size_t slash = span_find_last(own, '/');
	struct bytes full = {0};
	if (slash < own.len && (path.len == 0 || path.data[0] != '/'))
		bytes_append(&full, own.data, slash + 1);
	bytes_append_span(&full, path);
	int result = file_read_path(bytes_terminate(&full), LIMIT_SCRIPT_BYTES, to, NULL);
	bytes_clear(&full);
	return result;
}

static void report_broken(struct session *session, struct testing *testing, struct span source)
{
	struct bytes report = {0};
	for (struct sieve_error *error = testing->errors.first; error != NULL; error = error->next)
		report_error(&report, error, source);
	fwrite(report.data, 1, report.len, stderr);
	bytes_clear(&report);
	told(session, 0, "the test file itself",
	    testing->failure != NULL ? testing->failure : "0: it has errors");
}

static bool test_file(struct session *session, const char *path)
{
	struct bytes source = {0};
	session->path = path;
	if (file_read_path(path, LIMIT_SCRIPT_BYTES, &source, NULL) != 0) {
		fprintf(stderr, "sieve-lite: %s: %s\n", path, strerror(errno));
		bytes_clear(&source);
		return false;
	}
	struct testing testing = {
	    .arena = arena_new(), .context = session, .read_script = read_script, .told = told};
	testing_init(&testing);
	if (!testing_run(&testing, path, bytes_span(&source)))
		report_broken(session, &testing, bytes_span(&source));
	testing_clear(&testing);
	arena_free(&testing.arena);
	bytes_clear(&source);
	return true;
}

int cmd_test(int argc, char **argv)
{
	struct session session = {0};
	int first = 1;
	bool is_sound = true;
	if (argc > 1 && strcmp(argv[1], "-t") == 0) {
		session.is_tap = true;
		first++;
	}
	if (first >= argc || argv[first][0] == '-') {
		fputs("usage: sieve-lite test [-t] FILE.svtest...\n", stderr);
		return CMD_TROUBLE;
	}
	for (int i = first; i < argc; i++)
		is_sound = test_file(&session, argv[i]) && is_sound;
	if (session.is_tap)
		printf("1..%u\n", session.passed + session.failed);
	else
		printf("%u passed, %u failed\n", session.passed, session.failed);
	if (!is_sound)
		return CMD_TROUBLE;
	return session.failed > 0 ? CMD_BAD : CMD_OK;
}
