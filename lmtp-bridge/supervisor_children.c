/* supervisor_children.c - the processes that the supervisor forks: when one is wanted, what it
 * inherits, and what is told when it ends. */
#include "base/clock.h"
#include "base/log.h"
#include "deliver/srs_keys.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/supervisor_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* After a delivery process that could not begin, or a fork that failed: not at once again. */
#define RESPAWN_PAUSE_MS 1000

/* A child keeps its own end of its own channel, and no listener. */
static void drop_inherited(struct supervisor *supervisor, const struct role *role)
{
	bool is_delivery = role->kind == PROCESS_DELIVERY;
	systemd_end(&supervisor->systemd);
	/* Those of the metrics process are closed with it. */
	if (role->kind != PROCESS_METRICS)
		listeners_close(&supervisor->listeners, false);
	close(supervisor->need[0]);
	if (!is_delivery)
		close(supervisor->need[1]);
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		struct channel *channel = &g->channel;
		struct channel kept = {-1, -1};
		if (g == role->generation) {
			int *end = is_delivery ? &channel->serving : &channel->calling;
			*(is_delivery ? &kept.serving : &kept.calling) = *end;
			*end = -1;
		}
		channel_close(channel);
		*channel = kept;
		/* Keys are for those who use them. */
		if (role->kind != PROCESS_LMTP)
			security_clear(&g->security);
		if (role->kind != PROCESS_SRS)
			srs_keys_forget(&g->srs);
	}
}

static enum board_kind board_kind_of(enum process_kind kind)
{
	switch (kind) {
	case PROCESS_DELIVERY:
		return BOARD_DELIVERY;
	case PROCESS_LMTP:
		return BOARD_LMTP;
	case PROCESS_POLICY:
		return BOARD_POLICY;
	case PROCESS_METRICS:
	case PROCESS_FLUSHER:
	case PROCESS_SRS:
	case PROCESS_KINDS:
		break;
	}
	return BOARD_SERVICE;
}

static void note_started(struct supervisor *supervisor, const struct process *process)
{
	struct generation *generation = process->generation;
	board_slot_start(supervisor->board, process->slot, process->pid);
	board_peer(supervisor->board, process->slot, process->client);
	process_table_add(&supervisor->table, process);
	if (process->kind == PROCESS_DELIVERY) {
		generation->delivery_count++;
	} else if (process_is_session(process)) {
		generation->session_count++;
		board_add(supervisor->board, BOARD_SESSIONS, 1);
	}
}

bool supervisor_start(struct supervisor *supervisor, struct role role, const char *client)
{
	bool is_pooled = role.kind == PROCESS_DELIVERY && !role.generation->is_per_recipient;
	struct process process = {
	    .kind = role.kind, .generation = role.generation, .started_ms = clock_monotonic_ms()};
	if (client != NULL)
		snprintf(process.client, sizeof(process.client), "%s", client);
	process.slot = board_slot_take(supervisor->board, board_kind_of(role.kind),
	    role.generation->group, is_pooled ? BOARD_FREE : BOARD_HELD);
	role.board = supervisor->board;
	role.listeners = &supervisor->listeners;
	role.slot = process.slot;
	role.need_fd = is_pooled ? supervisor->need[1] : -1;
	process.pid = fork();
	if (process.pid == 0) {
		supervisor->is_child = true;
		drop_inherited(supervisor, &role);
		supervisor->exit_status = child_run(&role);
		return true;
	}
	if (process.pid < 0) {
		log_write(LOG_LEVEL_ERROR, "fork: %s", strerror(errno));
		board_slot_clear(supervisor->board, process.slot);
		supervisor->respawn_ms = clock_monotonic_ms() + RESPAWN_PAUSE_MS;
		return false;
	}
	note_started(supervisor, &process);
	return true;
}

static void log_end(const struct supervisor *supervisor, const struct process *process, int status)
{
	char doing[BOARD_TEXT];
	const char *name = process_name(process->kind);
	bool was_busy = board_state_of(supervisor->board, process->slot) == BOARD_BUSY;
	board_text_of(supervisor->board, process->slot, doing, sizeof(doing));
	if (!was_busy)
		doing[0] = '\0';
	if (WIFSIGNALED(status))
		log_write(LOG_LEVEL_ERROR, "%s %ld was ended by signal %d (%s)%s%s", name,
		    (long)process->pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGALRM ? "it took too long" : strsignal(WTERMSIG(status)),
		    doing[0] == '\0' ? "" : "; it was doing id=", doing);
	else
		log_write(LOG_LEVEL_ERROR, "%s %ld ended with status %d%s%s", name,
		    (long)process->pid, WEXITSTATUS(status),
		    doing[0] == '\0' ? "" : "; it was doing id=", doing);
}

