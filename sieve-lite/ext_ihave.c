/* ext_ihave.c - asking for extensions (RFC 5463).
 *
 *	ihave <capabilities: string-list>	error <message: string>
 *
 * The answer is known when the script is checked: what ihave guards is in effect from there on,
 * or is never looked at. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

/* What changes how the script itself is read must be required; asking for it here fails (4). */
static bool changes_strings(struct span name)
{
	size_t index = registry_find(name);
	return index < registry_count() && registry_extension(index)->check_text != NULL;
}

static bool check_ihave(struct checker *checker, struct node *node)
{
	const struct argument *names = node->positionals[0];
	struct feature_set before = checker->features;
	node->outcome = OUTCOME_TRUE;
	for (size_t i = 0; i < names->count; i++) {
		if (changes_strings(names->texts[i].literal) ||
		    !checker_require(checker, names->texts[i].literal))
			node->outcome = OUTCOME_FALSE;
	}
	/* All or none. */
	if (node->outcome == OUTCOME_FALSE)
		checker->features = before;
	return true;
}

static bool test_ihave(struct run *run, const struct node *node)
{
	(void)run;
	return node->outcome == OUTCOME_TRUE;
}

static void run_error(struct run *run, const struct node *node)
{
	struct span message = run_text(run, &node->positionals[0]->texts[0]);
	run_fail(run, "%s", arena_text(run->arena, message));
}

static const struct command commands[] = {
    {.name = "ihave",
        .positionals = {{.name = "the extensions", .type = WANTS_TEXTS, .is_constant = true}},
        .check = check_ihave,
        .test = test_ihave},
    {.name = "error",
        .positionals = {{.name = "the message", .type = WANTS_TEXT}},
        .ends_block = true,
        .run = run_error},
    {.name = NULL},
};

const struct extension ext_ihave = {
    .name = "ihave",
    .document = "RFC 5463",
    .commands = commands,
};
