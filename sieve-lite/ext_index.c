/* ext_index.c - which field of a name is looked at (RFC 5260 section 6).
 *
 *	":index" <fieldno: number> [":last"]	on header, address and date */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"

static struct field_pick *pick_of(struct checker *checker, struct node *node)
{
	if (node->pick == NULL)
		node->pick = ARENA_NEW(checker->arena, struct field_pick);
	return node->pick;
}

static bool check_index(struct checker *checker, struct node *node, struct argument *use)
{
	pick_of(checker, node)->index = use->value->number;
	if (use->value->number > 0)
		return true;
	problem_error(checker->problems, use->value->at, "fields are counted from 1");
	return false;
}

static bool check_last(struct checker *checker, struct node *node, struct argument *use)
{
	pick_of(checker, node)->is_from_end = true;
	if (node_tag(node, "index") != NULL)
		return true;
	problem_error(checker->problems, use->at, "':last' needs ':index'");
	return false;
}

#define TESTS "header address date"

static const struct tag tags[] = {
    {.name = "index", .on = TESTS, .wants = WANTS_NUMBER, .check = check_index},
    {.name = "last", .on = TESTS, .check = check_last},
    {.name = NULL},
};

const struct extension ext_index = {.name = "index", .document = "RFC 5260", .tags = tags};
