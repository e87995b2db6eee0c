#ifndef LMTP_BRIDGE_CHILD_H
#define LMTP_BRIDGE_CHILD_H

#include "lmtp-bridge/board.h"
#include "lmtp-bridge/listener.h"
#include "lmtp-bridge/process_table.h"

/* What a process that the supervisor has just forked is for; all borrowed. */
struct role {
	enum process_kind kind;
	struct generation *generation;
	int in_fd; /* a session's client */
	int out_fd;
	int line; /* of a delivery process for one recipient (channel.h); or -1 */
	int need_fd;
	const struct listen_settings *listen; /* a session's; null: standard input */
	struct board *board;
	uint32_t slot;
	const struct listeners *listeners; /* the metrics process keeps its own of them */
};

/* Becomes the account, shuts itself in where that is its kind's way, and does the work. Whatever
 * the supervisor had open and the role does not name must be closed already. The exit status. */
int child_run(const struct role *role);

#endif
