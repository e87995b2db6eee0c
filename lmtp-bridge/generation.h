#ifndef LMTP_BRIDGE_GENERATION_H
#define LMTP_BRIDGE_GENERATION_H

#include "deliver/settings.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/secure.h"
#include "mail/srs.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* An account that processes become; of no account: they stay what we are. */
struct account {
	bool is_set;
	uid_t uid;
	gid_t gid;
	char name[64];
};

/* One reading of the configuration, and what belongs to it. */
struct generation {
	struct generation *next;
	struct settings *settings; /* owned */
	struct channel channel;
	struct security security;
	struct account delivery_account;
	struct account session_account;
	struct arena *arena;
	struct srs srs;        /* where somebody listens for it */
	bool is_per_recipient; /* system users: a delivery process for each recipient */
	uint32_t group;        /* below BOARD_GROUPS (board.h); the supervisor gives it */
	char hostname[256];
	size_t delivery_count; /* processes that run */
	size_t session_count;
	bool is_retired; /* takes no new sessions */
};

/* Takes `settings` over. Null with a status; then they are freed. */
struct generation *generation_new(struct settings *settings, struct status *status);
void generation_free(struct generation **generation);

/* Whether we may become the accounts it names. */
bool generation_can_run(const struct generation *generation, struct status *status);

/* Its sessions go on; when the last is gone, so are the delivery processes. */
void generation_retire(struct generation *generation);

/* Whether it wants another delivery process: there is room, and none of its `free_count` is left
 * for the next session that calls. */
bool generation_wants_more(const struct generation *generation, size_t free_count);

#endif
