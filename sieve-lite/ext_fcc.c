/* ext_fcc.c - a copy of what vacation and notify send, filed (RFC 8580). */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/folder_name.h"

static bool check_fcc(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *folder = &use->value->texts[0];
	(void)node;
	if (!text_is_constant(folder) || folder_name_is_valid(folder->literal))
		return true;
	problem_error(checker->problems, folder->at, "'%s' is no name for a mailbox",
	    problem_quote(checker->problems, folder->literal));
	return false;
}

static const struct tag tags[] = {
    {.name = "fcc", .on = "vacation notify", .wants = WANTS_TEXT, .check = check_fcc},
    {.name = NULL},
};

const struct extension ext_fcc = {
    .name = "fcc",
    .document = "RFC 8580",
    .needs = SIEVE_CAN_SEND | SIEVE_CAN_EDIT,
    .tags = tags,
};
