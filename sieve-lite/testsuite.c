/* testsuite.c - the commands and tests of test files, and how one is run.
 *
 * A failing test unwinds to the end of its block as "stop" unwinds a script; test_fail in a script
 * under test stops that script, and its test_script_run is false. */
#include "sieve-lite/testsuite.h"

#include "base/clock.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/match.h"

#include <stdarg.h>

/* -- The world --------------------------------------------------------------------------------- */

struct testsuite *testsuite_of(struct run *run)
{
	return run->input->guest;
}

struct span testsuite_text(struct run *run, const struct node *node, size_t positional)
{
	return run_text(run, &node->positionals[positional]->texts[0]);
}

void testsuite_error(struct testsuite *suite, const char *format, ...)
{
	struct problems problems = {suite->arena, "", &suite->errors};
	struct bytes text = {0};
	va_list args;
	va_start(args, format);
	bytes_appendv(&text, format, args);
	va_end(args);
	problem_error(&problems, (struct place){0, 0}, "%s", bytes_terminate(&text));
	bytes_clear(&text);
}

void testsuite_forget_errors(struct testsuite *suite)
{
	suite->errors = (struct sieve_errors){0};
}

void testsuite_reset(struct testsuite *suite, struct run *run)
{
	struct testsuite_mail mail = suite->mail;
	*run->result = (struct sieve_result){.implicit_keep = true, .errors = run->result->errors};
	suite->outcome = (struct testsuite_outcome){0};
	testsuite_show(suite, run, &mail);
}

/* What a script wrote with debug_log. */
static void log_text(void *context, const char *script, unsigned line, struct span text)
{
	struct testsuite *suite = context;
	struct bytes said = {0};
	bytes_appendf(&said, "%s:%u: debug: ", script, line);
	bytes_append_span(&said, text);
	suite->say(suite->context, bytes_span(&said));
	bytes_clear(&said);
}

static enum sieve_answer is_out_of_time(void *context)
{
	const struct testsuite *suite = context;
	return suite->cpu_deadline_ms != 0 && clock_cpu_ms() > suite->cpu_deadline_ms ? SIEVE_YES
	                                                                              : SIEVE_NO;
}

void testsuite_open(struct testsuite *suite)
{
	suite->dirs = (struct script_dirs){
	    .personal = arena_textf(suite->arena, "%s/included", suite->directory),
	    .global = arena_textf(suite->arena, "%s/included-global", suite->directory),
	};
	suite->host = (struct sieve_host){
	    .context = suite,
	    .mailbox_exists = testsuite_mailbox_exists,
	    .log = log_text,
	    .environment = testsuite_environment,
	    .metadata = testsuite_metadata,
	    .list_has = testsuite_list_has,
	    .mailbox_by_id = testsuite_mailbox_by_id,
	    .filter = testsuite_filter,
	    .execute = testsuite_run_program,
	    .is_out_of_time = is_out_of_time,
	};
	suite->input = (struct sieve_input){
	    .envelope = &suite->mail.envelope,
	    .recipient = &suite->mail.recipient,
	    .now = clock_now(),
	    .host = &suite->host,
	    .guest = suite,
	};
	testsuite_make_folder(suite, SPAN("INBOX"));
	testsuite_config_reload(suite);
	testsuite_initial_mail(suite, &suite->mail);
}

void testsuite_close(struct testsuite *suite)
{
	for (struct testsuite_spool *spool = suite->spools; spool != NULL; spool = spool->next)
		spool_free(&spool->spool);
	suite->spools = NULL;
}

bool testsuite_run(
    struct testsuite *suite, const char *name, struct span source, struct sieve_errors *errors_out)
{
	const struct sieve_compile_options options = {.name = name,
	    .abilities = SIEVE_CAN_EVERYTHING,
	    .guest = &testsuite_extension,
	    .options = &suite->options,
	    .load_context = suite,
	    .load = testsuite_load};
	struct sieve_result result = {0};
	struct sieve_script *script = sieve_compile(suite->arena, source, &options, errors_out);
	if (script == NULL)
		return false;
	suite->input.message = suite->mail.message;
	enum sieve_end end = sieve_run(suite->arena, script, &suite->input, &result);
	*errors_out = result.errors;
	return end == SIEVE_DONE && suite->failure == NULL;
}

/* -- test, test_fail --------------------------------------------------------------------------- */

/*	test <name: string> { ... }	only at the top */
static bool check_test(struct checker *checker, struct node *node)
{
	if (checker->depth == 0)
		return true;
	problem_error(checker->problems, node->at, "'test' must not stand in a block");
	return false;
}

