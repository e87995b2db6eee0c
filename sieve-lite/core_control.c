/* core_control.c - require, if, elsif, else, stop (RFC 5228 section 3). */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

/*	require <capabilities: string-list>	only at the beginning (3.2) */
static bool check_require(struct checker *checker, struct node *node)
{
	bool is_sound = true;
	if (checker->depth > 0 ||
	    (checker->previous != NULL && checker->previous->command != node->command)) {
		problem_error(
		    checker->problems, node->at, "'require' must stand before all other commands");
		return false;
	}
	const struct argument *names = node->positionals[0];
	for (size_t i = 0; i < names->count; i++) {
		struct span name = names->texts[i].literal;
		if (checker_require(checker, name))
			continue;
		const char *quoted = problem_quote(checker->problems, name);
		const char *meant = registry_suggest_extension(name);
		if (registry_find(name) < registry_count())
			problem_error(checker->problems, names->texts[i].at,
			    "extension '%s' is not available here", quoted);
		else if (registry_is_core(name))
			problem_error(checker->problems, names->texts[i].at,
			    "unknown extension '%s': that is always there", quoted);
		else if (meant != NULL)
			problem_error(checker->problems, names->texts[i].at,
			    "unknown extension '%s'; did you mean '%s'?", quoted, meant);
		else
			problem_error(checker->problems, names->texts[i].at,
			    "unknown extension '%s'", quoted);
		is_sound = false;
	}
	return is_sound;
}

/*	if <test> { ... }   *( elsif <test> { ... } )   [ else { ... } ]	(3.1)
 *
 * A chain is run by its "if": it goes along the commands behind it. */
static bool is_chained(const struct node *node)
{
	return node != NULL &&
	       (span_is_nocase(node->name, "elsif") || span_is_nocase(node->name, "else"));
}

static bool check_chained(struct checker *checker, struct node *node)
{
	const struct node *previous = checker->previous;
	if (previous == NULL ||
	    !(span_is_nocase(previous->name, "if") || span_is_nocase(previous->name, "elsif"))) {
		problem_error(checker->problems, node->at,
		    "'%s' must stand directly behind the block of 'if' or 'elsif'",
		    node->command->name);
		return false;
	}
	if (previous->outcome == OUTCOME_TRUE) {
		node->is_dead = true;
		node->outcome = OUTCOME_TRUE;
	}
	return true;
}

static void conclude_if(struct node *node)
{
	node->outcome = node->tests->outcome;
	node->is_dead = node->outcome == OUTCOME_FALSE;
}

static void run_if(struct run *run, const struct node *node)
{
	do {
		/* What the checker found dead is not reached here: a test with a known outcome
		 * has it when run. */
		bool is_taken = node->tests == NULL || run_test(run, node->tests);
		if (run->unwind != UNWIND_NONE)
			return;
		if (is_taken) {
			run_commands(run, node->block);
			return;
		}
		node = node->next;
	} while (is_chained(node));
}

static void run_stop(struct run *run, const struct node *node)
{
	(void)node;
	run->unwind = UNWIND_STOP;
}

static const struct command commands[] = {
    {.name = "require",
        .positionals = {{.name = "the extensions", .type = WANTS_TEXTS, .is_constant = true}},
        .check = check_require},
    {.name = "if", .tests = TAKES_TEST, .has_block = true, .conclude = conclude_if, .run = run_if},
    {.name = "elsif",
        .tests = TAKES_TEST,
        .has_block = true,
        .continues_chain = true,
        .check = check_chained,
        .conclude = conclude_if},
    {.name = "else", .has_block = true, .continues_chain = true, .check = check_chained},
    {.name = "stop", .ends_block = true, .run = run_stop},
    {.name = NULL},
};

const struct extension core_control = {.document = "RFC 5228", .commands = commands};
