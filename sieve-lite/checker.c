/* checker.c - what a tree means.
 *
 * Each name is bound to the record of the feature that brings it; tags and their values are
 * told from positional arguments; types are checked. One mistake in a command is one message,
 * then its tests and block are looked at all the same. The tree is annotated in place. */
#include "sieve-lite/checker.h"

#include "sieve-lite/check_arguments.h"
#include "mail/header.h"

#include <string.h>

struct unknown_name {
	struct span name;
	struct unknown_name *next;
};

static void check_commands(struct checker *checker, struct node *first);

bool text_is_constant(const struct text *text)
{
	return text->parts == NULL;
}

bool checker_want_constant(
    struct checker *checker, const struct argument *argument, const char *what)
{
	for (size_t i = 0; i < argument->count; i++) {
		if (!text_is_constant(&argument->texts[i])) {
			problem_error(checker->problems, argument->texts[i].at,
			    "%s must not contain variables", what);
			return false;
		}
	}
	return true;
}

void checker_header_names(struct checker *checker, const struct argument *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct text *name = &names->texts[i];
		size_t colon = span_find(name->literal, ':');
		if (!text_is_constant(name) || header_name_is_valid(name->literal))
			continue;
		problem_warning(checker->problems, name->at,
		    "no header can be named '%s'; this never matches%s",
		    problem_quote(checker->problems, name->literal),
		    colon + 1 == name->literal.len ? "; leave out the colon" : "");
	}
}

bool checker_require(struct checker *checker, struct span name)
{
	const struct extension *guest = checker->features.guest;
	size_t index = registry_find(name);
	if (guest != NULL &&
	    (span_is(name, guest->name) || (guest->alias != NULL && span_is(name, guest->alias)))) {
		registry_turn_on(&checker->features, guest);
		return true;
	}
	if (index == registry_count() ||
	    !registry_is_available(registry_extension(index), checker->options))
		return false;
	const char *implied = registry_extension(index)->implies;
	registry_turn_on(&checker->features, registry_extension(index));
	return implied == NULL || checker_require(checker, span_of(implied));
}

/* The place of a name. Scripts use few names often, and what is on stays on. */
static struct known_name *known_name(struct checker *checker, const struct known_name *wanted)
{
	size_t len = wanted->name.len;
	unsigned hash = (unsigned)wanted->kind + 7 * (unsigned)len;
	if (len > 0)
		hash += 31 * (unsigned char)wanted->name.data[0] +
		        17 * (unsigned char)wanted->name.data[len - 1];
	struct known_name *known = &checker->known[hash % CHECKER_KNOWN_NAMES];
	if (known->kind != wanted->kind || known->command != wanted->command ||
	    !span_equals(known->name, wanted->name))
		*known = *wanted;
	return known;
}

const void *checker_look_up(struct checker *checker, enum feature_kind kind, struct span name)
{
	struct known_name *known =
	    known_name(checker, &(struct known_name){.name = name, .kind = kind});
	if (known->record == NULL)
		known->record = registry_look_up(&checker->features, kind, name, NULL);
	return known->record;
}

const struct tag *checker_tag(
    struct checker *checker, const struct command *command, struct span name)
{
	struct known_name *known = known_name(
	    checker, &(struct known_name){.name = name, .kind = FEATURE_TAG, .command = command});
	if (known->record == NULL)
		known->record = registry_tag(&checker->features, command, name, NULL);
	return known->record;
}

void *checker_state(struct checker *checker, const struct extension *extension, size_t size)
{
	size_t index = registry_index(extension);
	if (checker->states[index] == NULL)
		checker->states[index] = arena_new_items(checker->arena, 1, size);
	return checker->states[index];
}

bool checker_is_news(struct checker *checker, struct span name)
{
	for (struct unknown_name *known = checker->unknowns; known != NULL; known = known->next) {
		if (span_equals_nocase(known->name, name))
			return false;
	}
	struct unknown_name *unknown = ARENA_NEW(checker->arena, struct unknown_name);
	*unknown = (struct unknown_name){name, checker->unknowns};
	checker->unknowns = unknown;
	return true;
}

static void report_unknown(struct checker *checker, const struct node *node, bool is_test)
{
	const struct extension *from = NULL;
	const char *kind = is_test ? "test" : "command";
	const char *name = problem_quote(checker->problems, node->name);
	if (!checker_is_news(checker, node->name))
		return;
	registry_look_up(&checker->features, FEATURE_COMMAND, node->name, &from);
	const char *meant = registry_suggest_command(node->name, is_test);
	if (from != NULL && registry_is_available(from, checker->options))
		problem_error(checker->problems, node->at, "%s '%s' needs: require \"%s\";", kind,
		    name, from->name);
	else if (from != NULL)
		problem_error(
		    checker->problems, node->at, "%s '%s' is not available here", kind, name);
	else if (meant != NULL)
		problem_error(checker->problems, node->at,
		    "unknown %s '%s' (reported once); did you mean '%s'?", kind, name, meant);
	else
		problem_error(
		    checker->problems, node->at, "unknown %s '%s' (reported once)", kind, name);
}