static void note_ended(struct supervisor *supervisor, struct process *process, int status)
{
	struct generation *generation = process->generation;
	int64_t now_ms = clock_monotonic_ms();
	bool is_delivery = process->kind == PROCESS_DELIVERY;
	if (status != 0) {
		log_end(supervisor, process, status);
		board_add(supervisor->board,
		    is_delivery ? BOARD_CRASHES_DELIVERY : BOARD_CRASHES_SESSION, 1);
	}
	bool has_served = board_state_of(supervisor->board, process->slot) == BOARD_BUSY ||
	                  board_done_count(supervisor->board, process->slot) > 0;
	board_slot_clear(supervisor->board, process->slot);
	if (is_delivery) {
		generation->delivery_count--;
		/* One that cannot even begin; not one that its first message killed. */
		if (status != 0 && !has_served && now_ms - process->started_ms < RESPAWN_PAUSE_MS)
			supervisor->respawn_ms = now_ms + RESPAWN_PAUSE_MS;
	} else if (process_is_session(process)) {
		generation->session_count--;
	}
	process_table_remove(&supervisor->table, process);
}

void supervisor_reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *process = process_table_find(&supervisor->table, pid);
		if (process != NULL)
			note_ended(supervisor, process, status);
	}
}

/* -- who is wanted ---------------------------------------------------------------------------- */

void supervisor_start_missing(struct supervisor *supervisor)
{
	if (supervisor->turn_ms < supervisor->respawn_ms)
		return;
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		struct role role = {.kind = PROCESS_DELIVERY, .generation = g, .line = -1};
		if (generation_wants_more(g, board_count_free(supervisor->board, g->group)) &&
		    (!supervisor_start(supervisor, role, NULL) || supervisor->is_child))
			return;
	}
}

static bool has_metrics(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		if (supervisor->listeners.items[i].kind == LISTENER_METRICS)
			return true;
	}
	return false;
}

static bool lacks_service(const struct supervisor *supervisor, enum process_kind kind)
{
	return !supervisor->is_stopping && !supervisor->options->uses_stdin &&
	       supervisor->table.counts[kind] == 0 &&
	       (kind == PROCESS_FLUSHER || has_metrics(supervisor));
}

bool supervisor_lacks_service(const struct supervisor *supervisor)
{
	return lacks_service(supervisor, PROCESS_FLUSHER) ||
	       lacks_service(supervisor, PROCESS_METRICS);
}

void supervisor_start_services(struct supervisor *supervisor)
{
	static const enum process_kind kinds[] = {PROCESS_FLUSHER, PROCESS_METRICS};
	if (supervisor->is_child || supervisor->turn_ms < supervisor->services_ms ||
	    !supervisor_lacks_service(supervisor))
		return;
	supervisor->services_ms = supervisor->turn_ms + RESPAWN_PAUSE_MS;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !supervisor->is_child; i++) {
		struct role role = {
		    .kind = kinds[i], .generation = supervisor->generations, .line = -1};
		if (lacks_service(supervisor, kinds[i]))
			supervisor_start(supervisor, role, NULL);
	}
}

void supervisor_end_services(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->table.count; i++) {
		const struct process *process = &supervisor->table.items[i];
		if (process->kind == PROCESS_FLUSHER || process->kind == PROCESS_METRICS)
			kill(process->pid, SIGTERM);
	}
	supervisor->services_ms = 0;
}

/* For system users: asks the process that has waited longest for its session to leave. */
static void make_room(struct supervisor *supervisor, const struct generation *generation)
{
	struct process *oldest = NULL;
	for (size_t i = 0; i < supervisor->table.count; i++) {
		struct process *process = &supervisor->table.items[i];
		if (process->kind != PROCESS_DELIVERY || process->generation != generation)
			continue;
		/* One is on its way already. */
		if (process->is_leaving)
			return;
		if (board_state_of(supervisor->board, process->slot) == BOARD_HELD &&
		    board_done_count(supervisor->board, process->slot) > 0 &&
		    (oldest == NULL || process->started_ms < oldest->started_ms))
			oldest = process;
	}
	if (oldest == NULL)
		return;
	oldest->is_leaving = true;
	kill(oldest->pid, SIGTERM);
}

void supervisor_serve_call(struct supervisor *supervisor, struct generation *generation)
{
	if (generation->delivery_count >= generation->settings->lmtp.delivery_processes) {
		supervisor->is_crowded = true;
		make_room(supervisor, generation);
		return;
	}
	struct role role = {.kind = PROCESS_DELIVERY, .generation = generation};
	role.line = channel_take(generation->channel.serving, false);
	if (role.line < 0)
		return;
	supervisor_start(supervisor, role, NULL);
	/* Without a process, its end tells the session. */
	if (!supervisor->is_child)
		close(role.line);
}
