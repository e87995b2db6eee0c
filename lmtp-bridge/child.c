/* child.c - how each kind of process begins: who it becomes, what it may touch, what it runs. */
#include "lmtp-bridge/child.h"

#include "base/identity.h"
#include "base/log.h"
#include "lmtp-bridge/delivery_process.h"
#include "lmtp-bridge/flusher.h"
#include "lmtp-bridge/enclosure.h"
#include "lmtp-bridge/generation.h"
#include "lmtp-bridge/metrics.h"
#include "lmtp-bridge/session.h"
#include "lmtp-bridge/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The client's descriptors, under --stdin, are the session's alone. */
static void forget_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

static bool become(const struct account *account)
{
	if (!account->is_set || identity_become(account->uid, account->gid, account->name) == 0)
		return true;
	log_write(LOG_LEVEL_ERROR, "cannot become %s: %s", account->name, strerror(errno));
	return false;
}

static int run_session(const struct role *role)
{
	const struct generation *generation = role->generation;
	struct session_start start = {
	    .settings = generation->settings,
	    .hostname = generation->hostname,
	    .security = &generation->security,
	    .calling = generation->channel.calling,
	    .is_per_recipient = generation->is_per_recipient,
	    .board = role->board,
	    .slot = role->slot,
	    .in_fd = role->in_fd,
	    .out_fd = role->out_fd,
	    .listen = role->listen,
	};
	board_hide_replies(role->board);
	if (!become(&generation->session_account))
		return EXIT_FAILURE;
	if (role->kind == PROCESS_POLICY)
		policy_session_run(&start);
	else if (role->kind == PROCESS_SRS)
		srs_session_run(&start, &generation->srs);
	else
		session_run(&start);
	return EXIT_SUCCESS;
}

static int run_delivery(const struct role *role)
{
	const struct generation *generation = role->generation;
	struct delivery_start start = {
	    .settings = generation->settings,
	    .serving = generation->is_per_recipient ? -1 : generation->channel.serving,
	    .line = role->line,
	    .need_fd = role->need_fd,
	    .board = role->board,
	    .slot = role->slot,
	};
	forget_stdio();
	if (!generation->is_per_recipient) {
		signals_end(NULL);
		if (!become(&generation->delivery_account))
			return EXIT_FAILURE;
	}
	return delivery_process_run(&start);
}

static int run_flusher(const struct role *role)
{
	forget_stdio();
	if (!become(&role->generation->delivery_account))
		return EXIT_FAILURE;
	return flusher_run(role->generation->settings, role->board);
}

static int run_metrics(const struct role *role)
{
	const struct generation *generation = role->generation;
	int listening[LISTENERS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < role->listeners->count; i++) {
		const struct listener *listener = &role->listeners->items[i];
		if (listener->kind == LISTENER_METRICS && listener->fd >= 0)
			listening[count++] = listener->fd;
	}
	forget_stdio();
	if (!become(&generation->session_account) || !enclosure_enter(generation->settings))
		return EXIT_FAILURE;
	metrics_serve(role->board, listening, count);
	return EXIT_SUCCESS;
}

int child_run(const struct role *role)
{
	prctl(PR_SET_NAME, process_name(role->kind));
	switch (role->kind) {
	case PROCESS_DELIVERY:
		return run_delivery(role);
	case PROCESS_LMTP:
	case PROCESS_POLICY:
	case PROCESS_SRS:
		return run_session(role);
	case PROCESS_FLUSHER:
		return run_flusher(role);
	case PROCESS_METRICS:
		return run_metrics(role);
	case PROCESS_KINDS:
		break;
	}
	return EXIT_FAILURE;
}