/* Finds what a name means and sets node->command; false: reported. */
static bool bind(struct checker *checker, struct node *node, bool is_test)
{
	const struct command *command = checker_look_up(checker, FEATURE_COMMAND, node->name);
	if (command != NULL && (command->needs & ~checker->options->abilities) != 0) {
		problem_error(
		    checker->problems, node->at, "'%s' is not available here", command->name);
	} else if (command == NULL) {
		report_unknown(checker, node, is_test);
	} else if (is_test && command->test == NULL) {
		problem_error(
		    checker->problems, node->at, "'%s' is a command, no test", command->name);
	} else if (!is_test && command->test != NULL && command->run == NULL) {
		problem_error(checker->problems, node->at,
		    "'%s' is a test: it belongs behind 'if', 'elsif', 'not', 'allof' or 'anyof'",
		    command->name);
	} else {
		node->command = command;
		return true;
	}
	return false;
}

static void check_test(struct checker *checker, struct node *node);

static bool report_needless_test(struct checker *checker, const struct node *node)
{
	const char *name = node->command->name;
	const char *test = problem_quote(checker->problems, node->tests->name);
	const struct argument *last = node->arguments;
	while (last != NULL && last->next != NULL)
		last = last->next;
	if (node->has_test_list)
		problem_error(checker->problems, node->tests_at, "'%s' takes no tests", name);
	else if (registry_tag(&checker->features, node->command, node->tests->name, NULL) != NULL)
		problem_error(checker->problems, node->tests_at,
		    "'%s' takes no test; is a ':' missing before the tag '%s'?", name, test);
	else if (last != NULL && last->kind == ARGUMENT_NUMBER &&
	         last->at.line == node->tests_at.line)
		problem_error(checker->problems, node->tests_at,
		    "'%s' takes no test; only K, M or G may follow a number, not '%s'", name, test);
	else
		problem_error(checker->problems, node->tests_at,
		    "'%s' takes no test; is a ';' missing before '%s'?", name, test);
	return false;
}

/* Whether tests stand where they should; false: reported. */
static bool check_test_count(struct checker *checker, const struct node *node)
{
	const struct command *command = node->command;
	const char *name = command->name;
	switch (command->tests) {
	case TAKES_NO_TEST:
		return node->tests == NULL || report_needless_test(checker, node);
	case TAKES_TEST:
		if (node->tests != NULL && !node->has_test_list)
			return true;
		if (node->tests == NULL)
			problem_error(checker->problems, node->at, "'%s' lacks its test", name);
		else
			problem_error(checker->problems, node->tests_at,
			    "'%s' takes one test, not a list; use 'allof' or 'anyof'", name);
		return false;
	case TAKES_TEST_LIST:
		if (node->tests != NULL && node->has_test_list)
			return true;
		problem_error(checker->problems, node->at,
		    "'%s' lacks its list of tests in parentheses", name);
		return false;
	}
	return true;
}

static void check_tests(struct checker *checker, struct node *node)
{
	for (struct node *test = node->tests; test != NULL; test = test->next) {
		check_test(checker, test);
		/* What stands behind it is never looked at: RFC 5463 wants it so. */
		if (test->outcome != OUTCOME_VARIES && test->outcome == node->command->decisive)
			return;
	}
}

static void check_block(struct checker *checker, struct node *node)
{
	const struct node *previous = checker->previous;
	checker->previous = NULL;
	const struct enclosing enclosing = {node, checker->enclosing};
	checker->depth++;
	checker->enclosing = &enclosing;
	check_commands(checker, node->block);
	checker->depth--;
	checker->enclosing = enclosing.outer;
	checker->previous = previous;
}

static bool check_block_is_due(struct checker *checker, const struct node *node)
{
	if (node->has_block == node->command->has_block)
		return true;
	if (node->has_block)
		problem_error(
		    checker->problems, node->at, "'%s' takes no block", node->command->name);
	else
		problem_error(checker->problems, node->at, "'%s' lacks its block: expected '{'",
		    node->command->name);
	return false;
}

/* What commands and tests have in common. */
static void check_node(struct checker *checker, struct node *node)
{
	const struct command *command = node->command;
	unsigned errors_before = checker->problems->errors->error_count;
	/* A tag without its colon becomes a test: what is wrong with that is told as well. */
	bool has_arguments = check_arguments(checker, node);
	bool has_tests = check_test_count(checker, node);
	bool is_sound = has_arguments && has_tests && check_block_is_due(checker, node);
	if (is_sound && command->check != NULL)
		command->check(checker, node);
	if (node->is_dead)
		return;
	if (command->tests != TAKES_NO_TEST)
		check_tests(checker, node);
	if (command->conclude != NULL && node->tests != NULL &&
	    checker->problems->errors->error_count == errors_before)
		command->conclude(node);
	if (!node->is_dead && command->has_block)
		check_block(checker, node);
}

static void check_test(struct checker *checker, struct node *node)
{
	if (bind(checker, node, true))
		check_node(checker, node);
}

static void check_commands(struct checker *checker, struct node *first)
{
	for (struct node *node = first; node != NULL; node = node->next) {
		if (problem_is_enough(checker->problems))
			return;
		if (bind(checker, node, false))
			check_node(checker, node);
		checker->previous = node;
	}
}

void checker_check(struct checker *checker, struct node *first)
{
	checker->features.guest = checker->options->guest;
	registry_turn_on_core(&checker->features);
	check_commands(checker, first);
}
