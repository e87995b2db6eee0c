#include "lmtp-bridge/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How an exchange ended for recipients that have no status yet. */
enum ending {
	ENDING_ANSWERED, /* there are none */
	ENDING_DIED,     /* the delivery process is gone, or talks nonsense */
	ENDING_DEADLINE,
	ENDING_NO_CALL, /* it could not even be asked */
};

struct work {
	const struct dispatch *dispatch;
	struct exchange_request request; /* apart from recipients */
	int message_fd;
	int64_t end_ms; /* when the client must have its answer */
	struct exchange_times times;
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

static enum ending read_answers(
    const struct work *work, int fd, size_t count, struct status *statuses, bool *is_answered)
{
	for (size_t answered = 0; answered < count; answered++) {
		struct exchange_answer answer;
		if (channel_read(fd, &answer, sizeof(answer), work->end_ms) != 0)
			return ending_of_error(work);
		if (!exchange_is_answer(&answer, count) || is_answered[answer.index]) {
			log_write(
			    LOG_LEVEL_ERROR, "a delivery process sent an answer that is none");
			return ENDING_DIED;
		}
		statuses[answer.index] = answer.status;
		is_answered[answer.index] = true;
	}
	return ENDING_ANSWERED;
}

/* One exchange about `count` recipients that have no status yet. */
static enum ending ask(struct work *work, const struct envelope_recipient *recipients, size_t count,
    struct status *statuses, bool *is_answered)
{
	struct bytes request = {0};
	size_t written;
	enum ending ending = ENDING_NO_CALL;
	work->request.recipients = recipients;
	work->request.recipient_count = count;
	exchange_write(&work->request, &request);
	int fd = channel_call(work->dispatch->calling, bytes_span(&request), work->message_fd,
	    work->end_ms, &written);
	if (fd < 0) {
		log_write(LOG_LEVEL_ERROR, "cannot reach a delivery process: %s", strerror(errno));
	} else if (channel_write(fd, request.data + written, request.len - written, work->end_ms) !=
	           0) {
		ending = ending_of_error(work);
	} else {
		ending = read_answers(work, fd, count, statuses, is_answered);
	}
	if (fd >= 0)
		close(fd);
	bytes_clear(&request);
	return ending;
}

static void set_ending(struct status *status, enum ending ending)
{
	switch (ending) {
	case ENDING_ANSWERED:
		break;
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

/* Alone with a fresh process, so that one recipient's trouble is nobody else's. */
static enum ending ask_alone(
    struct work *work, const struct envelope_recipient *recipient, struct status *status)
{
	bool is_answered = false;
	enum ending ending = ask(work, recipient, 1, status, &is_answered);
	set_ending(status, ending);
	if (ending == ENDING_DIED)
		log_write(LOG_LEVEL_ERROR, "id=%s: a delivery process died serving <%.*s>",
		    work->dispatch->id, (int)recipient->address.text.len,
		    recipient->address.text.data);
	return ending;
}

void dispatch_admit(const struct dispatch *dispatch, const struct envelope_recipient *recipient,
    struct status *status_out)
{
	struct work work = begin(dispatch, EXCHANGE_ADMIT);
	/* A second time, because the first may have died of something else. */
	if (ask_alone(&work, recipient, status_out) == ENDING_DIED)
		ask_alone(&work, recipient, status_out);
}

void dispatch_deliver(const struct dispatch *dispatch, const struct spool *spool,
    const struct envelope_recipient *recipients, size_t count, struct status *statuses_out)
{
	struct work work = begin(dispatch, EXCHANGE_DELIVER);
	bool *is_answered = memory_new(count, sizeof(*is_answered));
	work.message_fd = spool_descriptor(spool);
	work.request.has_file = work.message_fd >= 0;
	work.request.size_bytes = spool_size_bytes(spool);
	work.request.line_count = spool_line_count(spool);
	work.request.message = spool_in_memory(spool);
	enum ending ending = ask(&work, recipients, count, statuses_out, is_answered);
	if (ending == ENDING_DIED)
		log_write(LOG_LEVEL_ERROR,
		    "id=%s: a delivery process died serving %zu recipients; those it left over "
		    "are tried one at a time",
		    dispatch->id, count);
	for (size_t i = 0; i < count; i++) {
		if (is_answered[i])
			continue;
		if (ending == ENDING_DIED && clock_monotonic_ms() < work.times.pipeline_ms)
			ask_alone(&work, &recipients[i], &statuses_out[i]);
		else
			set_ending(&statuses_out[i], ending);
	}
	free(is_answered);
}
