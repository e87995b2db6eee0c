/* chain.c - what scripts that run one after the other over one message have in common.
 *
 * The internal variable of imap4flags is theirs together. An explicit keep is done at the end of
 * the chain, as it was when it was asked for: with its version of the message, and its flags. The
 * last one counts; where its script knows no flags it has those of the one before. */
#include "sieve-lite/features.h"
#include "sieve-lite/registry.h"
#include "sieve-lite/script.h"
#include "sieve-lite/sieve.h"

void sieve_chain_add(
    struct sieve_chain *chain, const struct sieve_script *script, const struct sieve_result *result)
{
	static const struct span none[1];
	bool knows_flags = registry_is_on(&script->features, &ext_imap4flags);
	chain->flags = result->flags;
	for (struct action *action = result->actions.first; action != NULL; action = action->next) {
		if (action->kind != ACTION_KEEP)
			continue;
		if (!knows_flags && chain->has_keep) {
			action->flags = chain->keep.flags;
			action->flag_count = chain->keep.flag_count;
		} else if (knows_flags && action->flags == NULL) {
			action->flags = none;
		}
		chain->keep = *action;
		chain->has_keep = true;
	}
}

void sieve_chain_keep(const struct sieve_chain *chain, struct action *keep)
{
	if (!chain->has_keep)
		return;
	keep->message = chain->keep.message;
	if (chain->keep.flags != NULL) {
		keep->flags = chain->keep.flags;
		keep->flag_count = chain->keep.flag_count;
	}
}
