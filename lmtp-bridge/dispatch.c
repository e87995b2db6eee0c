#include "lmtp-bridge/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How an exchange ended for recipients that have no status yet. */
enum ending {
	ENDING_NONE,     /* not yet */
	ENDING_ANSWERED, /* there are none */
	ENDING_FAREWELL, /* the delivery process has closed the line without looking */
	ENDING_DIED,     /* it is gone, or talks nonsense */
	ENDING_DEADLINE,
	ENDING_NO_CALL, /* it could not even be asked */
};

/* Processes of single recipients that work for a message at the same time. */
#define JOBS_MAX CALLER_KEPT_MAX

struct work {
	const struct dispatch *dispatch;
	struct exchange_request request; /* apart from recipients */
	int message_fd;
	int64_t end_ms; /* when the client must have its answer */
	struct exchange_times times;
};

/* One exchange about recipients that have no status yet. */
struct job {
	const struct envelope_recipient *recipients;
	size_t count;
	struct status *statuses;
	bool *is_answered;
	size_t answered_count;
	uint32_t user_key;
	int line;
	bool is_ready;
	enum ending ending;
};

static struct work begin(const struct dispatch *dispatch, enum exchange_kind kind)
{
	struct work work = {.dispatch = dispatch, .message_fd = -1};
	uint64_t timeout_s = dispatch->settings->delivery_timeout_s;
	work.end_ms = clock_monotonic_ms() + (int64_t)timeout_s * 1000;
	work.times = exchange_times(work.end_ms, timeout_s);
	work.request = (struct exchange_request){
	    .kind = kind,
	    .is_probe = dispatch->is_probe,
	    .id = dispatch->id,
	    .deadline_ms = work.times.pipeline_ms,
	    .envelope = *dispatch->envelope,
	};
	return work;
}

static enum ending ending_of_error(const struct work *work)
{
	/* One that ran out of time kills itself a moment before we stop waiting. */
	if (errno == ETIMEDOUT || clock_monotonic_ms() >= work->times.pipeline_ms)
		return ENDING_DEADLINE;
	return ENDING_DIED;
}

/* -- one exchange ---------------------------------------------------------------------------- */

static void begin_job(struct work *work, struct job *job)
{
	struct bytes request = {0};
	struct span address = job->recipients[0].address.text;
	work->request.recipients = job->recipients;
	work->request.recipient_count = job->count;
	exchange_write(&work->request, &request);
	job->ending = ENDING_NONE;
	job->line = caller_take(work->dispatch->caller, address, work->end_ms);
	if (job->line < 0) {
		log_write(LOG_LEVEL_ERROR, "cannot reach a delivery process: %s", strerror(errno));
		job->ending = ENDING_NO_CALL;
	} else if (channel_write(
	               job->line, request.data, request.len, work->message_fd, work->end_ms) != 0 &&
	           errno == ETIMEDOUT) {
		job->ending = ENDING_DEADLINE;
	}
	/* After any other failure a farewell may be waiting to be read. */
	bytes_clear(&request);
}

/* Reads the next answer, which may end the job. */
static void read_answer(const struct work *work, struct job *job)
{
	struct exchange_answer answer;
	if (channel_read(job->line, &answer, sizeof(answer), sizeof(answer), NULL, work->end_ms) <
	    0) {
		job->ending = ending_of_error(work);
	} else if (answer.index == EXCHANGE_FAREWELL && job->answered_count == 0) {
		job->ending = ENDING_FAREWELL;
	} else if (!exchange_is_answer(&answer, job->count) || job->is_answered[answer.index]) {
		log_write(LOG_LEVEL_ERROR, "a delivery process sent an answer that is none");
		job->ending = ENDING_DIED;
	} else {
		job->statuses[answer.index] = answer.status;
		job->is_answered[answer.index] = true;
		job->user_key = (uint32_t)answer.user_key;
		if (++job->answered_count == job->count)
			job->ending = ENDING_ANSWERED;
	}
}

