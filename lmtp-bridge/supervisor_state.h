#ifndef LMTP_BRIDGE_SUPERVISOR_STATE_H
#define LMTP_BRIDGE_SUPERVISOR_STATE_H

/* What supervisor.c and its two halves share and nobody else sees. */
#include "base/systemd.h"
#include "lmtp-bridge/board.h"
#include "lmtp-bridge/child.h"
#include "lmtp-bridge/generation.h"
#include "lmtp-bridge/listener.h"
#include "lmtp-bridge/process_table.h"
#include "lmtp-bridge/supervisor.h"

struct supervisor {
	const struct supervisor_options *options;
	struct systemd systemd;
	struct listeners listeners;
	struct generation *generations; /* the first is the current one */
	struct process_table table;
	struct board *board;
	char *board_path;    /* owned; null: it has no file */
	int need[2];         /* delivery processes write a byte when none of them is free */
	int64_t turn_ms;     /* when this turn of the loop began: one time for all who ask */
	int64_t alive_ms;    /* when systemd shall hear from us next */
	int64_t respawn_ms;  /* not before */
	int64_t services_ms; /* the same for the flusher and the metrics */
	bool is_crowded;     /* a call waits for a process to make room */
	bool is_stopping;
	bool is_child; /* this is a forked process that has done its work */
	int exit_status;
};

/* -- supervisor_children.c: processes begin and end -- */

/* Afterwards `is_child` tells which of the two processes this is; the child has done its work
 * then, and its exit status is set. `client` may be null. */
bool supervisor_start(struct supervisor *supervisor, struct role role, const char *client);
/* Sees to those that have ended. */
void supervisor_reap(struct supervisor *supervisor);
/* A pool that has nobody left for the next session that calls grows by one. */
void supervisor_start_missing(struct supervisor *supervisor);
/* For system users: a session of `generation` has called, and gets a process of its own. We hand
 * the line on and read nothing of what is on it. */
void supervisor_serve_call(struct supervisor *supervisor, struct generation *generation);
/* Flusher and metrics: of these there is one for all generations; the current one's settings say
 * how. */
bool supervisor_lacks_service(const struct supervisor *supervisor);
void supervisor_start_services(struct supervisor *supervisor);
/* Those of a new configuration take their place. */
void supervisor_end_services(struct supervisor *supervisor);

/* -- supervisor_clients.c: clients come -- */

/* Lets in, or sends away, who waits at a listener. */
void supervisor_accept(struct supervisor *supervisor, const struct listener *listener);
/* Clients of services other than LMTP wait when there is no room: an answer that is none would be
 * an error to them. Those of the metrics are none of ours. */
bool supervisor_has_room(const struct supervisor *supervisor, enum listener_kind kind);

#endif
