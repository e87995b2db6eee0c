/* core_actions.c - keep and discard (RFC 5228 4.3, 4.4). */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static void run_keep(struct run *run, const struct node *node)
{
	run_store(run, node, SPAN(""));
	run_cancel_keep(run, node);
}

static bool has_discard(const struct run *run)
{
	const struct action *action = run->result->actions.first;
	while (action != NULL && action->kind != ACTION_DISCARD)
		action = action->next;
	return action != NULL;
}

/* Cancels the implicit keep and nothing else: what was stored before stays stored. */
static void run_discard(struct run *run, const struct node *node)
{
	if (!has_discard(run))
		run_act(run, node, ACTION_DISCARD);
	run_cancel_keep(run, node);
}

static const struct command commands[] = {
    {.name = "keep", .run = run_keep},
    {.name = "discard", .stays_beside_refusal = true, .run = run_discard},
    {.name = NULL},
};

const struct extension core_actions = {.document = "RFC 5228", .commands = commands};
