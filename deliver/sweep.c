/* sweep.c - every outbox that has mail, each by a process of its own: what a user's files or
 * transport do to it stops nobody else's, and who became one user can be no other. */
#include "deliver/sweep.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 100
/* A look at a directory's time proves nothing about changes within the same tick. */
#define YOUNG_S 2
/* The clock that files are dated by may be a moment behind. */
#define CLOCKS_S 1
/* Beyond what sending takes. */
#define MARGIN_MS 60000
/* From SIGKILL until a process is left to itself. */
#define KILL_MS 10000
#define EXTRAS_MAX 1000

enum worker_end { WORKER_DONE, WORKER_WAITING, WORKER_FAILED, WORKER_UNKNOWN };

struct worker {
	pid_t pid; /* 0: nobody is at work here */
	char user_name[NAME_MAX];
	size_t user_name_len;
	int64_t maker;
	const char *directory;           /* of the announcement */
	char announcement[NAME_MAX + 1]; /* "" none */
	time_t began;
	int64_t ends_ms;      /* at the latest */
	bool is_counted;      /* in the tally */
	bool is_wanted_again; /* there was news after it began */
};

struct sweep {
	const struct settings *settings;
	const char *pending[2];  /* directories of announcements; null: none */
	struct timespec seen[2]; /* their times */
	int64_t worker_limit_ms;
	struct worker workers[PROCESSES_MAX];
	size_t count;    /* of those at work */
	uint64_t *items; /* of each worker, who writes it: shared; null: nobody does */
	struct sweep_tally tally;
	struct arena *arena;       /* as long as the sweep */
	struct arena *round_arena; /* from one round to the next */
	const struct srs *srs;     /* null: no keys */
	struct extra *extras;      /* whose extra announcements were seen to */
	unsigned extra_count;
};

/* -- one user ---------------------------------------------------------------------------------- */

static struct span user_of(const struct worker *worker)
{
	return (struct span){worker->user_name, worker->user_name_len};
}

static enum worker_end work(const struct sweep *sweep, const struct worker *worker)
{
	const struct settings *settings = sweep->settings;
	struct span user_name = user_of(worker);
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
	    .maker = worker->maker,
	    .srs = sweep->srs};
	bool is_good = pipeline != NULL && pipeline_flush(pipeline, &call, &flush, &tally, &status);
	if (!is_good)
		log_write(LOG_LEVEL_WARNING, "outgoing mail of \"%.*s\": %s", (int)user_name.len,
		    user_name.data, status.detail[0] != '\0' ? status.detail : status.text);
	pipeline_close(&pipeline);
	if (!is_good)
		return status.cause == CAUSE_USER_UNKNOWN ? WORKER_UNKNOWN : WORKER_FAILED;
	if (sweep->items != NULL)
		sweep->items[worker - sweep->workers] = tally.waiting;
	return tally.waiting > 0 ? WORKER_WAITING : WORKER_DONE;
}

static void count_end(struct sweep *sweep, const struct worker *worker, enum worker_end end)
{
	if (end == WORKER_DONE)
		sweep->tally.done++;
	else if (end == WORKER_WAITING)
		sweep->tally.waiting++;
	else
		sweep->tally.failed++;
	if (sweep->items != NULL)
		sweep->tally.items += sweep->items[worker - sweep->workers];
}

static void take_announcement_back(const struct worker *worker)
{
	int directory = pending_open(worker->directory);
	if (directory >= 0)
		(void)!unlinkat(directory, worker->announcement, 0);
	file_close(&directory);
}

static void launch(struct sweep *sweep, struct worker *worker)
{
	int64_t limit_ms = sweep->worker_limit_ms;
	if (limit_ms == 0)
		limit_ms = flush_limit_ms(sweep->settings) + MARGIN_MS;
	if (sweep->items != NULL)
		sweep->items[worker - sweep->workers] = 0;
	worker->is_wanted_again = false;
	worker->began = clock_now().tv_sec;
	worker->ends_ms = clock_monotonic_ms() + limit_ms;
	worker->pid = fork();
	if (worker->pid == 0)
		_exit((int)work(sweep, worker));
	if (worker->pid > 0) {
		sweep->count++;
		return;
	}
	log_write(LOG_LEVEL_ERROR, "fork: %s", strerror(errno));
	worker->pid = 0;
	if (worker->is_counted)
		sweep->tally.failed++;
}

static void note_end(struct sweep *sweep, struct worker *worker, enum worker_end end)
{
	worker->pid = 0;
	sweep->count--;
	if (worker->is_counted)
		count_end(sweep, worker, end);
	worker->is_counted = false;
	/* Nobody has that name, or somebody else used it. Or it is one that the user does not take
	 * back, made before the worker looked. */
	if (worker->announcement[0] != '\0' &&
	    (end == WORKER_UNKNOWN ||
	        (end == WORKER_DONE && pending_is_extra(worker->announcement))))
		take_announcement_back(worker);
	if (worker->is_wanted_again && end != WORKER_UNKNOWN)
		launch(sweep, worker);
}

