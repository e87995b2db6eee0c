/* ext_testsuite.c - the language of script tests (vnd.dovecot.testsuite). A test file is a script
 * like any other; what it does to the world of the test goes through testing.h. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/match.h"
#include "sieve-lite/testing.h"

/* The world, or null with the run failed: such a script runs under the test command alone. */
static struct testing *testing_of(struct run *run)
{
	if (run->input->testing == NULL)
		run_fail(run, "this runs under 'sieve-lite test' only");
	return run->input->testing;
}

static struct span text_at(struct run *run, const struct node *node, size_t index)
{
	return run_text(run, &node->positionals[index]->texts[0]);
}

/*	test <name: string> { ... }	only at the top */
static bool check_test_command(struct checker *checker, struct node *node)
{
	if (checker->depth == 0)
		return true;
	problem_error(checker->problems, node->at, "'test' must not stand in a block");
	return false;
}

static void run_test_command(struct run *run, const struct node *node)
{
	struct testing *testing = testing_of(run);
	if (testing == NULL)
		return;
	const char *name = arena_text(run->arena, text_at(run, node, 0));
	testing->number++;
	testing->failure = NULL;
	testing->is_in_test = true;
	run_commands(run, node->block);
	testing->is_in_test = false;
	if (run->unwind == UNWIND_FAILED || run->unwind == UNWIND_CANNOT_TELL)
		testing->failure = run->result->errors.last->message;
	if (testing->failure != NULL)
		testing->failure_count++;
	testing->told(testing->context, testing->number, name, testing->failure);
	/* One test that fails is no reason not to run the others. */
	testing->failure = NULL;
	run->unwind = UNWIND_NONE;
}

/*	test_fail <reason: string> */
static void run_test_fail(struct run *run, const struct node *node)
{
	struct testing *testing = testing_of(run);
	if (testing == NULL)
		return;
	testing->failure = arena_textf(
	    run->arena, "%u: %s", node->at.line, arena_text(run->arena, text_at(run, node, 0)));
	run->unwind = UNWIND_STOP;
}

/*	test_set <member: string> <value: string> */
static void run_test_set(struct run *run, const struct node *node)
{
	struct testing *testing = testing_of(run);
	struct span member = text_at(run, node, 0);
	struct span value = text_at(run, node, 1);
	if (testing == NULL)
		return;
	if (!span_is_nocase(member, "message")) {
		if (!testing_set_envelope(testing, member, value))
			run_fail(run, "no such thing to set, or no address");
		return;
	}
	if (!testing_set_message(testing, value))
		run_fail(run, "the message cannot be made");
	run->message = run->input->message;
	fields_forget(run);
}

/*	test_config_set <setting: string> <value: string>
 *	test_config_unset <setting: string>
 *	test_config_reload [:extension <name: string>] */
static void run_test_config_set(struct run *run, const struct node *node)
{
	if (testing_of(run) != NULL)
		testing_set(run->input->testing, text_at(run, node, 0), text_at(run, node, 1));
}

static void run_test_config_unset(struct run *run, const struct node *node)
{
	if (testing_of(run) != NULL)
		testing_unset(run->input->testing, text_at(run, node, 0));
}

static void run_test_config_reload(struct run *run, const struct node *node)
{
	(void)node;
	if (testing_of(run) != NULL)
		testing_reload(run->input->testing);
}

static const struct tag reload_tags[] = {
    {.name = "extension", .wants = WANTS_TEXT},
    {.name = NULL},
};

/*	test_script_compile <path: string> */
static bool test_script_compile(struct run *run, const struct node *node)
{
	return testing_of(run) != NULL &&
	       testing_compile(run->input->testing, text_at(run, node, 0));
}

/*	test_script_run [:append_result] */
static const struct tag run_tags[] = {{.name = "append_result"}, {.name = NULL}};

