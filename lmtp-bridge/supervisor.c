#include "lmtp-bridge/supervisor.h"

#include "base/clock.h"
#include "base/identity.h"
#include "base/log.h"
#include "base/memory.h"
#include "lmtp-bridge/delivery_process.h"
#include "lmtp-bridge/generation.h"
#include "lmtp-bridge/listener.h"
#include "lmtp-bridge/session.h"
#include "lmtp-bridge/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A delivery process that died so young, or a fork that failed: not at once again. */
#define RESPAWN_PAUSE_MS 1000
/* Every waiting call of a session is a descriptor or two under way. */
#define DESCRIPTORS_WANTED 8192

enum process_kind { PROCESS_DELIVERY, PROCESS_LMTP, PROCESS_POLICY };

struct process {
	pid_t pid;
	enum process_kind kind;
	struct generation *generation;
	int64_t started_ms;
};

struct supervisor {
	const struct supervisor_options *options;
	struct listeners listeners;
	struct generation *generations; /* the first is the current one */
	struct process *processes;
	size_t process_count;
	size_t process_capacity;
	size_t lmtp_count;
	size_t policy_count;
	int64_t respawn_ms; /* not before */
	bool is_stopping;
	bool is_child; /* this is a forked process that has done its work */
	int exit_status;
};

/* -- children -------------------------------------------------------------------------------- */

/* What a new process is for. */
struct role {
	enum process_kind kind;
	struct generation *generation;
	int in_fd;
	int out_fd;
	const struct listen_settings *listen;
};

static void open_log(const struct settings *settings)
{
	const struct log_settings *log = &settings->log;
	if (log_open(log->target, "lmtp-bridge", (enum log_level)log->level) != 0)
		fprintf(
		    stderr, "lmtp-bridge: cannot open log %s: %s\n", log->target, strerror(errno));
}

/* A child keeps its own end of its own channel and no listener. */
static void drop_inherited(struct supervisor *supervisor, const struct role *role)
{
	listeners_close(&supervisor->listeners, false);
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		struct channel *channel = &g->channel;
		struct channel kept = {-1, -1};
		if (g == role->generation) {
			int *end =
			    role->kind == PROCESS_DELIVERY ? &channel->serving : &channel->calling;
			*(role->kind == PROCESS_DELIVERY ? &kept.serving : &kept.calling) = *end;
			*end = -1;
		}
		channel_close(channel);
		*channel = kept;
	}
}

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
	    .calling = generation->channel.calling,
	    .in_fd = role->in_fd,
	    .out_fd = role->out_fd,
	    .listen = role->listen,
	};
	if (!become(&generation->session_account))
		return EXIT_FAILURE;
	if (role->kind == PROCESS_POLICY)
		policy_session_run(&start);
	else
		session_run(&start);
	return EXIT_SUCCESS;
}

static int run_delivery(const struct role *role)
{
	const struct generation *generation = role->generation;
	signals_end();
	forget_stdio();
	if (!become(&generation->delivery_account))
		return EXIT_FAILURE;
	return delivery_process_run(generation->channel.serving, generation->settings);
}

static void run_child(struct supervisor *supervisor, const struct role *role)
{
	static const char *const names[] = {
	    [PROCESS_DELIVERY] = "lmtp-delivery",
	    [PROCESS_LMTP] = "lmtp-session",
	    [PROCESS_POLICY] = "lmtp-policy",
	};
	supervisor->is_child = true;
	/* For ps(1). */
	prctl(PR_SET_NAME, names[role->kind]);
	drop_inherited(supervisor, role);
	supervisor->exit_status =
	    role->kind == PROCESS_DELIVERY ? run_delivery(role) : run_session(role);
}

/* How many processes of a kind there are, apart from those of one generation. */
static size_t *count_of(struct supervisor *supervisor, enum process_kind kind)
{
	return kind == PROCESS_LMTP ? &supervisor->lmtp_count : &supervisor->policy_count;
}

static void note_started(struct supervisor *supervisor, const struct role *role, pid_t pid)
{
	if (supervisor->process_count == supervisor->process_capacity) {
		supervisor->process_capacity = supervisor->process_capacity * 2 + 32;
		supervisor->processes = memory_resize(supervisor->processes,
		    supervisor->process_capacity * sizeof(supervisor->processes[0]));
	}
	supervisor->processes[supervisor->process_count++] =
	    (struct process){pid, role->kind, role->generation, clock_monotonic_ms()};
	if (role->kind == PROCESS_DELIVERY) {
		role->generation->delivery_count++;
	} else {
		role->generation->session_count++;
		++*count_of(supervisor, role->kind);
	}
}

/* Afterwards `is_child` tells which of the two processes this is. */
static bool start_process(struct supervisor *supervisor, const struct role *role)
{
	pid_t pid = fork();
	if (pid == 0) {
		run_child(supervisor, role);
		return true;
	}
	if (pid < 0) {
		log_write(LOG_LEVEL_ERROR, "fork: %s", strerror(errno));
		supervisor->respawn_ms = clock_monotonic_ms() + RESPAWN_PAUSE_MS;
		return false;
	}
	note_started(supervisor, role, pid);
	return true;
}

