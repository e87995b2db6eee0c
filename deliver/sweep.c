/* sweep.c - every outbox that has mail, each by a process of its own: what a user's files or
 * transport do to it stops nobody else's, and who became one user can be no other. */
#include "deliver/sweep.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "deliver/flush.h"
#include "deliver/outbox.h"
#include "deliver/pending.h"
#include "deliver/pipeline_errands.h"
#include "deliver/srs_keys.h"
#include "deliver/state.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 100
/* A look at a directory's time proves nothing about changes within the same tick. */
#define YOUNG_S 2
/* Beyond what sending takes. */
#define MARGIN_MS 60000
/* From SIGKILL until a process is left to itself. */
#define KILL_MS 10000
#define EXTRAS_MAX 1000

enum worker_end { WORKER_DONE, WORKER_WAITING, WORKER_FAILED, WORKER_UNKNOWN };

struct worker {
	pid_t pid;
	int64_t ends_ms;                 /* at the latest */
	int directory;                   /* of the announcement, borrowed */
	char announcement[NAME_MAX + 1]; /* "" none */
};

struct sweeping {
	const struct sweep *sweep;
	const struct srs *srs; /* null: no keys */
	struct sweep_tally tally;
	_Atomic uint64_t *items; /* shared with the workers, who count; null: nobody does */
	struct worker workers[PROCESSES_MAX];
	size_t count;
	int directory; /* of announcements, that is walked; -1: none is */
	struct arena *arena;
	struct extra *extras; /* whose extra announcements were seen to */
	unsigned extra_count;
};

/* -- one user ---------------------------------------------------------------------------------- */

static enum worker_end work(const struct sweeping *sweeping, struct span user_name, int64_t maker)
{
	const struct settings *settings = sweeping->sweep->settings;
	struct status status;
	struct outbox_tally tally;
	struct pipeline *pipeline = pipeline_open(settings, &status);
	struct pipeline_call call = {.front = "flush",
	    .id = "flush",
	    .deadline_ms = clock_monotonic_ms() + (int64_t)settings->lookup_timeout_s * 1000};
	struct pipeline_flush flush = {.recipient = {.envelope.address = {.text = user_name,
	                                                 .local = user_name,
	                                                 .domain = SPAN("")},
	                                   .user_name = user_name},
	    .maker = maker,
	    .srs = sweeping->srs};
	bool is_good = pipeline != NULL && pipeline_flush(pipeline, &call, &flush, &tally, &status);
	if (!is_good)
		log_write(LOG_LEVEL_WARNING, "outgoing mail of \"%.*s\": %s", (int)user_name.len,
		    user_name.data, status.detail[0] != '\0' ? status.detail : status.text);
	pipeline_close(&pipeline);
	if (!is_good)
		return status.cause == CAUSE_USER_UNKNOWN ? WORKER_UNKNOWN : WORKER_FAILED;
	if (sweeping->items != NULL)
		atomic_fetch_add(sweeping->items, tally.waiting);
	return tally.waiting > 0 ? WORKER_WAITING : WORKER_DONE;
}

static enum worker_end end_of(int status)
{
	return WIFEXITED(status) ? (enum worker_end)WEXITSTATUS(status) : WORKER_FAILED;
}

static void note_end(struct sweeping *sweeping, const struct worker *worker, enum worker_end end)
{
	if (end == WORKER_DONE)
		sweeping->tally.done++;
	else if (end == WORKER_WAITING)
		sweeping->tally.waiting++;
	else
		sweeping->tally.failed++;
	if (worker->announcement[0] == '\0')
		return;
	/* Nobody has that name, or somebody else used it. Or it is one that the user does not take
	 * back, made before the worker looked. */
	if (end == WORKER_UNKNOWN || (end == WORKER_DONE && pending_is_extra(worker->announcement)))
		(void)!unlinkat(worker->directory, worker->announcement, 0);
}

static void take_end(struct sweeping *sweeping, pid_t pid, enum worker_end end)
{
	for (size_t i = 0; i < sweeping->count; i++) {
		if (sweeping->workers[i].pid != pid)
			continue;
		note_end(sweeping, &sweeping->workers[i], end);
		sweeping->workers[i] = sweeping->workers[--sweeping->count];
		return;
	}
}

/* Whoever became a user can be stopped by that user, or hang in their files: nobody waits for them
 * longer than for an honest one. Killed they may still hang in the kernel; then they are left. */
static void end_overdue(struct sweeping *sweeping)
{
	for (size_t i = 0; i < sweeping->count;) {
		struct worker *worker = &sweeping->workers[i];
		int64_t over_ms = clock_monotonic_ms() - worker->ends_ms;
		if (over_ms > 0)
			(void)kill(worker->pid, SIGKILL);
		if (over_ms <= KILL_MS) {
			i++;
			continue;
		}
		log_write(LOG_LEVEL_ERROR, "process %ld, sending a user's mail, cannot be killed",
		    (long)worker->pid);
		take_end(sweeping, worker->pid, WORKER_FAILED);
	}
}

/* Waits until fewer than `max` are at work. */
static void wait_until_below(struct sweeping *sweeping, size_t max)
{
	useconds_t pause_us = 200;
	while (sweeping->count >= max && sweeping->count > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			take_end(sweeping, pid, end_of(status));
			continue;
		}
		if (pid < 0 && errno != EINTR) {
			sweeping->count = 0;
			return;
		}
		end_overdue(sweeping);
		usleep(pause_us);
		if (pause_us < 20000)
			pause_us *= 2;
	}
}

