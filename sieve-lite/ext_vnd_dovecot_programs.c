/* ext_vnd_dovecot_programs.c - programs of the site's (Pigeonhole's "extprograms").
 *
 *	pipe [":copy"] [":try"] <program-name: string> [<arguments: string-list>]
 *	filter <program-name: string> [<arguments: string-list>]
 *	execute [":input" <input-data: string> / ":pipe"] [":output" <varname: string>]
 *		<program-name: string> [<arguments: string-list>]
 *
 * filter and execute are commands and tests, and run at once; pipe is an action, done after the
 * script. A name is no path: where programs are is the host's affair. */
#include "base/utf8.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/parts.h"
#include "sieve-lite/variables.h"

#include <string.h>

#define PROGRAM_STEPS 1000 /* of the budget, for one run of one */

/* -- Names and arguments -- */

/* Up to 128 characters of UTF-8 without slash, control characters and line separators. */
static bool is_program_name(struct span name)
{
	unsigned count = 0;
	uint32_t character;
	if (!utf8_is_valid(name))
		return false;
	while (utf8_next(&name, &character)) {
		bool is_control = character < 0x20 || (character >= 0x7F && character < 0xA0);
		if (is_control || character == '/' || character == 0x2028 || character == 0x2029)
			return false;
		count++;
	}
	return count > 0 && count <= LIMIT_PROGRAM_NAME_CHARACTERS;
}

static bool is_program_argument(struct span text)
{
	return text.len <= LIMIT_PROGRAM_ARGUMENT_BYTES &&
	       (text.len == 0 || memchr(text.data, '\0', text.len) == NULL) &&
	       span_find(text, '\r') == text.len && span_find(text, '\n') == text.len;
}

static bool check_program(struct checker *checker, struct node *node)
{
	const struct text *name = &node->positionals[0]->texts[0];
	const struct argument *arguments = node->positionals[1];
	if (!is_program_name(name->literal)) {
		problem_error(checker->problems, name->at, "'%s' is no name for a program",
		    problem_quote(checker->problems, name->literal));
		return false;
	}
	if (arguments != NULL && arguments->count > LIMIT_PROGRAM_ARGUMENTS) {
		problem_error(checker->problems, arguments->at,
		    "a program takes at most %d arguments", LIMIT_PROGRAM_ARGUMENTS);
		return false;
	}
	for (size_t i = 0; arguments != NULL && i < arguments->count; i++) {
		const struct text *text = &arguments->texts[i];
		if (!text_is_constant(text) || is_program_argument(text->literal))
			continue;
		problem_error(checker->problems, text->at,
		    "no argument for a program: too long, or with line ends");
		return false;
	}
	return true;
}

/* Null: an argument is none; reported. */
static struct action_program *program_of(struct run *run, const struct node *node)
{
	const struct argument *arguments = node->positionals[1];
	size_t count = arguments != NULL ? arguments->count : 0;
	struct action_program *program = ARENA_NEW(run->arena, struct action_program);
	struct span *texts = arena_new_items(run->arena, count + 1, sizeof(*texts));
	run_spend_bytes(run, sizeof(*program) + (count + 1) * sizeof(*texts));
	for (size_t i = 0; i < count; i++) {
		texts[i] = run_text(run, &arguments->texts[i]);
		if (!is_program_argument(texts[i])) {
			run_fail(run, "no argument for a program: too long, or with line ends");
			return NULL;
		}
	}
	*program = (struct action_program){.name = node->positionals[0]->texts[0].literal,
	    .arguments = texts,
	    .argument_count = count,
	    .may_fail = node_tag(node, "try") != NULL};
	return run->unwind == UNWIND_NONE ? program : NULL;
}

/* -- pipe -- */

static bool is_piped_to(const struct run *run, struct span name)
{
	const struct action *action = run->result->actions.first;
	for (; action != NULL; action = action->next) {
		if (action->kind == ACTION_PIPE && span_equals(action->program->name, name))
			return true;
	}
	return false;
}

static void run_pipe(struct run *run, const struct node *node)
{
	const struct action_program *program = program_of(run, node);
	if (program == NULL)
		return;
	if (is_piped_to(run, program->name)) {
		run_fail(run, "the message goes to this program already");
		return;
	}
	struct action *action = run_act(run, node, ACTION_PIPE);
	if (action == NULL)
		return;
	action->program = program;
	run_cancel_keep(run, node);
}

/* -- filter and execute -- */

/* True: it succeeded. As a test, a command says "no" where it fails for a reason it could foresee;
 * as a command, one that names what is not there is wrong. */
static bool conclude(
    struct run *run, const struct action_program *program, enum sieve_program_end end, bool is_test)
{
	bool is_done = end == SIEVE_PROGRAM_DONE;
	run_tell_value(run, SPAN("program"), program->name, SPAN(""), is_done);
	if (end == SIEVE_PROGRAM_CANNOT_TELL)
		run_cannot_tell(run, "what a program does");
	else if (end == SIEVE_PROGRAM_UNKNOWN && !is_test)
		run_fail(
		    run, "program '%.*s' not found", (int)program->name.len, program->name.data);
	return is_done;
}