/* -- who is at work ---------------------------------------------------------------------------- */

/* Whoever became a user can be stopped by that user, or hang in their files: nobody waits for them
 * longer than for an honest one. Killed they may still hang in the kernel; then they are left. */
static void end_if_overdue(struct sweep *sweep, struct worker *worker)
{
	int64_t over_ms = clock_monotonic_ms() - worker->ends_ms;
	if (over_ms > 0)
		(void)kill(worker->pid, SIGKILL);
	if (over_ms <= KILL_MS)
		return;
	log_write(LOG_LEVEL_ERROR, "process %ld, sending a user's mail, cannot be killed",
	    (long)worker->pid);
	note_end(sweep, worker, WORKER_FAILED);
}

void sweep_look(struct sweep *sweep)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct worker *worker = &sweep->workers[i];
		int status;
		pid_t pid = worker->pid == 0 ? 0 : waitpid(worker->pid, &status, WNOHANG);
		if (pid > 0)
			note_end(sweep, worker,
			    WIFEXITED(status) ? (enum worker_end)WEXITSTATUS(status)
			                      : WORKER_FAILED);
		else if (pid < 0 && errno != EINTR)
			note_end(sweep, worker, WORKER_FAILED);
		else if (worker->pid != 0)
			end_if_overdue(sweep, worker);
	}
}

/* Waits until fewer than `max` are at work. */
static void wait_until_below(struct sweep *sweep, size_t max)
{
	useconds_t pause_us = 200;
	sweep_look(sweep);
	while (sweep->count >= max && sweep->count > 0) {
		usleep(pause_us);
		if (pause_us < 20000)
			pause_us *= 2;
		sweep_look(sweep);
	}
}

/* Names are anybody's to use, so those whom somebody else calls so are another. */
static struct worker *find_same(struct sweep *sweep, const struct worker *as)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct worker *worker = &sweep->workers[i];
		if (worker->pid != 0 && worker->maker == as->maker &&
		    span_equals(user_of(worker), user_of(as)))
			return worker;
	}
	return NULL;
}

/* Whose worker is still at work has no second one: each would find something waiting, what the
 * other holds; and others could wait for a user who keeps many busy. */
static void start(struct sweep *sweep, const struct worker *wanted, time_t news)
{
	struct worker *worker = find_same(sweep, wanted);
	if (worker != NULL) {
		worker->is_wanted_again |= news + CLOCKS_S >= worker->began;
		return;
	}
	wait_until_below(sweep, (size_t)sweep->settings->outbox.processes);
	for (worker = sweep->workers; worker->pid != 0;)
		worker++;
	*worker = *wanted;
	launch(sweep, worker);
}

/* -- all of them ------------------------------------------------------------------------------- */

struct extra {
	struct span user_name;
	uid_t maker;
	struct extra *next;
};

/* Anybody may make any number of them: one of a user is seen to at a time. */
static bool is_first_extra(struct sweep *sweep, struct span user_name, uid_t maker)
{
	struct extra **at = &sweep->extras;
	while (*at != NULL && ((*at)->maker != maker || !span_equals((*at)->user_name, user_name)))
		at = &(*at)->next;
	if (*at != NULL || sweep->extra_count == EXTRAS_MAX)
		return false;
	*at = ARENA_NEW(sweep->round_arena, struct extra);
	(*at)->maker = maker;
	(*at)->user_name = arena_span(sweep->round_arena, user_name);
	sweep->extra_count++;
	return true;
}

static struct worker worker_for(const struct sweep_round *round, struct span user_name, uid_t maker)
{
	struct worker worker = {.maker = (int64_t)maker, .is_counted = round->since == 0};
	/* It was a file's name. */
	worker.user_name_len = user_name.len < NAME_MAX ? user_name.len : NAME_MAX;
	memcpy(worker.user_name, user_name.data, worker.user_name_len);
	return worker;
}

struct walk {
	struct sweep *sweep;
	const struct sweep_round *round;
	const char *directory;
};

static void start_announced(
    void *context, const char *name, struct span user_name, const struct stat *found)
{
	const struct walk *walk = context;
	if (found->st_ctim.tv_sec < walk->round->since ||
	    (pending_is_extra(name) && !is_first_extra(walk->sweep, user_name, found->st_uid)))
		return;
	struct worker worker = worker_for(walk->round, user_name, found->st_uid);
	worker.directory = walk->directory;
	snprintf(worker.announcement, sizeof(worker.announcement), "%s", name);
	start(walk->sweep, &worker, found->st_ctim.tv_sec);
}

