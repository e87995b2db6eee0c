#ifndef LMTP_BRIDGE_FLUSHER_H
#define LMTP_BRIDGE_FLUSHER_H

#include "deliver/settings.h"
#include "lmtp-bridge/board.h"

/* The process that sends what deliveries have left in outboxes: soon after they announce it, and
 * again when it is due. Runs as the account that owns them, or as root where each user has an
 * account. Ends, at once and with 0, at SIGTERM or with its parent; what it has forked for a user
 * finishes that user's mail. */
int flusher_run(const struct settings *settings, struct board *board);

#endif
