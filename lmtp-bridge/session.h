#ifndef LMTP_BRIDGE_SESSION_H
#define LMTP_BRIDGE_SESSION_H

#include "deliver/settings.h"
#include "lmtp-bridge/board.h"
#include "lmtp-bridge/secure.h"
#include "mail/srs.h"

#include <stdbool.h>

/* What one client's process is given; all borrowed. */
struct session_start {
	const struct settings *settings;
	const char *hostname;
	int calling;           /* channel.h */
	bool is_per_recipient; /* caller.h */
	struct board *board;
	uint32_t slot;
	const struct security *security;
	int in_fd;
	int out_fd;
	const struct listen_settings *listen; /* null: standard input */
};

/* Serves one client until it goes, or until we are asked to stop and it has no transaction open.
 * Runs as a user who can open no mailbox; expects signals_begin(). */
void session_run(const struct session_start *start);

/* When a session that begins now has lasted long enough (clock.h): then it ends as soon as its
 * client has no transaction open and has heard all answers. */
int64_t session_end_ms(const struct settings *settings);

/* The same for a client of the policy service. */
void policy_session_run(const struct session_start *start);

/* The same for a client of the socketmap that turns rewritten senders back. */
void srs_session_run(const struct session_start *start, const struct srs *srs);

#endif
