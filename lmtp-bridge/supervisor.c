#include "lmtp-bridge/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "deliver/replay.h"
#include "deliver/state.h"
#include "lmtp-bridge/signals.h"
#include "lmtp-bridge/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often we look whether a process can be asked to make room for another. */
#define CROWDED_MS 50
/* Every waiting call of a session is a descriptor or two under way. */
#define DESCRIPTORS_WANTED 8192

static void open_log(const struct settings *settings)
{
	const struct log_settings *log = &settings->log;
	if (log_open(log->target, "lmtp-bridge", (enum log_level)log->level) != 0)
		fprintf(
		    stderr, "lmtp-bridge: cannot open log %s: %s\n", log->target, strerror(errno));
}

/* -- generations ----------------------------------------------------------------------------- */

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

/* A number that no other has: who is free in one group is nobody's in another. */
static bool find_group(
    const struct supervisor *supervisor, uint32_t *group_out, struct status *status)
{
	bool is_used[BOARD_GROUPS] = {false};
	for (const struct generation *g = supervisor->generations; g != NULL; g = g->next)
		is_used[g->group] = true;
	for (uint32_t i = 0; i < BOARD_GROUPS; i++) {
		if (!is_used[i]) {
			*group_out = i;
			return true;
		}
	}
	return status_fail(status, CAUSE_TOO_BUSY,
	    "%u older configurations still have sessions (see lmtp.session_age)", BOARD_GROUPS);
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
	if (!find_group(supervisor, &generation->group, status) ||
	    !generation_can_run(generation, status) ||
	    (!supervisor->options->uses_stdin && !listeners_open(settings, &supervisor->systemd,
	                                             &supervisor->listeners, &fresh, status))) {
		generation_free(&generation);
		return false;
	}
	supervisor->listeners = fresh;
	if (supervisor->generations != NULL)
		generation_retire(supervisor->generations);
	generation->next = supervisor->generations;
	supervisor->generations = generation;
	open_log(settings);
	listeners_tell_unwanted(&supervisor->listeners, &supervisor->systemd);
	return true;
}

static void tell_ready(const struct supervisor *supervisor)
{
	systemd_tell(&supervisor->systemd, "READY=1\nSTATUS=Listening on %zu sockets",
	    supervisor->listeners.count);
}

/* Memories of lost replies that are there from before; `known` (may be null) is the directory they
 * were counted in. */
static void count_lost_replies(struct supervisor *supervisor, const char *known)
{
	const struct settings *settings = supervisor->generations->settings;
	const char *shared = state_shared_directory(settings);
	if (shared != NULL && (known == NULL || strcmp(shared, known) != 0))
		replay_count_shared(settings, board_lost_replies(supervisor->board));
}

static void reload(struct supervisor *supervisor)
{
	struct status status;
	systemd_tell_reloading(&supervisor->systemd);
	const struct generation *before = supervisor->generations;
	bool is_good = load(supervisor, &status);
	count_lost_replies(supervisor, state_shared_directory(before->settings));
	board_add(supervisor->board, is_good ? BOARD_RELOADS : BOARD_RELOADS_REFUSED, 1);
	if (is_good) {
		supervisor_end_services(supervisor);
		log_write(LOG_LEVEL_INFO, "new configuration for new sessions");
		tell_ready(supervisor);
	} else {
		log_write(LOG_LEVEL_ERROR, "the configuration stays as it was: %s", status.detail);
		systemd_tell(&supervisor->systemd,
		    "READY=1\nSTATUS=The configuration stays as it was: %s", status.detail);
	}
}

static void stop(struct supervisor *supervisor)
{
	size_t sessions =
	    supervisor->table.counts[PROCESS_LMTP] + supervisor->table.counts[PROCESS_POLICY];
	if (!supervisor->options->uses_stdin)
		log_write(LOG_LEVEL_INFO, "stopping, %zu sessions to finish", sessions);
	systemd_tell(&supervisor->systemd, "STOPPING=1\nSTATUS=%zu sessions to finish", sessions);
	supervisor->is_stopping = true;
	listeners_close(&supervisor->listeners, true);
	for (size_t i = 0; i < supervisor->table.count; i++) {
		if (supervisor->table.items[i].kind != PROCESS_DELIVERY)
			kill(supervisor->table.items[i].pid, SIGTERM);
	}
	for (struct generation *g = supervisor->generations; g != NULL; g = g->next)
		generation_retire(g);
}

/* -- waiting --------------------------------------------------------------------------------- */

