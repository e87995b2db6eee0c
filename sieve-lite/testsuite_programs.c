/* testsuite_programs.c - programs that scripts under test run: really, from the directories that
 * "sieve_pipe_bin_dir" and its like name. */
#include "sieve-lite/testsuite.h"

#include "base/clock.h"
#include "base/number.h"
#include "mail/program.h"

#include <unistd.h>

#define OUTPUT_BYTES ((size_t)16 * 1024 * 1024)
#define DEFAULT_TIMEOUT_S 10

static struct span setting(const struct testsuite *suite, const char *use, const char *name)
{
	return testsuite_config(suite, arena_textf(suite->arena, "sieve_%s_%s", use, name));
}

static const char *const *environment(const struct testsuite *suite)
{
	static const char *const names[] = {
	    "HOME", "USER", "SENDER", "RECIPIENT", "ORIG_RECIPIENT", NULL};
	const struct testsuite_mail *mail = &suite->mail;
	char home[4096];
	const struct span values[] = {
	    getcwd(home, sizeof(home)) != NULL ? span_of(home) : SPAN("/"),
	    SPAN("testsuite-mail-user@example.org"),
	    mail->envelope.sender.text.len > 0 ? mail->envelope.sender.text : (struct span){0},
	    mail->recipient.address.text,
	    mail->recipient.original.text,
	};
	return program_environment(suite->arena, names, values);
}

static enum sieve_program_end run_program(
    struct testsuite *suite, const char *use, struct program_request *request, struct bytes *output)
{
	struct status status;
	struct span directory = setting(suite, use, "bin_dir");
	uint64_t timeout_s = DEFAULT_TIMEOUT_S;
	if (directory.len == 0)
		return SIEVE_PROGRAM_UNKNOWN;
	number_parse_seconds(setting(suite, use, "exec_timeout"), &timeout_s);
	request->directory = arena_text(suite->arena, directory);
	request->env = environment(suite);
	request->has_crlf = !span_is_nocase(setting(suite, use, "input_eol"), "lf");
	request->output_limit = OUTPUT_BYTES;
	request->deadline_ms = clock_monotonic_ms() + (int64_t)timeout_s * 1000;
	enum program_end end = program_run(request, output, &status);
	if (end == PROGRAM_DONE)
		return SIEVE_PROGRAM_DONE;
	suite->say(suite->context, arena_spanf(suite->arena, "%s: %s", use, status.detail));
	if (end == PROGRAM_TROUBLE)
		return SIEVE_PROGRAM_CANNOT_TELL;
	return end == PROGRAM_UNKNOWN ? SIEVE_PROGRAM_UNKNOWN : SIEVE_PROGRAM_FAILED;
}

enum sieve_program_end testsuite_filter(void *context, struct arena *arena,
    const struct action_program *program, const struct message *message,
    const struct message **message_out)
{
	struct testsuite *suite = context;
	struct status status;
	struct spool *spool = testsuite_spool(suite);
	struct message *filtered = ARENA_NEW(suite->arena, struct message);
	struct program_request request = {.program = program, .message = message, .output = spool};
	enum sieve_program_end end = run_program(suite, "filter", &request, NULL);
	(void)arena;
	if (end != SIEVE_PROGRAM_DONE)
		return end;
	if (!spool_finish(spool, &status) || !message_open(suite->arena, spool, filtered, &status))
		return SIEVE_PROGRAM_CANNOT_TELL;
	*message_out = filtered;
	return filtered->size_bytes > 0 ? SIEVE_PROGRAM_DONE : SIEVE_PROGRAM_FAILED;
}

enum sieve_program_end testsuite_run_program(void *context, struct arena *arena,
    const struct action_program *program, const struct message *message, struct span input,
    struct span *output_out)
{
	struct bytes output = {0};
	struct program_request request = {.program = program, .message = message, .input = input};
	enum sieve_program_end end = run_program(context, "execute", &request, &output);
	*output_out = arena_span(arena, bytes_span(&output));
	bytes_clear(&output);
	return end;
}

bool testsuite_pipe(
    struct testsuite *suite, const struct action_program *program, const struct message *message)
{
	struct bytes output = {0};
	struct program_request request = {.program = program, .message = message};
	enum sieve_program_end end = run_program(suite, "pipe", &request, &output);
	bytes_clear(&output);
	if (end != SIEVE_PROGRAM_DONE)
		testsuite_error(suite, "failed to pipe the message to program '%.*s'%s",
		    (int)program->name.len, program->name.data,
		    end == SIEVE_PROGRAM_UNKNOWN ? ": not found" : "");
	return end == SIEVE_PROGRAM_DONE;
}