static void run_test_command(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	const char *name = arena_text(suite->arena, testsuite_text(run, node, 0));
	suite->failure = NULL;
	run_commands(run, node->block);
	if (run->unwind == UNWIND_FAILED || run->unwind == UNWIND_CANNOT_TELL) {
		const struct sieve_error *error = run->result->errors.last;
		suite->failure = error->message;
		suite->failure_line = error->line;
		run->result->errors = (struct sieve_errors){0};
	}
	suite->tell(suite->context, name, suite->failure, suite->failure_line);
	/* A test that failed is no reason not to run the next one; "stop" is. */
	if (suite->failure != NULL)
		run->unwind = UNWIND_NONE;
	suite->failure = NULL;
}

/*	test_fail <reason: string> */
static void run_test_fail(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	suite->failure = arena_text(suite->arena, testsuite_text(run, node, 0));
	suite->failure_line = node->at.line;
	run->unwind = UNWIND_STOP;
}

/* -- Messages ---------------------------------------------------------------------------------- */

/*	test_set <member: string> <value: string> */
static bool check_set(struct checker *checker, struct node *node)
{
	const struct text *member = &node->positionals[0]->texts[0];
	if (testsuite_is_member(member->literal))
		return true;
	problem_error(checker->problems, member->at, "test_set knows no '%s'",
	    problem_quote(checker->problems, member->literal));
	return false;
}

static void run_set(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	struct span member = node->positionals[0]->texts[0].literal;
	struct span value = testsuite_text(run, node, 1);
	struct testsuite_mail mail = {0};
	if (!span_is_nocase(member, "message"))
		testsuite_set_envelope(suite, member, value);
	else if (testsuite_new_mail(suite, value, &mail))
		testsuite_show(suite, run, &mail);
	else
		run_fail(run, "the message cannot be made");
}

/*	test_message ( :smtp / :folder <mailbox: string> ) <index: number>	command or test */
static const struct tag message_tags[] = {
    {.name = "smtp", .group = "source"},
    {.name = "folder", .wants = WANTS_TEXT, .group = "source"},
    {.name = NULL},
};

static bool check_message(struct checker *checker, struct node *node)
{
	if (node_tag(node, "smtp") != NULL || node_tag(node, "folder") != NULL)
		return true;
	problem_error(checker->problems, node->at, "'test_message' lacks ':smtp' or ':folder'");
	return false;
}

static bool test_message(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	const struct argument *in = node_tag(node, "folder");
	uint64_t index = node->positionals[0]->number;
	const struct testsuite_mail *first = suite->sent;
	const struct testsuite_folder *folder = NULL;
	struct testsuite_mail shown;
	if (in != NULL) {
		struct span name = run_text(run, &in->value->texts[0]);
		folder = testsuite_folder(suite, name);
		first = folder != NULL ? folder->first : NULL;
	}
	if (in != NULL && folder == NULL) {
		testsuite_error(suite, "failed to open mailbox: it does not exist");
		testsuite_initial_mail(suite, &shown);
		testsuite_show(suite, run, &shown);
		return false;
	}
	const struct testsuite_mail *mail = testsuite_mail_at(first, index);
	if (mail == NULL)
		return false;
	shown = *mail;
	/* A stored message has no envelope. */
	if (in != NULL)
		testsuite_guess_envelope(suite, &shown);
	testsuite_show(suite, run, &shown);
	return true;
}

static void run_message(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	if (test_message(run, node))
		return;
	suite->failure = "there is no such message";
	suite->failure_line = node->at.line;
	run->unwind = UNWIND_STOP;
}

/*	test_message_print */
static void run_message_print(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	struct status status;
	size_t got;
	(void)node;
	char *text = arena_new_items(run->arena, (size_t)run->message->size_bytes + 1, 1);
	if (message_read(run->message, 0, text, (size_t)run->message->size_bytes, &got, &status))
		suite->say(suite->context, (struct span){text, got});
}

/*	test_mailbox_create <mailbox: string>, test_mailbox_delete <mailbox: string> */
static void run_mailbox_create(struct run *run, const struct node *node)
{
	testsuite_make_folder(testsuite_of(run), testsuite_text(run, node, 0));
}

static void run_mailbox_delete(struct run *run, const struct node *node)
{
	testsuite_delete_folder(testsuite_of(run), testsuite_text(run, node, 0));
}

