/* ext_extlists.c - lists that are kept elsewhere (RFC 6134): match type :list, whose keys are names
 * of lists, and valid_ext_list. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"

/* A name is a URN or a tag URI (2.1); ":addrbook:default" is the user's own (2.5). */
static bool is_list_name(struct span name)
{
	return span_starts_with_nocase(name, "urn:") || span_starts_with_nocase(name, "tag:") ||
	       span_starts_with_nocase(name, ":addrbook:");
}

/* `value` null data: is there such a list at all. */
static bool ask(struct run *run, struct span list, struct span value)
{
	const struct sieve_host *host = run->input->host;
	run_spend(run, 10);
	return host != NULL && host->list_has != NULL && is_list_name(list) &&
	       run_answer(run, host->list_has(host->context, list, value), "what is on a list");
}

static bool matches_list(struct match *match, struct span value, struct span key)
{
	/* Null data would be another question. */
	if (value.data == NULL)
		value = SPAN("");
	if (!ask(match->run, key, value))
		return false;
	run_set_matches(match->run, value, NULL, 0);
	return true;
}

/*	valid_ext_list <ext-list-names: string-list>	true when all are known */
static bool test_valid_ext_list(struct run *run, const struct node *node)
{
	const struct argument *names = node->positionals[0];
	for (size_t i = 0; i < names->count; i++) {
		struct span name = run_text(run, &names->texts[i]);
		if (!ask(run, name, (struct span){NULL, 0}))
			return false;
	}
	return true;
}

/*	redirect ":list" <ext-list-name: string>	(in core_redirect.c) */
static const struct tag tags[] = {
    {.name = "list", .on = "redirect"},
    {.name = NULL},
};

/* What is on a list is the list's to say: no comparator goes with it (2.1). */
static bool check_list(struct checker *checker, struct node *node, struct matching *matching)
{
	(void)node;
	if (matching->comparator_use == NULL)
		return true;
	problem_error(checker->problems, matching->comparator_use->at,
	    "a comparator is not allowed with ':list'");
	return false;
}

static const struct match_type match_types[] = {
    {.name = "list", .check = check_list, .matches = matches_list},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "valid_ext_list",
        .positionals = {{.name = "the lists", .type = WANTS_TEXTS}},
        .test = test_valid_ext_list},
    {.name = NULL},
};

const struct extension ext_extlists = {
    .name = "extlists",
    .document = "RFC 6134",
    .needs = SIEVE_CAN_LOOK_UP,
    .commands = commands,
    .tags = tags,
    .match_types = match_types,
};
