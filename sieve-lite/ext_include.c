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
	bool is_there;
	bool is_compiled; /* or being compiled */
	struct span source;
	const struct sieve_script *script; /* null: there is none */
	struct included *within;           /* while it is compiled: the script that includes it */
	struct included *next;
};

/* A place that includes one. */
struct inclusion {
	struct included *included;
	struct place at;
	bool is_once;
	struct inclusion *next;
};

/* What is known at the checker of a script; at the first script's, also all included ones. */
struct library {
	struct inclusion *inclusions; /* of this script, the last one first */
	struct included *first;
	size_t count;
	size_t bytes;
	struct included *current; /* being compiled; null: the first script */
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

static struct library *library_of(struct checker *checker)
{
	while (checker->outer != NULL)
		checker = checker->outer;
	return checker_state(checker, &ext_include, sizeof(struct library));
}

static void read_source(struct checker *checker, struct place at, struct included *included)
{
	struct sieve_compile_options options = options_of(checker, included->is_global);
	if (options.load == NULL)
		return;
	enum sieve_answer answer = options.load(options.load_context, checker->arena,
	    included->name, included->is_global, &included->source);
	if (answer == SIEVE_CANNOT_TELL)
		problem_error(checker->problems, at, "script '%s' cannot be read",
		    problem_quote(checker->problems, included->name));
	included->is_there = answer == SIEVE_YES;
}

static struct included *find(struct checker *checker, const struct text *name, bool is_global)
{
	struct library *library = library_of(checker);
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
	*end = ARENA_NEW(checker->arena, struct included);
	**end = (struct included){
	    .name = name->literal, .is_global = is_global, .number = library->count++};
	read_source(checker, name->at, *end);
	return *end;
}

static bool check_include(struct checker *checker, struct node *node)
{
	const struct text *name = &node->positionals[0]->texts[0];
	const char *quoted = problem_quote(checker->problems, name->literal);
	if (!is_script_name(name->literal)) {
		problem_error(checker->problems, name->at, "'%s' is no name for a script", quoted);
		return false;
	}
	struct included *included = find(checker, name, node_tag(node, "global") != NULL);
	node->data = included;
	if (included == NULL)
		return false;
	if (!included->is_there && node_tag(node, "optional") == NULL) {
		if (checker->options->is_suite)
			problem_error(
			    checker->problems, name->at, "script '%s' does not exist", quoted);
		else
			problem_warning(
			    checker->problems, name->at, "script '%s' does not exist", quoted);
	}
	struct library *library = checker_state(checker, &ext_include, sizeof(*library));
	struct inclusion *inclusion = ARENA_NEW(checker->arena, struct inclusion);
	*inclusion = (struct inclusion){
	    included, name->at, node_tag(node, "once") != NULL, library->inclusions};
	library->inclusions = inclusion;
	return true;
}

/* What is wrong with including it just here: it is on the way to itself, or too far down. At run
 * time this would be an error where it is reached (RFC 6609 3.2). */
static bool is_misplaced(struct checker *checker, const struct inclusion *inclusion)
{
	uint64_t depth = 0;
	uint64_t max = checker->options->options->max_include_depth;
	const char *name = problem_quote(checker->problems, inclusion->included->name);
	const struct included *outer = library_of(checker)->current;
	for (; outer != NULL; outer = outer->within, depth++) {
		if (outer != inclusion->included || inclusion->is_once)
			continue;
		problem_error(checker->problems, inclusion->at,
		    "circular include: script '%s' includes itself", name);
		return true;
	}
	if (depth < max)
		return false;
	problem_error(checker->problems, inclusion->at,
	    "scripts are included too deep: at most %llu levels", (unsigned long long)max);
	return true;
}

static void compile_included(struct checker *checker, const struct inclusion *inclusion)
{
	struct included *included = inclusion->included;
	struct library *library = library_of(checker);
	struct sieve_compile_options options = options_of(checker, included->is_global);
	included->is_compiled = true;
	included->within = library->current;
	library->current = included;
	library->bytes += included->source.len;
	if (library->bytes > LIMIT_INCLUDED_BYTES)
		problem_error(
		    checker->problems, inclusion->at, "the included scripts are too large");
	else
		included->script = checker_compile(checker,
		    arena_text(checker->arena, included->name), &options, included->source);
	library->current = included->within;
	if (included->script == NULL)
		problem_error(checker->problems, inclusion->at, "included script '%s' has errors",
		    problem_quote(checker->problems, included->name));
}

/* What a script includes is compiled once it has no mistakes itself. */
static void finish(struct checker *checker)
{
	struct library *library = checker_state(checker, &ext_include, sizeof(*library));
	struct inclusion *last_first = NULL;
	while (library->inclusions != NULL) {
		struct inclusion *next = library->inclusions->next;
		library->inclusions->next = last_first;
		last_first = library->inclusions;
		library->inclusions = next;
	}
	unsigned errors_before = checker->problems->errors->error_count;
	for (; last_first != NULL; last_first = last_first->next) {
		const struct included *included = last_first->included;
		bool is_new = included->is_there && !included->is_compiled;
		if (checker->options->is_suite &&
		    (errors_before != checker->problems->errors->error_count ||
		        is_misplaced(checker, last_first)))
			return;
		if (is_new)
			compile_included(checker, last_first);
	}
}

/* Runs it in the place of the script that is running. */
static void run_included(struct run *run, const struct included *included, struct visits *visits)
{
	const struct sieve_script *outer = run->script;
	void *outer_states[REGISTRY_MAX];
	struct span outer_matches[LIMIT_MATCHES + 1];
	size_t outer_match_count = run->match_count;
	uint64_t max = run->script->options->max_include_depth;
	if (visits->depth >= max) {
		run_fail(run, "scripts are included too deep: at most %llu levels",
		    (unsigned long long)max);
		return;
	}
	run_spend(run, STEPS_TO_ENTER);
	memcpy(outer_states, run->local_states, sizeof(outer_states));
	memset(run->local_states, 0, sizeof(run->local_states));
	memcpy(outer_matches, run->matches, sizeof(outer_matches));
	run->match_count = 0;
	run->script = included->script;
	visits->depth++;
	visits->was_run[included->number] = true;
	visits->is_running[included->number] = true;
	run_commands(run, included->script->first);
	visits->is_running[included->number] = false;
	visits->depth--;
	run->script = outer;
	memcpy(run->local_states, outer_states, sizeof(outer_states));
	memcpy(run->matches, outer_matches, sizeof(outer_matches));
	run->match_count = outer_match_count;
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
	if (!registry_is_on(&checker->features, &ext_variables)) {
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
    {.name = "return", .ends_block = true, .run = run_return},
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
    .finish = finish,
};