/*	test_imap_metadata_set [:mailbox <mailbox: string>] <annotation: string> <value: string> */
static const struct tag metadata_tags[] = {
    {.name = "mailbox", .wants = WANTS_TEXT},
    {.name = NULL},
};

static void run_metadata_set(struct run *run, const struct node *node)
{
	const struct argument *of = node_tag(node, "mailbox");
	struct span folder = {NULL, 0};
	if (of != NULL)
		folder = run_text(run, &of->value->texts[0]);
	testsuite_set_metadata(
	    testsuite_of(run), folder, testsuite_text(run, node, 0), testsuite_text(run, node, 1));
}

/* -- Settings ---------------------------------------------------------------------------------- */

/*	test_config_set <setting: string> <value: string>
 *	test_config_unset <setting: string>
 *	test_config_reload [:extension <name: string>] */
static void run_config_set(struct run *run, const struct node *node)
{
	testsuite_config_set(
	    testsuite_of(run), testsuite_text(run, node, 0), testsuite_text(run, node, 1));
}

static void run_config_unset(struct run *run, const struct node *node)
{
	testsuite_config_set(
	    testsuite_of(run), testsuite_text(run, node, 0), (struct span){NULL, 0});
}

static const struct tag reload_tags[] = {
    {.name = "extension", .wants = WANTS_TEXT},
    {.name = NULL},
};

static void run_config_reload(struct run *run, const struct node *node)
{
	(void)node;
	testsuite_config_reload(testsuite_of(run));
}

/* -- Scripts ----------------------------------------------------------------------------------- */

/*	test_script_compile <path: string>	relative to the test file */
static bool test_script_compile(struct run *run, const struct node *node)
{
	return testsuite_compile(testsuite_of(run), testsuite_text(run, node, 0));
}

/*	test_script_run [:append_result] */
static const struct tag run_tags[] = {{.name = "append_result"}, {.name = NULL}};

static bool test_script_run(struct run *run, const struct node *node)
{
	return testsuite_run_script(
	    testsuite_of(run), run, node_tag(node, "append_result") != NULL);
}

/*	test_multiscript <paths: string-list>	as "before", personal and "after" */
static bool test_multiscript(struct run *run, const struct node *node)
{
	return testsuite_run_chain(testsuite_of(run), run, node->positionals[0]);
}

/*	test_binary_save <name: string>, test_binary_load <name: string> */
static void run_binary_save(struct run *run, const struct node *node)
{
	testsuite_save_binary(testsuite_of(run), testsuite_text(run, node, 0));
}

static void run_binary_load(struct run *run, const struct node *node)
{
	if (!testsuite_load_binary(testsuite_of(run), testsuite_text(run, node, 0)))
		run_fail(run, "no script was saved under this name");
}

/*	test_error [MATCH-TYPE] [COMPARATOR] [:index <number>] <key-list: string-list> */
static const struct tag index_tags[] = {
    {.name = "index", .wants = WANTS_NUMBER},
    {.name = NULL},
};

/* 0: all. */
static uint64_t wanted_index(const struct node *node)
{
	const struct argument *use = node_tag(node, "index");
	return use != NULL ? use->value->number : 0;
}

static bool test_error(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	uint64_t wanted = wanted_index(node);
	uint64_t index = 0;
	const struct sieve_error *error = testsuite_of(run)->errors.first;
	for (; error != NULL; error = error->next) {
		if (error->is_warning || (++index != wanted && wanted != 0))
			continue;
		if (match_value(&match, SPAN("error"), span_of(error->message)))
			break;
	}
	return match_end(&match);
}

/* -- Results ----------------------------------------------------------------------------------- */

/*	test_result_action [MATCH-TYPE] [COMPARATOR] [:index <number>] <key-list: string-list>
 *
 * The implicit keep is not among them. */
static bool test_result_action(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	uint64_t wanted = wanted_index(node);
	uint64_t index = 0;
	const struct action *action = run->result->actions.first;
	for (; action != NULL; action = action->next) {
		if (++index != wanted && wanted != 0)
			continue;
		struct span name = span_of(testsuite_action_name(action));
		if (match_value(&match, SPAN("action"), name))
			return match_end(&match);
	}
	return match_end(&match);
}

/*	test_result_execute */
static bool test_result_execute(struct run *run, const struct node *node)
{
	(void)node;
	testsuite_forget_errors(testsuite_of(run));
	return testsuite_execute(testsuite_of(run), run);
}

