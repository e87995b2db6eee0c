/* ext_reject.c - reject and ereject <reason: string> (RFC 5429).
 *
 * Both refuse in the protocol where there is one; what differs, a mailed notice with the exact
 * text for reject, is the caller's. A refused message is not delivered as well (2.4): storing,
 * sending and a second refusal beside it end the script with an error. */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

/* An earlier script of the chain has answered the sender. */
static bool is_answered(const struct run *run)
{
	const struct action *end = run_first_action(run);
	const struct action *action = run->result->actions.first;
	for (; action != end; action = action->next) {
		if (action->kind == ACTION_SEND && !action->stays_beside_refusal &&
		    action->letter->withheld == NULL)
			return true;
	}
	return false;
}

static void refuse(struct run *run, const struct node *node)
{
	/* Two answers would be one too many: what is left of the refusal is that nothing is kept.
	 */
	if (is_answered(run)) {
		run_cancel_keep(run, node);
		return;
	}
	struct span reason = run_text(run, &node->positionals[0]->texts[0]);
	struct action *action = run_act(run, node, ACTION_REJECT);
	if (action == NULL)
		return;
	action->text = reason;
	run_cancel_keep(run, node);
}

#define REASON                                                   \
	{                                                        \
		{                                                \
			.name = "the reason", .type = WANTS_TEXT \
		}                                                \
	}

static const struct command reject[] = {
    {.name = "reject", .positionals = REASON, .run = refuse},
    {.name = NULL},
};

static const struct command ereject[] = {
    {.name = "ereject", .positionals = REASON, .run = refuse},
    {.name = NULL},
};

const struct extension ext_reject = {
    .name = "reject",
    .document = "RFC 5429",
    .needs = SIEVE_CAN_REJECT,
    .commands = reject,
};

const struct extension ext_ereject = {
    .name = "ereject",
    .document = "RFC 5429",
    .needs = SIEVE_CAN_REJECT,
    .commands = ereject,
};