static bool filter(struct run *run, const struct node *node, bool is_test)
{
	const struct sieve_host *host = run->input->host;
	const struct action_program *program = program_of(run, node);
	const struct message *filtered = NULL;
	enum sieve_program_end end = SIEVE_PROGRAM_UNKNOWN;
	run_spend(run, PROGRAM_STEPS);
	if (program == NULL || run->unwind != UNWIND_NONE)
		return false;
	if (host != NULL && host->filter != NULL)
		end = host->filter(host->context, run->arena, program, run->message, &filtered);
	if (!conclude(run, program, end, is_test))
		return false;
	run_spend_bytes(run, filtered->head.len);
	parts_set_message(run, filtered);
	return true;
}

static bool test_filter(struct run *run, const struct node *node)
{
	return filter(run, node, true);
}

static void run_filter(struct run *run, const struct node *node)
{
	filter(run, node, false);
}

static bool check_output(struct checker *checker, struct node *node, struct argument *use)
{
	if (!registry_is_on(&checker->features, &ext_variables)) {
		problem_error(
		    checker->problems, use->at, "tag ':output' needs: require \"variables\";");
		return false;
	}
	if (!checker_want_constant(checker, use->value, "the name of a variable"))
		return false;
	node->data = variable_target(checker, &use->value->texts[0], true);
	return node->data != NULL;
}

static bool execute(struct run *run, const struct node *node, bool is_test)
{
	const struct sieve_host *host = run->input->host;
	const struct argument *input = node_tag(node, "input");
	const struct message *message = node_tag(node, "pipe") != NULL ? run->message : NULL;
	const struct action_program *program = program_of(run, node);
	struct span text = input != NULL ? run_text(run, &input->value->texts[0]) : SPAN("");
	struct span output = SPAN("");
	enum sieve_program_end end = SIEVE_PROGRAM_UNKNOWN;
	run_spend(run, PROGRAM_STEPS);
	if (program == NULL || run->unwind != UNWIND_NONE)
		return false;
	if (host != NULL && host->execute != NULL)
		end = host->execute(host->context, run->arena, program, message, text, &output);
	if (!conclude(run, program, end, is_test))
		return false;
	run_spend_bytes(run, output.len);
	if (node->data != NULL)
		variable_set(run, node->data, output);
	return true;
}

static bool test_execute(struct run *run, const struct node *node)
{
	return execute(run, node, true);
}

static void run_execute(struct run *run, const struct node *node)
{
	execute(run, node, false);
}

/* -- The features -- */

#define PROGRAM                                                                \
	{                                                                      \
		.name = "the program", .type = WANTS_TEXT, .is_constant = true \
	}
#define ARGUMENTS                                                                 \
	{                                                                         \
		.name = "the arguments", .type = WANTS_TEXTS, .is_optional = true \
	}

static const struct tag pipe_tags[] = {{.name = "try"}, {.name = NULL}};

static const struct tag execute_tags[] = {
    {.name = "input", .wants = WANTS_TEXT, .group = "input"},
    {.name = "pipe", .group = "input"},
    {.name = "output", .wants = WANTS_TEXT, .check = check_output},
    {.name = NULL},
};

static const struct command pipe_commands[] = {
    {.name = "pipe",
        .positionals = {PROGRAM, ARGUMENTS},
        .tags = pipe_tags,
        .check = check_program,
        .run = run_pipe},
    {.name = NULL},
};

static const struct command filter_commands[] = {
    {.name = "filter",
        .positionals = {PROGRAM, ARGUMENTS},
        .check = check_program,
        .run = run_filter,
        .test = test_filter},
    {.name = NULL},
};

static const struct command execute_commands[] = {
    {.name = "execute",
        .positionals = {PROGRAM, ARGUMENTS},
        .tags = execute_tags,
        .check = check_program,
        .run = run_execute,
        .test = test_execute},
    {.name = NULL},
};

#define DOCUMENT "spec-bosch-sieve-extprograms"

const struct extension ext_vnd_dovecot_pipe = {
    .name = "vnd.dovecot.pipe",
    .document = DOCUMENT,
    .needs = SIEVE_CAN_PIPE,
    .commands = pipe_commands,
};

const struct extension ext_vnd_dovecot_filter = {
    .name = "vnd.dovecot.filter",
    .document = DOCUMENT,
    .needs = SIEVE_CAN_FILTER,
    .commands = filter_commands,
};

const struct extension ext_vnd_dovecot_execute = {
    .name = "vnd.dovecot.execute",
    .document = DOCUMENT,
    .needs = SIEVE_CAN_EXECUTE,
    .commands = execute_commands,
};
