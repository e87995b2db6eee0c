#ifndef LMTP_BRIDGE_DELIVERY_PROCESS_H
#define LMTP_BRIDGE_DELIVERY_PROCESS_H

#include "deliver/settings.h"
#include "lmtp-bridge/board.h"

/* What a delivery process is given; all borrowed. */
struct delivery_start {
	const struct settings *settings;
	int serving; /* channel.h; -1: it serves `line` and ends with it */
	int line;    /* -1: none yet */
	int need_fd; /* a byte is written here when no delivery process is free any more; or -1 */
	struct board *board; /* or null */
	uint32_t slot;
};

/* A delivery process: takes a line from the serving end (channel.h), answers exchanges on it by
 * running the pipeline, and goes on to another line when somebody waits for it or this one is
 * silent. Runs as the user mail is stored as, and ends when no session is left to ask, or after
 * lmtp.process_uses exchanges.
 *
 * With one line and as root it becomes the user of its one recipient at the first exchange, and
 * serves no other; SIGTERM makes it leave while it waits. Expects signals_begin(). Otherwise
 * signals to stop are not for it. Returns the exit status. */
int delivery_process_run(const struct delivery_start *start);

#endif