/*	test_result_reset */
static void run_result_reset(struct run *run, const struct node *node)
{
	(void)node;
	testsuite_reset(testsuite_of(run), run);
	testsuite_of(run)->sent = NULL;
}

/*	test_result_print */
static void run_result_print(struct run *run, const struct node *node)
{
	struct testsuite *suite = testsuite_of(run);
	struct bytes text = {0};
	const struct action *action = run->result->actions.first;
	(void)node;
	for (; action != NULL; action = action->next)
		bytes_appendf(&text, "%s %.*s\n", testsuite_action_name(action),
		    (int)action->folder.len, action->folder.data);
	if (run->result->implicit_keep)
		bytes_append_text(&text, "keep (implicit)\n");
	suite->say(suite->context, bytes_span(&text));
	bytes_clear(&text);
}

/* -- ${tst.path} ------------------------------------------------------------------------------- */

static struct span space_value(struct run *run, const struct text_part *part)
{
	bool is_path = span_is_nocase(part->literal, "path");
	return is_path ? span_of(testsuite_of(run)->directory) : SPAN("");
}

static bool check_space(
    struct checker *checker, struct place at, struct span rest, struct text_part *part)
{
	(void)checker;
	(void)at;
	part->literal = rest;
	part->value = space_value;
	return true;
}

static const struct variable_space variable_spaces[] = {
    {.name = "tst", .check = check_space},
    {.name = NULL},
};

/* -- The feature ------------------------------------------------------------------------------- */

#define TEXT(what)                                 \
	{                                          \
		.name = (what), .type = WANTS_TEXT \
	}
#define TEXTS(what)                                 \
	{                                           \
		.name = (what), .type = WANTS_TEXTS \
	}
#define MEMBER                                                                 \
	{                                                                      \
		.name = "the member", .type = WANTS_TEXT, .is_constant = true, \
	}

static const struct command commands[] = {
    {.name = "test",
        .positionals = {TEXT("the name")},
        .has_block = true,
        .check = check_test,
        .run = run_test_command},
    {.name = "test_fail", .positionals = {TEXT("the reason")}, .run = run_test_fail},
    {.name = "test_set",
        .positionals = {MEMBER, TEXT("the value")},
        .check = check_set,
        .run = run_set},
    {.name = "test_message",
        .positionals = {{.name = "the index", .type = WANTS_NUMBER}},
        .tags = message_tags,
        .check = check_message,
        .run = run_message,
        .test = test_message},
    {.name = "test_message_print", .run = run_message_print},
    {.name = "test_mailbox_create",
        .positionals = {TEXT("the mailbox")},
        .run = run_mailbox_create},
    {.name = "test_mailbox_delete",
        .positionals = {TEXT("the mailbox")},
        .run = run_mailbox_delete},
    {.name = "test_imap_metadata_set",
        .positionals = {TEXT("the annotation"), TEXT("the value")},
        .tags = metadata_tags,
        .run = run_metadata_set},
    {.name = "test_config_set",
        .positionals = {TEXT("the setting"), TEXT("the value")},
        .run = run_config_set},
    {.name = "test_config_unset", .positionals = {TEXT("the setting")}, .run = run_config_unset},
    {.name = "test_config_reload", .tags = reload_tags, .run = run_config_reload},
    {.name = "test_script_compile",
        .positionals = {TEXT("the script")},
        .test = test_script_compile},
    {.name = "test_script_run", .tags = run_tags, .test = test_script_run},
    {.name = "test_multiscript", .positionals = {TEXTS("the scripts")}, .test = test_multiscript},
    {.name = "test_binary_save", .positionals = {TEXT("the name")}, .run = run_binary_save},
    {.name = "test_binary_load", .positionals = {TEXT("the name")}, .run = run_binary_load},
    {.name = "test_error",
        .positionals = {TEXTS("the keys")},
        .tags = index_tags,
        .is_comparing = true,
        .test = test_error},
    {.name = "test_result_action",
        .positionals = {TEXTS("the keys")},
        .tags = index_tags,
        .is_comparing = true,
        .test = test_result_action},
    {.name = "test_result_execute", .test = test_result_execute},
    {.name = "test_result_reset", .run = run_result_reset},
    {.name = "test_result_print", .run = run_result_print},
    {.name = NULL},
};

const struct extension testsuite_extension = {
    .name = "vnd.dovecot.testsuite",
    .alias = "vnd.stalwart.testsuite", /* the same tests, of another engine */
    .document = "Pigeonhole",
    .commands = commands,
    .variable_spaces = variable_spaces,
};
