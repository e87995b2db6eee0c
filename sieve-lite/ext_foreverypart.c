/* ext_foreverypart.c - loops over the parts of the message (RFC 5703 section 3).
 *
 *	foreverypart [":name" <string>] { ... }		the message and all in it, from front to
 *back break [":name" <string>]
 *
 * Within another loop, only what is in that one's part. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/parts.h"

static bool is_loop(const struct node *node)
{
	return node->command != NULL && span_is_nocase(node->name, "foreverypart");
}

static bool check_foreverypart(struct checker *checker, struct node *node)
{
	const struct argument *name = node_tag(node, "name");
	unsigned depth = 1;
	for (const struct enclosing *outer = checker->enclosing; outer != NULL;
	     outer = outer->outer)
		depth += is_loop(outer->node);
	if (name != NULL && !checker_want_constant(checker, name->value, "the name of a loop"))
		return false;
	if (depth <= LIMIT_LOOP_DEPTH)
		return true;
	problem_error(checker->problems, node->at, "loops are nested too deeply: at most %d",
	    LIMIT_LOOP_DEPTH);
	return false;
}

/* Where the loop that runs in part `root` ends, or the outermost one. */
static size_t end_of(const struct mime_tree *tree, const struct part_loop *outer)
{
	if (outer == NULL)
		return tree->count;
	return outer->current < tree->count ? tree->parts[outer->current].end : 0;
}

/* The part behind the current one, in the message as it is now. */
static size_t next_part(struct run *run, const struct part_loop *loop)
{
	const struct mime_tree *tree = loop->is_replaced ? parts_tree(run) : NULL;
	return tree != NULL && loop->current < tree->count ? tree->parts[loop->current].end
	                                                   : loop->current + 1;
}

static void run_foreverypart(struct run *run, const struct node *node)
{
	struct part_loop loop = {.outer = run->part_loop};
	const struct mime_tree *tree;
	if (loop.outer != NULL && loop.outer->is_over)
		return;
	if (loop.outer != NULL)
		loop.current = loop.outer->current + 1;
	while (run->unwind == UNWIND_NONE && !loop.is_over && (tree = parts_tree(run)) != NULL &&
	       loop.current < end_of(tree, loop.outer)) {
		run->part_loop = &loop;
		run_commands(run, node->block);
		loop.current = next_part(run, &loop);
		loop.is_replaced = false;
		run->part_loop = loop.outer;
	}
	if (run->unwind == UNWIND_BREAK && run->break_to == node)
		run->unwind = UNWIND_NONE;
}

static bool check_break(struct checker *checker, struct node *node)
{
	const struct argument *wanted = node_tag(node, "name");
	if (wanted != NULL && !checker_want_constant(checker, wanted->value, "the name of a loop"))
		return false;
	for (const struct enclosing *outer = checker->enclosing; outer != NULL;
	     outer = outer->outer) {
		const struct argument *name = node_tag(outer->node, "name");
		bool is_it =
		    wanted == NULL || (name != NULL && span_equals(name->value->texts[0].literal,
		                                           wanted->value->texts[0].literal));
		if (is_loop(outer->node) && is_it) {
			node->enclosing = outer->node;
			return true;
		}
	}
	if (wanted == NULL)
		problem_error(
		    checker->problems, node->at, "'break' must stand within 'foreverypart'");
	else
		problem_error(checker->problems, node->at,
		    "'break' stands in no 'foreverypart' of the name '%s'",
		    problem_quote(checker->problems, wanted->value->texts[0].literal));
	return false;
}

static void run_break(struct run *run, const struct node *node)
{
	run->break_to = node->enclosing;
	run->unwind = UNWIND_BREAK;
}

static const struct tag name_tags[] = {{.name = "name", .wants = WANTS_TEXT}, {.name = NULL}};

static const struct command commands[] = {
    {.name = "foreverypart",
        .tags = name_tags,
        .has_block = true,
        .check = check_foreverypart,
        .run = run_foreverypart},
    {.name = "break",
        .tags = name_tags,
        .ends_block = true,
        .check = check_break,
        .run = run_break},
    {.name = NULL},
};

const struct extension ext_foreverypart = {
    .name = "foreverypart", .document = "RFC 5703", .commands = commands};