/* What we wait for: listeners, then the need of the pools, then calls of each generation. */
#define POLLERS_MAX (LISTENERS_MAX + 1 + BOARD_GROUPS)

static nfds_t fill_pollers(struct supervisor *supervisor, struct pollfd *pollers)
{
	nfds_t count = 0;
	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		const struct listener *listener = &supervisor->listeners.items[i];
		bool is_open = listener->kind != LISTENER_METRICS &&
		               supervisor_has_room(supervisor, listener->kind);
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
		if (pollers[at].revents != 0)
			supervisor_accept(supervisor, &supervisor->listeners.items[at]);
		if (supervisor->is_child)
			return;
	}
	if (pollers[at++].revents != 0)
		(void)!read(supervisor->need[0], bytes, sizeof(bytes));
	struct generation *g = supervisor->generations;
	for (; at < count && g != NULL && !supervisor->is_child; at++, g = g->next) {
		if (pollers[at].revents != 0)
			supervisor_serve_call(supervisor, g);
	}
}

/* How long we may sleep; -1: until something happens. */
static int64_t sleep_ms(const struct supervisor *supervisor)
{
	const int64_t wakes_ms[] = {supervisor->respawn_ms,
	    supervisor_lacks_service(supervisor) ? supervisor->services_ms : 0,
	    supervisor->systemd.watchdog_ms > 0 ? supervisor->alive_ms : 0};
	int64_t least_ms = supervisor->is_crowded ? CROWDED_MS : -1;
	for (size_t i = 0; i < sizeof(wakes_ms) / sizeof(wakes_ms[0]); i++) {
		int64_t left_ms = wakes_ms[i] - supervisor->turn_ms;
		if (left_ms > 0 && (least_ms < 0 || left_ms < least_ms))
			least_ms = left_ms;
	}
	return least_ms;
}

static void wait_for_something(struct supervisor *supervisor)
{
	struct pollfd pollers[POLLERS_MAX];
	nfds_t count = fill_pollers(supervisor, pollers);
	int64_t left_ms = sleep_ms(supervisor);
	struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000L};
	supervisor->is_crowded = false;
	if (ppoll(pollers, count, left_ms < 0 ? NULL : &left, signals_while_waiting()) > 0)
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
	if (!supervisor->options->uses_stdin && systemd_begin(&supervisor->systemd) != 0)
		return status_errno(status, CAUSE_CONFIGURATION, errno, "sockets of systemd");
	if (!load(supervisor, status) || !open_shared(supervisor, status))
		return false;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
		limit.rlim_cur =
		    limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	count_lost_replies(supervisor, NULL);
	for (size_t i = 0; i < supervisor->listeners.count; i++)
		log_write(LOG_LEVEL_INFO, "listening on %s", supervisor->listeners.items[i].title);
	tell_ready(supervisor);
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
	supervisor_start(supervisor, role, NULL);
}

static bool is_done(const struct supervisor *supervisor)
{
	return supervisor->is_child || (supervisor->is_stopping && supervisor->table.count == 0);
}

/* Told where a turn has come to its end, so that a supervisor that hangs anywhere is not taken
 * for alive. */
static void tell_alive(struct supervisor *supervisor)
{
	int64_t period_ms = supervisor->systemd.watchdog_ms / 2;
	if (supervisor->systemd.watchdog_ms == 0 || supervisor->turn_ms < supervisor->alive_ms)
		return;
	systemd_tell(&supervisor->systemd, "WATCHDOG=1");
	supervisor->alive_ms = supervisor->turn_ms + (period_ms > 0 ? period_ms : 1);
}

static void run(struct supervisor *supervisor)
{
	if (supervisor->options->uses_stdin)
		start_stdin_session(supervisor);
	while (!is_done(supervisor)) {
		supervisor->turn_ms = clock_monotonic_ms();
		supervisor_reap(supervisor);
		if (signals_take_reload() && !supervisor->is_stopping)
			reload(supervisor);
		bool has_ended =
		    supervisor->options->uses_stdin && supervisor->table.counts[PROCESS_LMTP] == 0;
		if ((signals_is_stopping() || has_ended) && !supervisor->is_stopping)
			stop(supervisor);
		drop_ended(supervisor);
		supervisor_start_missing(supervisor);
		supervisor_start_services(supervisor);
		if (is_done(supervisor))
			break;
		tell_alive(supervisor);
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
	systemd_end(&supervisor->systemd);
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
