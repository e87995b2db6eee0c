#ifndef LMTP_BRIDGE_SUPERVISOR_H
#define LMTP_BRIDGE_SUPERVISOR_H

#include "deliver/settings.h"
#include "mail/status.h"

#include <stdbool.h>

/* The process that stays as it was started (root, if sockets need it) and never reads a byte from
 * a client: binds, forks, and otherwise sleeps.
 *
 * A *generation* is one reading of the configuration with the channel and the delivery processes
 * that follow it. SIGHUP makes a new one; the old one serves the sessions it has and goes. */
struct supervisor_options {
	/* Reads the configuration; called at the start and at SIGHUP. */
	struct settings *(*load)(void *context, struct status *status);
	void *context;
	/* One session on standard input and output instead of sockets, for inetd. */
	bool uses_stdin;
};

/* Runs until stopped. Returns the exit status, in the processes it forked as well: the caller
 * must do nothing but return it. What kept it from starting is told on standard error. */
int supervisor_run(const struct supervisor_options *options);

/* Whether the accounts and sockets that the settings (taken over) name make sense; opens none. */
bool supervisor_check(struct settings *settings, struct status *status);

#endif
