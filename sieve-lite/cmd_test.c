/* cmd_test.c - sieve-lite test [--tap] FILE.svtest...
 *
 * For people a line for each test, as Pigeonhole prints them, and "N passed, N failed" alone on
 * the last; for programs TAP. Each file is a world of its own (testsuite.h). */
#include "sieve-lite/cmd.h"

#include "base/file.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/report.h"
#include "sieve-lite/testsuite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct session {
	bool is_tap;
	const char *path; /* of the test file */
	unsigned number;  /* of the test in its file */
	unsigned passed;
	unsigned failed;
};

static void tell(void *context, const char *name, const char *reason, unsigned line)
{
	struct session *session = context;
	*(reason == NULL ? &session->passed : &session->failed) += 1;
	session->number++;
	if (!session->is_tap && reason == NULL)
		printf("%2u: Test '%s' SUCCEEDED\n", session->number, name);
	else if (!session->is_tap)
		printf("%2u: Test '%s' FAILED: %s\n    %s:%u\n", session->number, name, reason,
		    session->path, line);
	else if (reason == NULL)
		printf("ok %u - %s: %s\n", session->passed + session->failed, session->path, name);
	else
		printf("not ok %u - %s: %s\n# %s:%u: %s\n", session->passed + session->failed,
		    session->path, name, session->path, line, reason);
}

static void say(void *context, struct span text)
{
	const struct session *session = context;
	struct span line;
	while (span_next_line(&text, &line))
		printf("%s%.*s\n", session->is_tap ? "# " : "", (int)line.len, line.data);
}

/* The file as a whole is wrong, which counts as a failed test. */
static void tell_broken(
    struct session *session, const char *reason, unsigned line, const struct bytes *report)
{
	session->failed++;
	if (!session->is_tap)
		printf("XX: Test CASE FAILED: %s\n    %s:%u\n", reason, session->path, line);
	else
		printf("not ok %u - %s\n# line %u: %s\n", session->passed + session->failed,
		    session->path, line, reason);
	say(session, bytes_span(report));
}

static void run_source(struct session *session, struct testsuite *suite, struct span source)
{
	struct sieve_errors errors = {0};
	struct bytes report = {0};
	testsuite_open(suite);
	if (!testsuite_run(suite, session->path, source, &errors)) {
		for (const struct sieve_error *e = errors.first; e != NULL; e = e->next)
			report_error(&report, e, session->path, source);
		if (suite->failure != NULL)
			tell_broken(session, suite->failure, suite->failure_line, &report);
		else if (errors.first != NULL)
			tell_broken(session, errors.first->message, errors.first->line, &report);
		else
			tell_broken(session, "it did not run", 0, &report);
	}
	bytes_clear(&report);
	testsuite_close(suite);
}

static bool run_file(struct session *session, const char *path)
{
	struct bytes source = {0};
	session->path = path;
	session->number = 0;
	if (file_read_path(path, LIMIT_SCRIPT_BYTES, &source, NULL) != 0) {
		fprintf(stderr, "sieve-lite: %s: %s\n", path, strerror(errno));
		bytes_clear(&source);
		return false;
	}
	if (!session->is_tap)
		printf("%s:\n", path);
	struct testsuite suite = {
	    .arena = arena_new(), .context = session, .tell = tell, .say = say};
	suite.directory = script_dirs_of(suite.arena, path);
	run_source(session, &suite, bytes_span(&source));
	arena_free(&suite.arena);
	bytes_clear(&source);
	return true;
}

int cmd_test(int argc, char **argv)
{
	struct session session = {0};
	bool is_sound = true;
	int first = 1;
	if (argc > 1 && strcmp(argv[1], "--tap") == 0) {
		session.is_tap = true;
		first++;
	}
	if (first >= argc || argv[first][0] == '-') {
		fputs("usage: sieve-lite test [--tap] FILE.svtest...\n", stderr);
		return CMD_TROUBLE;
	}
	for (int i = first; i < argc; i++)
		is_sound = run_file(&session, argv[i]) && is_sound;
	if (session.is_tap)
		printf("1..%u\n# ", session.passed + session.failed);
	printf("%u passed, %u failed\n", session.passed, session.failed);
	if (!is_sound)
		return CMD_TROUBLE;
	return session.failed > 0 ? CMD_BAD : CMD_OK;
}
