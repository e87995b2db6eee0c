/* sweep.c - every outbox that has mail, each by a process of its own: what a user's files or
 * transport do to it stops nobody else's, and who became one user can be no other. */
#include "deliver/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "deliver/outbox.h"
#include "deliver/pending.h"
#include "deliver/pipeline.h"
#include "deliver/srs_keys.h"
#include "deliver/state.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 100
/* A look at a directory's time proves nothing about changes within the same tick. */
#define YOUNG_S 2

enum worker_end { WORKER_DONE, WORKER_WAITING, WORKER_FAILED, WORKER_UNKNOWN };

struct worker {
	pid_t pid;
	char announcement[4096]; /* "" none */
};

struct sweeping {
	const struct sweep *sweep;
	const struct srs *srs; /* null: no keys */
	struct sweep_tally tally;
	struct worker workers[PROCESSES_MAX];
	size_t count;
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
	return tally.waiting > 0 ? WORKER_WAITING : WORKER_DONE;
}

static void note_end(struct sweeping *sweeping, const struct worker *worker, int status)
{
	int end = WIFEXITED(status) ? WEXITSTATUS(status) : WORKER_FAILED;
	if (end == WORKER_DONE)
		sweeping->tally.done++;
	else if (end == WORKER_WAITING)
		sweeping->tally.waiting++;
	else
		sweeping->tally.failed++;
	/* Nobody has that name, or somebody else used it. */
	if (end == WORKER_UNKNOWN && worker->announcement[0] != '\0')
		(void)!unlink(worker->announcement);
}

/* Waits until fewer than `max` are at work. */
static void wait_until_below(struct sweeping *sweeping, size_t max)
{
	while (sweeping->count >= max && sweeping->count > 0) {
		int status;
		pid_t pid = wait(&status);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0) {
			sweeping->count = 0;
			return;
		}
		for (size_t i = 0; i < sweeping->count; i++) {
			if (sweeping->workers[i].pid != pid)
				continue;
			note_end(sweeping, &sweeping->workers[i], status);
			sweeping->workers[i] = sweeping->workers[--sweeping->count];
			break;
		}
	}
}

static void start(
    struct sweeping *sweeping, const char *announcement, struct span user_name, int64_t maker)
{
	const struct settings *settings = sweeping->sweep->settings;
	struct worker *worker;
	wait_until_below(sweeping, (size_t)settings->outbox.processes);
	worker = &sweeping->workers[sweeping->count];
	worker->announcement[0] = '\0';
	if (strlen(announcement) < sizeof(worker->announcement))
		memcpy(worker->announcement, announcement, strlen(announcement) + 1);
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

static void start_announced(
    void *context, const char *path, struct span user_name, const struct stat *found)
{
	struct sweeping *sweeping = context;
	if (found->st_ctim.tv_sec >= sweeping->sweep->since)
		start(sweeping, path, user_name, (int64_t)found->st_uid);
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
		if (user.len > 0 && stat(new, &found) == 0)
			start(sweeping, "", user, (int64_t)found.st_uid);
		arena_reset(arena);
	}
	if (dir != NULL)
		closedir(dir);
	arena_free(&arena);
}

struct sweep_tally sweep_run(const struct sweep *sweep)
{
	struct sweeping sweeping = {.sweep = sweep};
	const char *shared = state_shared_directory(sweep->settings);
	struct arena *arena = arena_new();
	struct srs srs;
	struct status no_keys;
	/* As long as we are who we are: the users may not read them. */
	if (srs_keys_load(arena, &sweep->settings->srs, &srs, &no_keys))
		sweeping.srs = &srs;
	pending_walk(sweep->settings->outbox.pending, start_announced, &sweeping);
	if (shared != NULL) {
		pending_walk(arena_textf(arena, "%s/" STATE_PENDING_NAME, shared), start_announced,
		    &sweeping);
		/* Two at one outbox would each find something waiting: what the other holds. */
		wait_until_below(&sweeping, 1);
		if (sweep->is_thorough)
			walk_shared(&sweeping, shared);
	}
	wait_until_below(&sweeping, 1);
	arena_free(&arena);
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
