/* testsuite_script.c - scripts under test: compiled, run, chained, remembered. */
#include "sieve-lite/testsuite.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>

/* Scripts that run scripts; a test of a test needs two. */
#define LIMIT_DEPTH 8

static bool read_script(struct testsuite *suite, struct span path, struct bytes *source)
{
	struct bytes full = {0};
	if (path.len == 0 || path.data[0] != '/')
		bytes_appendf(&full, "%s/", suite->directory);
	bytes_append_span(&full, path);
	int result = file_read_path(bytes_terminate(&full), LIMIT_SCRIPT_BYTES, source, NULL);
	if (result != 0)
		testsuite_error(suite, "script %s: %s", bytes_terminate(&full), strerror(errno));
	bytes_clear(&full);
	return result == 0;
}

static const struct sieve_script *compile(struct testsuite *suite, struct span path)
{
	struct bytes source = {0};
	const struct sieve_script *script = NULL;
	const char *name = arena_text(suite->arena, path);
	const struct sieve_compile_options options = {.name = name,
	    .abilities = SIEVE_CAN_EVERYTHING,
	    .guest = &testsuite_extension,
	    .options = &suite->options,
	    .load_context = &suite->dirs,
	    .load = script_dirs_load};
	if (read_script(suite, path, &source)) {
		script = sieve_compile(suite->arena, bytes_span(&source), &options, &suite->errors);
		/* Pigeonhole's compiler ends with one line more, and tests count lines. */
		if (script == NULL)
			testsuite_error(suite, "validation failed for script %s", name);
	}
	bytes_clear(&source);
	return script;
}

bool testsuite_compile(struct testsuite *suite, struct span path)
{
	testsuite_forget_errors(suite);
	suite->script = compile(suite, path);
	return suite->script != NULL;
}

static void append_errors(struct testsuite *suite, const struct sieve_errors *errors)
{
	for (const struct sieve_error *error = errors->first; error != NULL; error = error->next) {
		if (!error->is_warning)
			testsuite_error(suite, "%s", error->message);
	}
}

static enum sieve_end run_one(struct testsuite *suite, struct run *run,
    const struct sieve_script *script, struct sieve_result *result)
{
	struct sieve_input input = suite->input;
	enum sieve_end end = SIEVE_FAILED;
	input.message = run->message;
	result->errors = (struct sieve_errors){0};
	if (suite->depth < LIMIT_DEPTH) {
		suite->depth++;
		end = run_script(suite->arena, script, &input, result);
		suite->depth--;
	} else {
		testsuite_error(suite, "scripts run scripts: at most %d", LIMIT_DEPTH);
	}
	append_errors(suite, &result->errors);
	result->errors = (struct sieve_errors){0};
	return end;
}

bool testsuite_run_script(struct testsuite *suite, struct run *run, bool is_appending)
{
	testsuite_forget_errors(suite);
	if (suite->script == NULL) {
		testsuite_error(suite, "no script was compiled");
		return false;
	}
	if (!is_appending)
		testsuite_reset(suite, run);
	enum sieve_end end = run_one(suite, run, suite->script, run->result);
	/* The message as the script left it. */
	if (run->result->keep.message != NULL) {
		struct testsuite_mail mail = suite->mail;
		mail.message = run->result->keep.message;
		testsuite_show(suite, run, &mail);
	}
	bool has_failed = suite->failure != NULL;
	bool is_test = suite->script->features.is_on[registry_guest()];
	suite->failure = NULL;
	return is_test ? !has_failed : end == SIEVE_DONE;
}

/* -- Chains ------------------------------------------------------------------------------------ */

static bool goes_on(const struct sieve_result *result)
{
	return result->implicit_keep || action_has_keep(&result->actions);
}

bool testsuite_run_chain(struct testsuite *suite, struct run *run, const struct argument *paths)
{
	testsuite_forget_errors(suite);
	testsuite_reset(suite, run);
	for (size_t i = 0; i < paths->count && goes_on(run->result); i++) {
		const struct sieve_script *script = compile(suite, run_text(run, &paths->texts[i]));
		if (script == NULL)
			return false;
		action_drop_keeps(&run->result->actions);
		run->result->implicit_keep = true;
		if (run_one(suite, run, script, run->result) != SIEVE_DONE)
			return false;
	}
	return testsuite_execute(suite, run);
}

/* -- "Binaries" are kept in memory ------------------------------------------------------------- */

void testsuite_save_binary(struct testsuite *suite, struct span name)
{
	struct testsuite_binary *binary = ARENA_NEW(suite->arena, struct testsuite_binary);
	*binary = (struct testsuite_binary){name, suite->script, suite->binaries};
	suite->binaries = binary;
}

bool testsuite_load_binary(struct testsuite *suite, struct span name)
{
	const struct testsuite_binary *binary = suite->binaries;
	while (binary != NULL && !span_equals(binary->name, name))
		binary = binary->next;
	suite->script = binary != NULL ? binary->script : NULL;
	return suite->script != NULL;
}