static void log_end(const struct process *process, int status)
{
	const char *what =
	    process->kind == PROCESS_DELIVERY ? "a delivery process" : "a session process";
	if (WIFSIGNALED(status))
		log_write(LOG_LEVEL_ERROR, "%s, %ld, was ended by signal %d (%s)", what,
		    (long)process->pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGALRM ? "it took too long" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_write(LOG_LEVEL_ERROR, "%s, %ld, ended with status %d", what,
		    (long)process->pid, WEXITSTATUS(status));
}

static void note_ended(struct supervisor *supervisor, size_t index, int status)
{
	struct process *process = &supervisor->processes[index];
	int64_t now_ms = clock_monotonic_ms();
	log_end(process, status);
	if (process->kind == PROCESS_DELIVERY) {
		process->generation->delivery_count--;
		if (status != 0 && now_ms - process->started_ms < RESPAWN_PAUSE_MS)
			supervisor->respawn_ms = now_ms + RESPAWN_PAUSE_MS;
	} else {
		process->generation->session_count--;
		--*count_of(supervisor, process->kind);
	}
	*process = supervisor->processes[--supervisor->process_count];
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < supervisor->process_count; i++) {
			if (supervisor->processes[i].pid == pid) {
				note_ended(supervisor, i, status);
				break;
			}
		}
	}
}

/* -- generations ----------------------------------------------------------------------------- */

static void start_missing(struct supervisor *supervisor)
{
	if (clock_monotonic_ms() < supervisor->respawn_ms)
		return;
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		struct role role = {.kind = PROCESS_DELIVERY, .generation = g};
		while (generation_lack(g) > 0) {
			if (!start_process(supervisor, &role) || supervisor->is_child)
				return;
		}
	}
}

static bool is_missing_any(const struct supervisor *supervisor)
{
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next) {
		if (generation_lack(g) > 0)
			return true;
	}
	return false;
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
	generation->next = supervisor->generations;
	supervisor->generations = generation;
	open_log(settings);
	return true;
}

static void reload(struct supervisor *supervisor)
{
	struct status status;
	if (load(supervisor, &status))
		log_write(LOG_LEVEL_INFO, "new configuration for new sessions");
	else
		log_write(LOG_LEVEL_ERROR, "the configuration stays as it was: %s", status.detail);
}

static void stop(struct supervisor *supervisor)
{
	if (!supervisor->options->uses_stdin)
		log_write(LOG_LEVEL_INFO, "stopping, %zu sessions to finish",
		    supervisor->lmtp_count + supervisor->policy_count);
	supervisor->is_stopping = true;
	listeners_close(&supervisor->listeners, true);
	for (size_t i = 0; i < supervisor->process_count; i++) {
		if (supervisor->processes[i].kind != PROCESS_DELIVERY)
			kill(supervisor->processes[i].pid, SIGTERM);
	}
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next)
		generation_retire(g);
}

/* -- clients --------------------------------------------------------------------------------- */

static void accept_client(struct supervisor *supervisor, const struct listener *listener)
{
	int on = 1;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	/* Fails on a unix socket, which has no such thing. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct role role = {
	    .kind = listener->kind == LISTENER_LMTP ? PROCESS_LMTP : PROCESS_POLICY,
	    .generation = supervisor->generations,
	    .in_fd = fd,
	    .out_fd = fd,
	    .listen = listener->settings,
	};
	start_process(supervisor, &role);
	close(fd);
}

/* Clients over the limit wait in the listener's queue. */
static bool has_room(const struct supervisor *supervisor, enum listener_kind kind)
{
	size_t count = kind == LISTENER_LMTP ? supervisor->lmtp_count : supervisor->policy_count;
	return count < supervisor->generations->settings->lmtp.sessions;
}

static void wait_for_something(struct supervisor *supervisor)
{
	struct pollfd pollers[LISTENERS_MAX];
	const struct listeners *listeners = &supervisor->listeners;
	nfds_t count = (nfds_t)listeners->count;
	int left_ms = clock_left_ms(supervisor->respawn_ms);
	struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000L};
	bool has_limit =
	    is_missing_any(supervisor) || clock_monotonic_ms() < supervisor->respawn_ms;
	for (nfds_t i = 0; i < count; i++) {
		pollers[i] = (struct pollfd){listeners->items[i].fd, POLLIN, 0};
		if (!has_room(supervisor, listeners->items[i].kind))
			pollers[i].fd = -1;
	}
	if (ppoll(pollers, count, has_limit ? &left : NULL, signals_while_waiting()) <= 0)
		return;
	for (nfds_t i = 0; i < count && !supervisor->is_child; i++) {
		if (pollers[i].revents != 0)
			accept_client(supervisor, &supervisor->listeners.items[i]);
	}
}

/* -- the life -------------------------------------------------------------------------------- */

static bool start(struct supervisor *supervisor, struct status *status)
{
	struct rlimit limit;
	if (!load(supervisor, status))
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
	start_process(supervisor, &role);
}

static bool is_done(const struct supervisor *supervisor)
{
	return supervisor->is_child || (supervisor->is_stopping && supervisor->process_count == 0);
}

static void run(struct supervisor *supervisor)
{
	if (supervisor->options->uses_stdin)
		start_stdin_session(supervisor);
	while (!is_done(supervisor)) {
		reap(supervisor);
		if (signals_take_reload() && !supervisor->is_stopping)
			reload(supervisor);
		bool has_ended = supervisor->options->uses_stdin && supervisor->lmtp_count == 0;
		if ((signals_is_stopping() || has_ended) && !supervisor->is_stopping)
			stop(supervisor);
		drop_ended(supervisor);
		start_missing(supervisor);
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
	free(supervisor->processes);
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = {.options = options};
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