static void end_job(struct work *work, struct job *job)
{
	bool is_good = job->ending == ENDING_ANSWERED;
	if (job->line >= 0 && is_good && work->request.kind == EXCHANGE_DELIVER)
		caller_put_unheard(work->dispatch->caller, job->line);
	else if (job->line >= 0 && is_good)
		caller_put(work->dispatch->caller, job->recipients[0].address.text, job->line);
	else if (job->line >= 0)
		close(job->line);
	job->line = -1;
}

/* Waits until one of them has something to read; false at the deadline. */
static bool wait_for_any(const struct work *work, struct job *jobs, size_t count)
{
	struct pollfd pollers[JOBS_MAX];
	size_t open_count = 0;
	for (size_t i = 0; i < count; i++) {
		pollers[i] = (struct pollfd){
		    .fd = jobs[i].ending == ENDING_NONE ? jobs[i].line : -1, .events = POLLIN};
		open_count += pollers[i].fd >= 0;
	}
	int ready = 0;
	while (open_count > 0 && ready <= 0) {
		int left_ms = clock_left_ms(work->end_ms);
		ready = poll(pollers, (nfds_t)count, left_ms);
		if (ready == 0 && left_ms == 0)
			return false;
	}
	for (size_t i = 0; i < count; i++)
		jobs[i].is_ready = pollers[i].fd >= 0 && pollers[i].revents != 0;
	return open_count > 0;
}

static void read_ready(struct work *work, struct job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		if (!job->is_ready)
			continue;
		read_answer(work, job);
		if (job->ending == ENDING_NONE)
			continue;
		end_job(work, job);
		/* Nobody has looked at it, so it is asked again, on another line. */
		if (job->ending == ENDING_FAREWELL)
			begin_job(work, job);
	}
}

/* All of them at the same time, each to its end. */
static void ask(struct work *work, struct job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		begin_job(work, &jobs[i]);
	if (count == 1) {
		/* The usual case needs no poll(). */
		while (jobs[0].ending == ENDING_NONE) {
			jobs[0].is_ready = true;
			read_ready(work, jobs, 1);
		}
	}
	while (wait_for_any(work, jobs, count))
		read_ready(work, jobs, count);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].ending == ENDING_NONE)
			jobs[i].ending = ENDING_DEADLINE;
		end_job(work, &jobs[i]);
	}
}

/* -- recipients ------------------------------------------------------------------------------ */

static void set_ending(struct status *status, enum ending ending)
{
	switch (ending) {
	case ENDING_ANSWERED:
		break;
	case ENDING_NONE:
	case ENDING_FAREWELL:
	case ENDING_DIED:
		status_fail(status, CAUSE_INTERNAL, "the delivery process died");
		break;
	case ENDING_DEADLINE:
		status_fail(status, CAUSE_DEADLINE, "no answer from the delivery process");
		break;
	case ENDING_NO_CALL:
		status_fail(status, CAUSE_TOO_BUSY, "no delivery process can be reached");
		break;
	}
}

/* Alone with a process, so that one recipient's trouble is nobody else's. */
static struct job ask_alone(
    struct work *work, const struct envelope_recipient *recipient, struct status *status)
{
	bool is_answered = false;
	struct job job = {
	    .recipients = recipient, .count = 1, .statuses = status, .is_answered = &is_answered};
	ask(work, &job, 1);
	set_ending(status, job.ending);
	if (job.ending == ENDING_DIED)
		log_write(LOG_LEVEL_ERROR, "id=%s: a delivery process died serving <%.*s>",
		    work->dispatch->id, (int)recipient->address.text.len,
		    recipient->address.text.data);
	return job;
}

/* A user with so many transactions under way that one more would be at the others' cost. */
static void limit_user(const struct dispatch *dispatch, uint32_t key, struct status *status)
{
	const struct caller *caller = dispatch->caller;
	uint64_t limit = dispatch->settings->lmtp.user_sessions;
	if (dispatch->is_probe || key == 0 || limit == 0)
		return;
	if (board_user_count(caller->board, caller->slot, key) < limit) {
		board_user_add(caller->board, caller->slot, key);
		return;
	}
	board_add(caller->board, BOARD_REFUSED_USER, 1);
	status_set(status, CAUSE_TOO_BUSY, "Too many deliveries to this user at the same time");
	status_detail(status, "lmtp.user_sessions is %llu", (unsigned long long)limit);
}

