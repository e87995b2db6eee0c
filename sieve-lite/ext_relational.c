/* ext_relational.c - match types :count and :value (RFC 5231).
 *
 *	":count" / ":value"  "gt" / "ge" / "lt" / "le" / "eq" / "ne" */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"

struct relation {
	const char *name;
	bool holds[3]; /* where the value is less, equal, greater */
};

static const struct relation relations[] = {
    {"gt", {false, false, true}},
    {"ge", {false, true, true}},
    {"lt", {true, false, false}},
    {"le", {true, true, false}},
    {"eq", {false, true, false}},
    {"ne", {true, false, true}},
};

static bool check_relation(struct checker *checker, struct node *node, struct matching *matching)
{
	const struct text *name = &matching->use->value->texts[0];
	(void)node;
	if (!checker_want_constant(checker, matching->use->value, "the relation"))
		return false;
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
		if (span_is_nocase(name->literal, relations[i].name))
			matching->data = &relations[i];
	}
	if (matching->data != NULL)
		return true;
	problem_error(checker->problems, name->at,
	    "unknown relation '%s': expected gt, ge, lt, le, eq or ne",
	    problem_quote(checker->problems, name->literal));
	return false;
}

static bool matches_relation(struct match *match, struct span value, struct span key)
{
	const struct relation *relation = match->how->data;
	int order;
	if (!match->how->comparator->compare(value, key, &order))
		return false;
	return relation->holds[order < 0 ? 0 : order == 0 ? 1 : 2];
}

static const struct match_type match_types[] = {
    {.name = "count",
        .wants = WANTS_TEXT,
        .is_counting = true,
        .check = check_relation,
        .matches = matches_relation},
    {.name = "value",
        .wants = WANTS_TEXT,
        .on_prepared = true,
        .check = check_relation,
        .matches = matches_relation},
    {.name = NULL},
};

const struct extension ext_relational = {
    .name = "relational",
    .document = "RFC 5231",
    .match_types = match_types,
};
