#ifndef LMTP_BRIDGE_DELIVERY_PROCESS_H
#define LMTP_BRIDGE_DELIVERY_PROCESS_H

#include "deliver/settings.h"

/* A delivery process: takes exchanges from the serving end (channel.h) one after another, runs
 * the pipeline for each, and ends when no session is left to ask. Runs as the user mail is stored
 * as. Signals to stop are not for it: it finishes what it has. Returns the exit status. */
int delivery_process_run(int serving, const struct settings *settings);

#endif
