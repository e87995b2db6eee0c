/* core_redirect.c - redirect <address: string> (RFC 5228 4.2). Only the decision: from which sender
 * it goes, and whether it would loop, is the business of who sends it. */
#include "sieve-lite/address_list.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static bool check_redirect(struct checker *checker, struct node *node)
{
	const struct text *target = &node->positionals[0]->texts[0];
	struct address address;
	if (node_tag(node, "list") != NULL || !text_is_constant(target) ||
	    address_list_target(checker->arena, target->literal, &address))
		return true;
	problem_error(checker->problems, target->at, "'%s' is no address to send to",
	    problem_quote(checker->problems, target->literal));
	return false;
}

/* Whether a next server tells letters of local parts apart is its business. */
static bool is_same(struct span a, struct span b)
{
	size_t at = span_find_last(a, '@');
	return a.len == b.len && span_equals(span_first(a, at), span_first(b, at)) &&
	       span_equals_nocase(span_from(a, at), span_from(b, at));
}

/* How many there are; true where one goes to `target` already. */
static bool is_known(const struct run *run, struct span target, unsigned *count_out)
{
	*count_out = 0;
	for (const struct action *action = run->result->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind != ACTION_REDIRECT)
			continue;
		(*count_out)++;
		if (is_same(action->address, target))
			return true;
	}
	return false;
}

/* False: the run has failed. */
static bool redirect_to(struct run *run, const struct node *node, struct span text)
{
	struct address target;
	uint64_t max = run->script->options->max_redirects;
	unsigned count;
	if (!address_list_target(run->arena, text, &target)) {
		run_fail(run, "this is no address to send to");
		return false;
	}
	if (is_known(run, target.text, &count))
		return true;
	if (count >= max) {
		run_fail(run, "too many redirects: at most %llu", (unsigned long long)max);
		return false;
	}
	struct action *action = run_act(run, node, ACTION_REDIRECT);
	if (action == NULL)
		return false;
	action->address = target.text;
	if (run->unenclosed != NULL)
		action->message = run->unenclosed != run->input->message ? run->unenclosed : NULL;
	return true;
}

/* To all who are on a list (RFC 6134): no more than one by one. */
static void redirect_to_list(struct run *run, const struct node *node, struct span list)
{
	const struct sieve_host *host = run->input->host;
	uint64_t max = run->script->options->max_redirects;
	struct span *members;
	size_t count = 0;
	bool is_known_list =
	    host != NULL && host->list_members != NULL &&
	    run_answer(run,
	        host->list_members(host->context, run->arena, list, (size_t)max, &members, &count),
	        "who is on a list");
	if (!is_known_list)
		run_fail(run, "there is no such list to send to");
	for (size_t i = 0; run->unwind == UNWIND_NONE && i < count; i++) {
		run_tell_value(run, list, members[i], SPAN(""), true);
		redirect_to(run, node, members[i]);
	}
}

static void run_redirect(struct run *run, const struct node *node)
{
	struct span target = run_text(run, &node->positionals[0]->texts[0]);
	if (node_tag(node, "list") != NULL)
		redirect_to_list(run, node, target);
	else
		redirect_to(run, node, target);
	if (run->unwind == UNWIND_NONE)
		run_cancel_keep(run, node);
}

static const struct command commands[] = {
    {.name = "redirect",
        .needs = SIEVE_CAN_SEND,
        .positionals = {{.name = "the address", .type = WANTS_TEXT}},
        .check = check_redirect,
        .run = run_redirect},
    {.name = NULL},
};

const struct extension core_redirect = {.document = "RFC 5228", .commands = commands};
