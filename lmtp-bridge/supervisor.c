#include "lmtp-bridge/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "lmtp-bridge/board.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/child.h"
#include "lmtp-bridge/generation.h"
#include "lmtp-bridge/listener.h"
#include "lmtp-bridge/process_table.h"
#include "lmtp-bridge/signals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* After a delivery process that could not begin, or a fork that failed: not at once again. */
#define RESPAWN_PAUSE_MS 1000
/* How often we look whether a process can be asked to make room for another. */
#define CROWDED_MS 50
/* Every waiting call of a session is a descriptor or two under way. */
#define DESCRIPTORS_WANTED 8192
/* Clients of one listener that are let in before we look at anything else. */
#define ACCEPTS_MAX 16

struct supervisor {
	const struct supervisor_options *options;
	struct listeners listeners;
	struct generation *generations; /* the first is the current one */
	uint32_t generation_count;      /* that there ever were */
	struct process_table table;
	struct board *board;
	char *board_path;    /* owned; null: it has no file */
	int need[2];         /* delivery processes write a byte when none of them is free */
	int64_t respawn_ms;  /* not before */
	int64_t services_ms; /* the same for the flusher and the metrics */
	bool is_crowded;     /* a call waits for a process to make room */
	bool is_stopping;
	bool is_child; /* this is a forked process that has done its work */
	int exit_status;
};

/* -- children -------------------------------------------------------------------------------- */

static void open_log(const struct settings *settings)
{
	const struct log_settings *log = &settings->log;
	if (log_open(log->target, "lmtp-bridge", (enum log_level)log->level) != 0)
		fprintf(
		    stderr, "lmtp-bridge: cannot open log %s: %s\n", log->target, strerror(errno));
}

/* A child keeps its own end of its own channel, and no listener. */
static void drop_inherited(struct supervisor *supervisor, const struct role *role)
{
	bool is_delivery = role->kind == PROCESS_DELIVERY;
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
		/* Keys are for those who speak with clients. */
		if (role->kind != PROCESS_LMTP)
			security_clear(&g->security);
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

/* Afterwards `is_child` tells which of the two processes this is. `client` may be null. */
static bool start_process(struct supervisor *supervisor, struct role role, const char *client)
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

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *process = process_table_find(&supervisor->table, pid);
		if (process != NULL)
			note_ended(supervisor, process, status);
	}
}

/* -- generations ----------------------------------------------------------------------------- */

/* A pool that has nobody left for the next session that calls grows by one. */
static void start_missing(struct supervisor *supervisor)
{
	if (clock_monotonic_ms() < supervisor->respawn_ms)
		return;
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		struct role role = {.kind = PROCESS_DELIVERY, .generation = g, .line = -1};
		if (generation_wants_more(g, board_count_free(supervisor->board, g->group)) &&
		    (!start_process(supervisor, role, NULL) || supervisor->is_child))
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

/* Of these there is one for all generations; the current one's settings say how. */
static bool lacks_service(const struct supervisor *supervisor, enum process_kind kind)
{
	return !supervisor->is_stopping && !supervisor->options->uses_stdin &&
	       supervisor->table.counts[kind] == 0 &&
	       (kind == PROCESS_FLUSHER || has_metrics(supervisor));
}

static bool lacks_any_service(const struct supervisor *supervisor)
{
	return lacks_service(supervisor, PROCESS_FLUSHER) ||
	       lacks_service(supervisor, PROCESS_METRICS);
}

static void start_services(struct supervisor *supervisor)
{
	static const enum process_kind kinds[] = {PROCESS_FLUSHER, PROCESS_METRICS};
	int64_t now_ms = clock_monotonic_ms();
	if (supervisor->is_child || now_ms < supervisor->services_ms ||
	    !lacks_any_service(supervisor))
		return;
	supervisor->services_ms = now_ms + RESPAWN_PAUSE_MS;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !supervisor->is_child; i++) {
		struct role role = {
		    .kind = kinds[i], .generation = supervisor->generations, .line = -1};
		if (lacks_service(supervisor, kinds[i]))
			start_process(supervisor, role, NULL);
	}
}

/* Those of the new configuration take their place. */
static void end_services(struct supervisor *supervisor)
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

