#ifndef SIEVE_LITE_ACTION_TEXT_H
#define SIEVE_LITE_ACTION_TEXT_H

#include "base/arena.h"
#include "mail/action.h"
#include "mail/message.h"

/* What a script decided, as text. */
struct action_teller {
	struct arena *arena;
	const struct message *original; /* the message as it came */
};

/* Appends the action as a line, then as lines what it would send. `stored_in` is the folder its
 * copy would be in; empty: there is none, or nobody has looked. */
void action_print(const struct action_teller *teller, const struct action *action,
    struct span stored_in, struct bytes *to);

/* Appends a JSON object. */
void action_print_json(const struct action_teller *teller, const struct action *action,
    struct span stored_in, struct bytes *to);

#endif