void dispatch_admit(const struct dispatch *dispatch, const struct envelope_recipient *recipient,
    struct status *status_out)
{
	struct caller *caller = dispatch->caller;
	struct work work = begin(dispatch, EXCHANGE_ADMIT);
	int64_t began_us = board_now_us();
	board_state(caller->board, caller->slot, BOARD_BUSY);
	board_text(caller->board, caller->slot, dispatch->id, recipient->address.text);
	struct job job = ask_alone(&work, recipient, status_out);
	/* A second time, because the first may have died of something else. */
	if (job.ending == ENDING_DIED)
		job = ask_alone(&work, recipient, status_out);
	if (status_is_success(status_out))
		limit_user(dispatch, job.user_key, status_out);
	board_admitted(caller->board, status_out->cause);
	board_time(caller->board, BOARD_STAGE_RCPT, board_now_us() - began_us);
}

/* The recipients as jobs: all together, or each its own. Returns how many. */
static size_t make_jobs(const struct dispatch *dispatch, struct job whole, struct job *jobs)
{
	if (!dispatch->caller->is_per_recipient) {
		jobs[0] = whole;
		return 1;
	}
	for (size_t i = 0; i < whole.count; i++)
		jobs[i] = (struct job){.recipients = whole.recipients + i,
		    .count = 1,
		    .statuses = whole.statuses + i,
		    .is_answered = whole.is_answered + i};
	return whole.count;
}

/* What a job left over is tried once more, one recipient at a time. */
static void serve_rest(struct work *work, const struct job *job)
{
	if (job->ending == ENDING_DIED)
		log_write(LOG_LEVEL_ERROR,
		    "id=%s: a delivery process died serving %zu recipients; those it left over "
		    "are tried one at a time",
		    work->dispatch->id, job->count);
	for (size_t i = 0; i < job->count; i++) {
		if (job->is_answered[i])
			continue;
		if (job->ending == ENDING_DIED && clock_monotonic_ms() < work->times.pipeline_ms)
			ask_alone(work, &job->recipients[i], &job->statuses[i]);
		else
			set_ending(&job->statuses[i], job->ending);
	}
}

void dispatch_deliver(const struct dispatch *dispatch, const struct spool *spool,
    const struct envelope_recipient *recipients, size_t count, struct status *statuses_out)
{
	struct board *board = dispatch->caller->board;
	struct work work = begin(dispatch, EXCHANGE_DELIVER);
	int64_t began_us = board_now_us();
	bool *is_answered = memory_new(count, sizeof(*is_answered));
	struct job *jobs = memory_new(count, sizeof(*jobs));
	struct job whole = {recipients, count, statuses_out, is_answered, 0, 0, -1, false, 0};
	work.message_fd = spool_descriptor(spool);
	work.request.has_file = work.message_fd >= 0;
	work.request.size_bytes = spool_size_bytes(spool);
	work.request.line_count = spool_line_count(spool);
	work.request.message = spool_in_memory(spool);
	size_t job_count = make_jobs(dispatch, whole, jobs);
	for (size_t at = 0; at < job_count; at += JOBS_MAX)
		ask(&work, jobs + at, job_count - at < JOBS_MAX ? job_count - at : JOBS_MAX);
	for (size_t i = 0; i < job_count; i++)
		serve_rest(&work, &jobs[i]);
	free(jobs);
	free(is_answered);
	for (size_t i = 0; i < count; i++)
		board_delivered(board, statuses_out[i].cause);
	board_add(board, BOARD_MESSAGES, 1);
	board_add(board, BOARD_BYTES, spool_size_bytes(spool));
	board_time(board, BOARD_STAGE_MESSAGE, board_now_us() - began_us);
}
