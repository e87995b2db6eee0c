#ifndef LMTP_BRIDGE_DISPATCH_H
#define LMTP_BRIDGE_DISPATCH_H

#include "deliver/settings.h"
#include "lmtp-bridge/caller.h"
#include "mail/envelope.h"
#include "mail/spool.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A session's side of the exchanges: hands questions and messages to delivery processes and comes
 * back with exactly one status per recipient by the deadline, whatever happens to them. */
struct dispatch {
	struct caller *caller;
	const struct settings *settings;
	const char *id; /* the delivery's */
	bool is_probe;
	const struct envelope *envelope;
};

/* May mail come to `recipient`? */
void dispatch_admit(const struct dispatch *dispatch, const struct envelope_recipient *recipient,
    struct status *status_out);

/* Delivers a finished message. When a delivery process dies, the recipients it left without a
 * status go to another one, one at a time; whoever kills that too gets CAUSE_INTERNAL. */
void dispatch_deliver(const struct dispatch *dispatch, const struct spool *spool,
    const struct envelope_recipient *recipients, size_t count, struct status *statuses_out);

#endif