static bool has_files(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	bool has_any = false;
	while (dir != NULL && !has_any && (entry = readdir(dir)) != NULL)
		has_any = entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return has_any;
}

/* Users by the names of their directories, but those who have announced something. */
static void walk_shared(struct sweep *sweep, const struct sweep_round *round, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	struct arena *arena = arena_new();
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct span user = state_user_name(arena, span_of(entry->d_name));
		const char *new =
		    arena_textf(arena, "%s/%s/" OUTBOX_NAME "/new", directory, entry->d_name);
		const char *announced =
		    arena_textf(arena, "%s/" STATE_PENDING_NAME "/%s", directory, entry->d_name);
		struct stat found;
		if (user.len > 0 && lstat(announced, &found) != 0 && lstat(new, &found) == 0 &&
		    has_files(new)) {
			struct worker worker = worker_for(round, user, found.st_uid);
			start(sweep, &worker, 0);
		}
		arena_reset(arena);
	}
	if (dir != NULL)
		closedir(dir);
	arena_free(&arena);
}

static void prepare(struct sweep *sweep)
{
	struct srs *srs;
	struct status no_keys;
	arena_reset(sweep->round_arena);
	sweep->extras = NULL;
	sweep->extra_count = 0;
	/* As long as we are who we are: the users may not read them. */
	srs = ARENA_NEW(sweep->round_arena, struct srs);
	sweep->srs =
	    srs_keys_load(sweep->round_arena, &sweep->settings->srs, srs, &no_keys) ? srs : NULL;
}

void sweep_begin(struct sweep *sweep, const struct sweep_round *round)
{
	const char *shared = state_shared_directory(sweep->settings);
	prepare(sweep);
	if (round->since == 0) {
		sweep->tally = (struct sweep_tally){0};
		for (size_t i = 0; i < PROCESSES_MAX; i++)
			sweep->workers[i].is_counted = sweep->workers[i].pid != 0;
	}
	for (size_t i = 0; i < 2; i++) {
		struct walk walk = {sweep, round, sweep->pending[i]};
		int directory = walk.directory == NULL ? -1 : pending_open(walk.directory);
		if (directory >= 0)
			pending_walk(directory, start_announced, &walk);
		file_close(&directory);
	}
	if (shared != NULL && round->is_thorough)
		walk_shared(sweep, round, shared);
}

bool sweep_count(const struct sweep *sweep, struct sweep_tally *tally_out)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		if (sweep->workers[i].pid != 0 && sweep->workers[i].is_counted)
			return false;
	}
	*tally_out = sweep->tally;
	return true;
}

struct sweep *sweep_new(const struct settings *settings, int64_t worker_limit_ms)
{
	struct sweep *sweep = memory_new(1, sizeof(*sweep));
	const char *shared = state_shared_directory(settings);
	/* Inherited as ignored it would take the ends of our processes away. */
	signal(SIGCHLD, SIG_DFL);
	sweep->settings = settings;
	sweep->worker_limit_ms = worker_limit_ms;
	sweep->arena = arena_new();
	sweep->round_arena = arena_new();
	sweep->pending[0] = settings->outbox.pending;
	if (shared != NULL)
		sweep->pending[1] = arena_textf(sweep->arena, "%s/" STATE_PENDING_NAME, shared);
	void *items = mmap(NULL, PROCESSES_MAX * sizeof(*sweep->items), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sweep->items = items == MAP_FAILED ? NULL : items;
	return sweep;
}

void sweep_free(struct sweep **sweep)
{
	if (*sweep == NULL)
		return;
	if ((*sweep)->items != NULL)
		munmap((*sweep)->items, PROCESSES_MAX * sizeof(*(*sweep)->items));
	arena_free(&(*sweep)->round_arena);
	arena_free(&(*sweep)->arena);
	free(*sweep);
	*sweep = NULL;
}

void sweep_wait(struct sweep *sweep)
{
	wait_until_below(sweep, 1);
}

struct sweep_tally sweep_all(const struct settings *settings, int64_t worker_limit_ms)
{
	struct sweep_round round = {.is_thorough = true};
	struct sweep_tally tally = {0};
	struct sweep *sweep = sweep_new(settings, worker_limit_ms);
	sweep_begin(sweep, &round);
	sweep_wait(sweep);
	(void)sweep_count(sweep, &tally);
	sweep_free(&sweep);
	return tally;
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

bool sweep_has_news(struct sweep *sweep)
{
	bool has_news = false;
	for (size_t i = 0; i < 2; i++) {
		if (sweep->pending[i] != NULL)
			has_news |= has_changed(sweep->pending[i], &sweep->seen[i]);
	}
	return has_news;
}