static bool test_script_run(struct run *run, const struct node *node)
{
	return testing_of(run) != NULL &&
	       testing_run_script(run->input->testing, node_tag(node, "append_result") != NULL);
}

static void run_test_result_reset(struct run *run, const struct node *node)
{
	(void)node;
	if (testing_of(run) != NULL)
		testing_reset_result(run->input->testing);
}

/*	test_error [MATCH-TYPE] [COMPARATOR] [:index <n: number>] <keys: string-list>
 *	test_result_action [MATCH-TYPE] [COMPARATOR] [:index <n: number>] <keys: string-list> */
static const struct tag index_tags[] = {
    {.name = "index", .wants = WANTS_NUMBER},
    {.name = NULL},
};

static bool is_wanted(const struct node *node, uint64_t index)
{
	const struct argument *wanted = node_tag(node, "index");
	return wanted == NULL || wanted->value->number == index;
}

static bool test_error(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	uint64_t index = 0;
	if (testing_of(run) == NULL)
		return false;
	const struct sieve_errors *errors = &run->input->testing->errors;
	for (const struct sieve_error *error = errors->first; error != NULL; error = error->next) {
		if (error->is_warning || !is_wanted(node, ++index))
			continue;
		if (match_value(&match, SPAN("error"), span_of(error->message)))
			return match_end(&match);
	}
	/* A script that does not compile has one line more: the summary. */
	if (run->input->testing->script == NULL && is_wanted(node, ++index))
		match_value(&match, SPAN("error"), SPAN("validation failed"));
	return match_end(&match);
}

/* As the language calls them. */
static const char *result_name(const struct action *action)
{
	return action->kind == ACTION_FILEINTO ? "store" : action_name(action->kind);
}

static bool test_result_action(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	uint64_t index = 0;
	const struct sieve_result *result = run->result;
	for (const struct action *action = result->actions.first; action != NULL;
	     action = action->next) {
		if (is_wanted(node, ++index) &&
		    match_value(&match, SPAN("action"), span_of(result_name(action))))
			return match_end(&match);
	}
	if (result->implicit_keep && is_wanted(node, ++index))
		match_value(&match, SPAN("action"), SPAN("keep"));
	return match_end(&match);
}

#define TEXT(what)                               \
	{                                        \
		.name = what, .type = WANTS_TEXT \
	}
#define KEYS                                            \
	{                                               \
		.name = "the keys", .type = WANTS_TEXTS \
	}

static const struct command commands[] = {
    {.name = "test",
        .positionals = {TEXT("the name")},
        .has_block = true,
        .check = check_test_command,
        .run = run_test_command},
    {.name = "test_fail", .positionals = {TEXT("the reason")}, .run = run_test_fail},
    {.name = "test_set",
        .positionals = {{.name = "the member", .type = WANTS_TEXT, .is_constant = true},
            TEXT("the value")},
        .run = run_test_set},
    {.name = "test_config_set",
        .positionals = {TEXT("the setting"), TEXT("the value")},
        .run = run_test_config_set},
    {.name = "test_config_unset",
        .positionals = {TEXT("the setting")},
        .run = run_test_config_unset},
    {.name = "test_config_reload", .tags = reload_tags, .run = run_test_config_reload},
    {.name = "test_script_compile",
        .positionals = {TEXT("the script")},
        .test = test_script_compile},
    {.name = "test_script_run", .tags = run_tags, .test = test_script_run},
    {.name = "test_result_reset", .run = run_test_result_reset},
    {.name = "test_error",
        .positionals = {KEYS},
        .tags = index_tags,
        .is_comparing = true,
        .test = test_error},
    {.name = "test_result_action",
        .positionals = {KEYS},
        .tags = index_tags,
        .is_comparing = true,
        .test = test_result_action},
    {.name = NULL},
};

const struct extension ext_testsuite = {
    .name = "vnd.dovecot.testsuite",
    .document = "script tests only",
    .needs = SIEVE_CAN_TEST,
    .commands = commands,
};