/* For system users: a session has called, and gets a process of its own. We hand the line on
 * and read nothing of what is on it. */
static void serve_call(struct supervisor *supervisor, struct generation *generation)
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
	start_process(supervisor, role, NULL);
	/* Without a process, its end tells the session. */
	if (!supervisor->is_child)
		close(role.line);
}

static void drop_ended(struct supervisor *supervisor)
{
	for (struct generation **at = &supervisor->generations; *at != NULL;) {
		struct generation *g = *at;
		if (g->is_retired && g->delivery_count == 0 && g->session_count == 0) {
			*at = g->next;
			generation_free(&g);
		} else {
			at = &g->next;
		}
	}
}

/* Reads the configuration and makes it the current one, or leaves all as it was. */
static bool load(struct supervisor *supervisor, struct status *status)
{
	struct listeners fresh = {0};
	struct settings *settings = supervisor->options->load(supervisor->options->context, status);
	if (settings == NULL)
		return false;
	struct generation *generation = generation_new(settings, status);
	if (generation == NULL)
		return false;
	if (!generation_can_run(generation, status) ||
	    (!supervisor->options->uses_stdin &&
	        !listeners_open(settings, &supervisor->listeners, &fresh, status))) {
		generation_free(&generation);
		return false;
	}
	supervisor->listeners = fresh;
	if (supervisor->generations != NULL)
		generation_retire(supervisor->generations);
	generation->group = ++supervisor->generation_count;
	generation->next = supervisor->generations;
	supervisor->generations = generation;
	open_log(settings);
	return true;
}

static void reload(struct supervisor *supervisor)
{
	struct status status;
	bool is_good = load(supervisor, &status);
	board_add(supervisor->board, is_good ? BOARD_RELOADS : BOARD_RELOADS_REFUSED, 1);
	if (is_good)
		end_services(supervisor);
	if (is_good)
		log_write(LOG_LEVEL_INFO, "new configuration for new sessions");
	else
		log_write(LOG_LEVEL_ERROR, "the configuration stays as it was: %s", status.detail);
}

static void stop(struct supervisor *supervisor)
{
	if (!supervisor->options->uses_stdin)
		log_write(LOG_LEVEL_INFO, "stopping, %zu sessions to finish",
		    supervisor->table.counts[PROCESS_LMTP] +
		        supervisor->table.counts[PROCESS_POLICY]);
	supervisor->is_stopping = true;
	listeners_close(&supervisor->listeners, true);
	for (size_t i = 0; i < supervisor->table.count; i++) {
		if (supervisor->table.items[i].kind != PROCESS_DELIVERY)
			kill(supervisor->table.items[i].pid, SIGTERM);
	}
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next)
		generation_retire(g);
}

/* -- clients --------------------------------------------------------------------------------- */