static void start(
    struct sweeping *sweeping, const char *announcement, struct span user_name, int64_t maker)
{
	const struct settings *settings = sweeping->sweep->settings;
	struct worker *worker;
	wait_until_below(sweeping, (size_t)settings->outbox.processes);
	worker = &sweeping->workers[sweeping->count];
	int64_t limit_ms = sweeping->sweep->worker_limit_ms;
	if (limit_ms == 0)
		limit_ms = flush_limit_ms(settings) + MARGIN_MS;
	*worker = (struct worker){
	    .ends_ms = clock_monotonic_ms() + limit_ms, .directory = sweeping->directory};
	snprintf(worker->announcement, sizeof(worker->announcement), "%s", announcement);
	worker->pid = fork();
	if (worker->pid == 0)
		_exit((int)work(sweeping, user_name, maker));
	if (worker->pid > 0) {
		sweeping->count++;
	} else {
		log_write(LOG_LEVEL_ERROR, "fork: %s", strerror(errno));
		sweeping->tally.failed++;
	}
}

/* -- all of them ------------------------------------------------------------------------------- */

struct extra {
	struct span user_name;
	struct extra *next;
};

/* Anybody may make any number of them: one of a user is seen to at a time. */
static bool is_first_extra(struct sweeping *sweeping, struct span user_name)
{
	struct extra **at = &sweeping->extras;
	while (*at != NULL && !span_equals((*at)->user_name, user_name))
		at = &(*at)->next;
	if (*at != NULL || sweeping->extra_count == EXTRAS_MAX)
		return false;
	*at = ARENA_NEW(sweeping->arena, struct extra);
	(*at)->user_name = arena_span(sweeping->arena, user_name);
	sweeping->extra_count++;
	return true;
}

static void start_announced(
    void *context, const char *name, struct span user_name, const struct stat *found)
{
	struct sweeping *sweeping = context;
	if (found->st_ctim.tv_sec >= sweeping->sweep->since &&
	    (!pending_is_extra(name) || is_first_extra(sweeping, user_name)))
		start(sweeping, name, user_name, (int64_t)found->st_uid);
}

/* All that is announced in one directory. */
static void walk_announced(struct sweeping *sweeping, const char *directory)
{
	sweeping->directory = pending_open(directory);
	if (sweeping->directory < 0)
		return;
	pending_walk(sweeping->directory, start_announced, sweeping);
	/* Two at one outbox would each find something waiting: what the other holds. */
	wait_until_below(sweeping, 1);
	file_close(&sweeping->directory);
}

/* Users by the names of their directories. */
static void walk_shared(struct sweeping *sweeping, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	struct arena *arena = arena_new();
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct span user = state_user_name(arena, span_of(entry->d_name));
		const char *new =
		    arena_textf(arena, "%s/%s/" OUTBOX_NAME "/new", directory, entry->d_name);
		struct stat found;
		if (user.len > 0 && lstat(new, &found) == 0)
			start(sweeping, "", user, (int64_t)found.st_uid);
		arena_reset(arena);
	}
	if (dir != NULL)
		closedir(dir);
	arena_free(&arena);
}

struct sweep_tally sweep_run(const struct sweep *sweep)
{
	struct sweeping sweeping = {.sweep = sweep, .directory = -1};
	void *shared_items = mmap(NULL, sizeof(*sweeping.items), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_items != MAP_FAILED)
		sweeping.items = shared_items;
	const char *shared = state_shared_directory(sweep->settings);
	struct arena *arena = arena_new();
	struct srs srs;
	struct status no_keys;
	sweeping.arena = arena;
	/* As long as we are who we are: the users may not read them. */
	if (srs_keys_load(arena, &sweep->settings->srs, &srs, &no_keys))
		sweeping.srs = &srs;
	walk_announced(&sweeping, sweep->settings->outbox.pending);
	if (shared != NULL) {
		walk_announced(&sweeping, arena_textf(arena, "%s/" STATE_PENDING_NAME, shared));
		if (sweep->is_thorough)
			walk_shared(&sweeping, shared);
	}
	wait_until_below(&sweeping, 1);
	arena_free(&arena);
	if (sweeping.items != NULL) {
		sweeping.tally.items = atomic_load(sweeping.items);
		munmap(shared_items, sizeof(*sweeping.items));
	}
	return sweeping.tally;
}

/* -- news -------------------------------------------------------------------------------------- */

static bool has_changed(const char *path, struct timespec *seen)
{
	struct stat found;
	struct timespec before = *seen;
	if (stat(path, &found) != 0)
		return false;
	*seen = found.st_mtim;
	return seen->tv_sec != before.tv_sec || seen->tv_nsec != before.tv_nsec ||
	       seen->tv_sec + YOUNG_S > clock_now().tv_sec;
}

bool sweep_has_news(const struct settings *settings, struct sweep_seen *seen)
{
	const char *shared = state_shared_directory(settings);
	bool has_news = has_changed(settings->outbox.pending, &seen->changed[0]);
	struct arena *arena = arena_new();
	if (shared != NULL)
		has_news |= has_changed(
		    arena_textf(arena, "%s/" STATE_PENDING_NAME, shared), &seen->changed[1]);
	arena_free(&arena);
	return has_news;
}
