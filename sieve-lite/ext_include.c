/* ext_include.c - scripts that include others (RFC 6609).
 *
 *	include [":personal" / ":global"] [":once"] [":optional"] <value: string>
 *	return
 *	global <value: string-list>	with "variables" alone
 *
 * Each script is read and checked once, when the first one is; that one is missing, or that it
 * includes itself, is told when it would run. A script has its own requires and variables. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"
#include "sieve-lite/variables.h"

#include "base/utf8.h"

#include <string.h>

#define STEPS_TO_ENTER 10

/* A script that is included somewhere. */
struct included {
	struct span name;
	bool is_global;
	size_t number;
	const struct sieve_script *script; /* null: there is none */
	struct included *next;
};

/* All of them, at the first script's checker. */
struct library {
	struct included *first;
	size_t count;
	size_t bytes;
};

/* What a run did with them, by their numbers. */
struct visits {
	bool was_run[LIMIT_INCLUDES];
	bool is_running[LIMIT_INCLUDES];
	unsigned depth;
};

/* As RFC 5804 1.6 has it, without what a file name cannot have. */
static bool is_script_name(struct span name)
{
	if (name.len == 0 || name.len > LIMIT_SCRIPT_NAME_BYTES || !utf8_is_valid(name) ||
	    name.data[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.data[i];
		if (byte < ' ' || byte == 0x7F || byte == '/')
			return false;
	}
	return true;
}

/* A script of the site may require what the site's may, whoever includes it, and a user's may
 * not require more than a user's. */
static struct sieve_compile_options options_of(const struct checker *checker, bool is_global)
{
	struct sieve_compile_options options = *checker->options;
	const char *off = is_global ? options.disabled_in_global : options.disabled_in_personal;
	if (off != NULL)
		options.disabled_extensions = off;
	return options;
}

static void load(
    struct checker *checker, struct place at, struct library *library, struct included *included)
{
	struct sieve_compile_options options = options_of(checker, included->is_global);
	struct span source;
	if (options.load == NULL)
		return;
	enum sieve_answer answer = options.load(
	    options.load_context, checker->arena, included->name, included->is_global, &source);
	const char *quoted = problem_quote(checker->problems, included->name);
	if (answer == SIEVE_CANNOT_TELL)
		problem_error(checker->problems, at, "script '%s' cannot be read", quoted);
	if (answer != SIEVE_YES)
		return;
	library->bytes += source.len;
	if (library->bytes > LIMIT_INCLUDED_BYTES)
		problem_error(checker->problems, at, "the included scripts are too large");
	else
		included->script = checker_compile(
		    checker, arena_text(checker->arena, included->name), &options, source);
	if (included->script == NULL)
		problem_error(checker->problems, at, "included script '%s' has errors", quoted);
}

static struct included *find(struct checker *checker, const struct text *name, bool is_global)
{
	struct checker *root = checker;
	while (root->outer != NULL)
		root = root->outer;
	struct library *library = checker_state(root, &ext_include, sizeof(*library));
	struct included **end = &library->first;
	for (; *end != NULL; end = &(*end)->next) {
		if ((*end)->is_global == is_global && span_equals((*end)->name, name->literal))
			return *end;
	}
	uint64_t max = checker->options->options->max_includes;
	if (library->count >= max || library->count == LIMIT_INCLUDES) {
		problem_error(checker->problems, name->at,
		    "too many included scripts: at most %llu", (unsigned long long)max);
		return NULL;
	}
	struct included *included = ARENA_NEW(checker->arena, struct included);
	*included = (struct included){
	    .name = name->literal, .is_global = is_global, .number = library->count++};
	/* Known before it is read: it may include itself. */
	*end = included;
	load(checker, name->at, library, included);
	return included;
}

static bool check_include(struct checker *checker, struct node *node)
{
	const struct text *name = &node->positionals[0]->texts[0];
	if (!is_script_name(name->literal)) {
		problem_error(checker->problems, name->at, "'%s' is no name for a script",
		    problem_quote(checker->problems, name->literal));
		return false;
	}
	node->data = find(checker, name, node_tag(node, "global") != NULL);
	return node->data != NULL;
}

/* Runs it in the place of the script that is running. */
static void run_included(struct run *run, const struct included *included, struct visits *visits)
{
	const struct sieve_script *outer = run->script;
	void *outer_states[REGISTRY_MAX];
	uint64_t max = run->script->options->max_include_depth;
	if (visits->depth >= max) {
		run_fail(run, "scripts are included too deep: at most %llu levels",
		    (unsigned long long)max);
		return;
	}
	run_spend(run, STEPS_TO_ENTER);
	memcpy(outer_states, run->local_states, sizeof(outer_states));
	memset(run->local_states, 0, sizeof(run->local_states));
	run->script = included->script;
	visits->depth++;
	visits->was_run[included->number] = true;
	visits->is_running[included->number] = true;
	run_commands(run, included->script->first);
	visits->is_running[included->number] = false;
	visits->depth--;
	run->script = outer;
	memcpy(run->local_states, outer_states, sizeof(outer_states));
	if (run->unwind == UNWIND_RETURN)
		run->unwind = UNWIND_NONE;
}

static void run_include(struct run *run, const struct node *node)
{
	const struct included *included = node->data;
	struct visits *visits = run_state(run, &ext_include, sizeof(*visits));
	if (node_tag(node, "once") != NULL && visits->was_run[included->number])
		return;
	if (included->script == NULL) {
		if (node_tag(node, "optional") == NULL)
			run_fail(
			    run, "there is no script '%s'", arena_text(run->arena, included->name));
		return;
	}
	if (visits->is_running[included->number])
		run_fail(
		    run, "script '%s' includes itself", arena_text(run->arena, included->name));
	else
		run_included(run, included, visits);
}

static void run_return(struct run *run, const struct node *node)
{
	(void)node;
	run->unwind = UNWIND_RETURN;
}

static bool check_global(struct checker *checker, struct node *node)
{
	const struct argument *names = node->positionals[0];
	if (!checker->features.is_on[registry_index(&ext_variables)]) {
		problem_error(
		    checker->problems, node->at, "'global' needs: require \"variables\";");
		return false;
	}
	for (size_t i = 0; i < names->count; i++) {
		if (!variable_make_global(checker, &names->texts[i]))
			return false;
	}
	return true;
}

/* "${global.name}" */
static bool check_space(
    struct checker *checker, struct place at, struct span rest, struct text_part *part)
{
	part->value = variable_global_get;
	if (span_find(rest, '.') == rest.len && (rest.data[0] < '0' || rest.data[0] > '9'))
		return true;
	problem_error(checker->problems, at, "'global.%s' is no name for a variable",
	    problem_quote(checker->problems, rest));
	return false;
}

static const struct variable_space spaces[] = {
    {.name = "global", .check = check_space, .set = variable_global_set},
    {.name = NULL},
};

static const struct tag include_tags[] = {
    {.name = "personal", .group = "location"},
    {.name = "global", .group = "location"},
    {.name = "once"},
    {.name = "optional"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "include",
        .positionals = {{.name = "the script", .type = WANTS_TEXT, .is_constant = true}},
        .tags = include_tags,
        .check = check_include,
        .run = run_include},
    {.name = "return", .run = run_return},
    {.name = "global",
        .positionals = {{.name = "the variables", .type = WANTS_TEXTS, .is_constant = true}},
        .check = check_global},
    {.name = NULL},
};

const struct extension ext_include = {
    .name = "include",
    .document = "RFC 6609",
    .needs = SIEVE_CAN_LOAD,
    .commands = commands,
    .variable_spaces = spaces,
};