union peer {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* "" for who comes through a unix socket. */
static void name_peer(const union peer *peer, char *to, size_t size)
{
	to[0] = '\0';
	if (peer->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &peer->v4.sin_addr, to, (socklen_t)size);
	if (peer->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &peer->v6.sin6_addr, to, (socklen_t)size);
}

/* Tells which limit. */
static bool is_over_limit(
    const struct supervisor *supervisor, const char *client, enum board_counter *counter_out)
{
	const struct lmtp_settings *lmtp = &supervisor->generations->settings->lmtp;
	size_t sessions = supervisor->table.counts[PROCESS_LMTP];
	*counter_out = BOARD_REFUSED_ALL;
	if (sessions >= lmtp->sessions)
		return true;
	*counter_out = BOARD_REFUSED_CLIENT;
	return lmtp->client_sessions > 0 && client[0] != '\0' &&
	       process_table_count_client(&supervisor->table, client) >= lmtp->client_sessions;
}

static bool refuse(struct supervisor *supervisor, int fd, const char *client)
{
	static const char goodbye[] = "421 4.3.2 Too many connections, please try again later\r\n";
	enum board_counter counter;
	if (!is_over_limit(supervisor, client, &counter))
		return false;
	board_add(supervisor->board, counter, 1);
	log_write(LOG_LEVEL_WARNING, "client [%s] is sent away: lmtp.%s are in use", client,
	    counter == BOARD_REFUSED_ALL ? "sessions" : "client_sessions");
	(void)send(fd, goodbye, sizeof(goodbye) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	return true;
}

static enum process_kind session_kind_of(enum listener_kind kind)
{
	static const enum process_kind kinds[] = {[LISTENER_LMTP] = PROCESS_LMTP,
	    [LISTENER_POLICY] = PROCESS_POLICY,
	    [LISTENER_SRS] = PROCESS_SRS};
	return kinds[kind];
}

/* False when there is nobody else. */
static bool accept_client(struct supervisor *supervisor, const struct listener *listener)
{
	union peer peer = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t len = sizeof(peer);
	char client[48];
	int on = 1;
	int fd = accept4(listener->fd, &peer.any, &len, SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	name_peer(&peer, client, sizeof(client));
	if (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bool is_lmtp = listener->kind == LISTENER_LMTP;
	if (is_lmtp && listener->settings->tls != LISTEN_TLS_NONE)
		tls_keys_renew(supervisor->generations->security.tls);
	if (!is_lmtp || !refuse(supervisor, fd, client)) {
		struct role role = {
		    .kind = session_kind_of(listener->kind),
		    .generation = supervisor->generations,
		    .in_fd = fd,
		    .out_fd = fd,
		    .listen = listener->settings,
		};
		start_process(supervisor, role, client);
	}
	close(fd);
	return true;
}

/* Clients of the other services over the limit wait: an answer that is none would be an error. */
static bool has_room(const struct supervisor *supervisor, enum listener_kind kind)
{
	return kind == LISTENER_LMTP || supervisor->table.counts[session_kind_of(kind)] <
	                                    supervisor->generations->settings->lmtp.sessions;
}

/* -- waiting --------------------------------------------------------------------------------- */

/* What we wait for: listeners, then the need of the pools, then calls of each generation. */
#define POLLERS_MAX (LISTENERS_MAX + 64)

static nfds_t fill_pollers(struct supervisor *supervisor, struct pollfd *pollers)
{
	nfds_t count = 0;
	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		const struct listener *listener = &supervisor->listeners.items[i];
		bool is_open =
		    listener->kind != LISTENER_METRICS && has_room(supervisor, listener->kind);
		pollers[count++] = (struct pollfd){is_open ? listener->fd : -1, POLLIN, 0};
	}
	pollers[count++] = (struct pollfd){supervisor->need[0], POLLIN, 0};
	for (struct generation *g = supervisor->generations; g != NULL && count < POLLERS_MAX;
	     g = g->next) {
		/* Without sessions its calls have come to an end, which poll() would tell forever.
		 */
		bool is_open = g->is_per_recipient && !supervisor->is_crowded &&
		               (!g->is_retired || g->session_count > 0);
		pollers[count++] = (struct pollfd){is_open ? g->channel.serving : -1, POLLIN, 0};
	}
	return count;
}

static void serve_pollers(struct supervisor *supervisor, const struct pollfd *pollers, nfds_t count)
{
	char bytes[256];
	nfds_t at = 0;
	size_t listener_count = supervisor->listeners.count;
	for (; at < listener_count; at++) {
		if (pollers[at].revents == 0)
			continue;
		for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
			if (!accept_client(supervisor, &supervisor->listeners.items[at]) ||
			    supervisor->is_child)
				break;
		}
		if (supervisor->is_child)
			return;
	}
	if (pollers[at++].revents != 0)
		(void)!read(supervisor->need[0], bytes, sizeof(bytes));
	struct generation *g = supervisor->generations;
	for (; at < count && g != NULL && !supervisor->is_child; at++, g = g->next) {
		if (pollers[at].revents != 0)
			serve_call(supervisor, g);
	}
}

static void wait_for_something(struct supervisor *supervisor)
{
	struct pollfd pollers[POLLERS_MAX];
	nfds_t count = fill_pollers(supervisor, pollers);
	int64_t wake_ms = supervisor->respawn_ms;
	if (lacks_any_service(supervisor) && supervisor->services_ms > wake_ms)
		wake_ms = supervisor->services_ms;
	int left_ms = clock_left_ms(wake_ms);
	bool has_limit = left_ms > 0;
	if (supervisor->is_crowded) {
		left_ms = CROWDED_MS;
		has_limit = true;
	}
	struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000L};
	supervisor->is_crowded = false;
	if (ppoll(pollers, count, has_limit ? &left : NULL, signals_while_waiting()) > 0)
		serve_pollers(supervisor, pollers, count);
}

/* -- the life -------------------------------------------------------------------------------- */

/* In a file where that can be had, so that --status finds it. */
static void open_board(struct supervisor *supervisor)
{
	const char *path = supervisor->generations->settings->metrics.status_file;
	char *directory = memory_string(path);
	char *slash = strrchr(directory, '/');
	if (slash != NULL)
		*slash = '\0';
	if (path[0] != '\0' && !supervisor->options->uses_stdin) {
		/* One level, as /run is empty after a start of the machine. */
		(void)mkdir(directory, 0755);
		supervisor->board = board_open(path);
		if (supervisor->board == NULL)
			log_write(
			    LOG_LEVEL_WARNING, "metrics.status_file %s: %s", path, strerror(errno));
		else
			supervisor->board_path = memory_string(path);
	}
	free(directory);
	if (supervisor->board == NULL)
		supervisor->board = board_open("");
}

static bool open_shared(struct supervisor *supervisor, struct status *status)
{
	open_board(supervisor);
	if (supervisor->board == NULL)
		return status_errno(status, CAUSE_INTERNAL, errno, "shared memory");
	if (pipe2(supervisor->need, O_CLOEXEC | O_NONBLOCK) != 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "pipe");
	return true;
}

static bool start(struct supervisor *supervisor, struct status *status)
{
	struct rlimit limit;
	if (!load(supervisor, status) || !open_shared(supervisor, status))
		return false;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
		limit.rlim_cur =
		    limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (size_t i = 0; i < supervisor->listeners.count; i++)
		log_write(LOG_LEVEL_INFO, "listening on %s", supervisor->listeners.items[i].title);
	return true;
}

static void start_stdin_session(struct supervisor *supervisor)
{
	struct role role = {
	    .kind = PROCESS_LMTP,
	    .generation = supervisor->generations,
	    .in_fd = STDIN_FILENO,
	    .out_fd = STDOUT_FILENO,
	};
	start_process(supervisor, role, NULL);
}

static bool is_done(const struct supervisor *supervisor)
{
	return supervisor->is_child || (supervisor->is_stopping && supervisor->table.count == 0);
}

static void run(struct supervisor *supervisor)
{
	if (supervisor->options->uses_stdin)
		start_stdin_session(supervisor);
	while (!is_done(supervisor)) {
		reap(supervisor);
		if (signals_take_reload() && !supervisor->is_stopping)
			reload(supervisor);
		bool has_ended =
		    supervisor->options->uses_stdin && supervisor->table.counts[PROCESS_LMTP] == 0;
		if ((signals_is_stopping() || has_ended) && !supervisor->is_stopping)
			stop(supervisor);
		drop_ended(supervisor);
		start_missing(supervisor);
		start_services(supervisor);
		if (!is_done(supervisor))
			wait_for_something(supervisor);
	}
}

static void clear(struct supervisor *supervisor)
{
	listeners_close(&supervisor->listeners, !supervisor->is_child);
	while (supervisor->generations != NULL) {
		struct generation *g = supervisor->generations;
		supervisor->generations = g->next;
		generation_free(&g);
	}
	process_table_clear(&supervisor->table);
	if (supervisor->board_path != NULL && !supervisor->is_child)
		board_remove(supervisor->board, supervisor->board_path);
	free(supervisor->board_path);
	board_close(&supervisor->board);
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = {.options = options, .need = {-1, -1}};
	struct status status;
	signals_begin();
	if (start(&supervisor, &status)) {
		run(&supervisor);
	} else {
		fprintf(stderr, "lmtp-bridge: %s\n", status.detail);
		supervisor.exit_status = EXIT_FAILURE;
	}
	clear(&supervisor);
	return supervisor.exit_status;
}

bool supervisor_check(struct settings *settings, struct status *status)
{
	struct generation *generation = generation_new(settings, status);
	bool is_good = generation != NULL && listeners_check(settings, status);
	generation_free(&generation);
	return is_good;
}
