/* delivery_process.c - one process that stores mail: exchanges in, pipeline, answers out.
 *
 * A line is kept from one exchange to the next, which spares both sides a socket and the kernel a
 * search for somebody to wake. It is given up for another session's call as soon as no process
 * is free for that one: at once where its own session is silent, else after LEASE_MS. A farewell
 * tells the session that what it may just be asking was not looked at. */
#include "lmtp-bridge/delivery_process.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "deliver/pipeline.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/exchange.h"
#include "lmtp-bridge/signals.h"
#include "lmtp-bridge/unheard.h"
#include "users/users.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* A session has its request ready when it writes; one that has not is broken. */
#define REQUEST_TIMEOUT_MS 10000
#define FAREWELL_TIMEOUT_MS 1000
/* How long a line may keep others waiting, and how long a silent one is kept. */
#define LEASE_MS 20
#define SILENCE_MS 10
/* For how long a process that is to end waits for clients that have said nothing since. */
#define UNHEARD_TIMEOUT_MS 60000
/* A process that nobody needs goes after so many times CHANNEL_IDLE_S. */
#define IDLE_ROUNDS_MAX 6
/* Of a request: each recipient has its address, its original and ORCPT. */
#define RECIPIENT_BYTES_MAX 8192
#define READ_BYTES ((size_t)16 * 1024)
#define KEEP_BYTES ((size_t)1024 * 1024)

struct server {
	const struct delivery_start *start;
	const struct settings *settings;
	struct pipeline *pipeline; /* null until it could be opened */
	struct arena *arena;       /* for one exchange */
	struct bytes body;
	int line;
	int64_t line_since_ms;
	int64_t started_ms;
	uint64_t use_count;
	struct unheard unheard;     /* on `line` */
	struct unheard_list others; /* on lines that were left for others */
	bool has_failed;
	char *bound_to; /* owned; the recipient we have become the user of; or null */
};

/* One exchange. */
struct service {
	struct server *server;
	int fd;         /* the line */
	int message_fd; /* -1: none, or taken over by the spool */
	size_t start;   /* of the request in the body */
	bool is_word;   /* it was none: the client has heard what was told on this line */
	int64_t kill_ms;
	struct exchange_request request;
	uint32_t user_key;
	/* The step under way, for the board. */
	enum pipeline_step step;
	int64_t step_us;
};

/* -- what the board shows -------------------------------------------------------------------- */

_Static_assert(
    (int)PIPELINE_USER == (int)BOARD_STAGE_USER && (int)PIPELINE_COMMIT == (int)BOARD_STAGE_COMMIT,
    "the pipeline's steps are the first stages");

static void note_step(void *context, enum pipeline_step step, size_t index, const struct user *user)
{
	struct service *service = context;
	const struct delivery_start *start = service->server->start;
	int64_t now_us = board_now_us();
	if (service->step != PIPELINE_END)
		board_time(
		    start->board, (enum board_stage)service->step, now_us - service->step_us);
	service->step = step;
	service->step_us = now_us;
	if (user != NULL)
		service->user_key = board_user_key(user->name);
	if (step != PIPELINE_END && index < service->request.recipient_count)
		board_text(start->board, start->slot, service->request.id,
		    service->request.recipients[index].address.text);
}

/* -- one exchange ---------------------------------------------------------------------------- */

static void answer(void *context, size_t index, const struct status *status)
{
	const struct service *service = context;
	struct exchange_answer note = {
	    .index = index, .user_key = service->user_key, .status = *status};
	/* A session that is gone does not stop the delivery: the mail is ours by now. */
	(void)channel_write(service->fd, &note, sizeof(note), -1, service->kill_ms);
}

static void answer_all(struct service *service, const struct status *status)
{
	for (size_t i = 0; i < service->request.recipient_count; i++)
		answer(service, i, status);
}

static bool read_more(struct service *service, size_t least, size_t most, int64_t deadline_ms)
{
	struct bytes *body = &service->server->body;
	ssize_t got = channel_read(
	    service->fd, bytes_reserve(body, most), least, most, &service->message_fd, deadline_ms);
	if (got > 0)
		body->len += (size_t)got;
	return got >= 0;
}

static bool read_request(struct service *service)
{
	struct server *server = service->server;
	struct bytes *body = &server->body;
	int64_t deadline_ms = clock_monotonic_ms() + REQUEST_TIMEOUT_MS;
	uint64_t max = 2 * SPOOL_MEMORY_BYTES +
	               (server->settings->lmtp.max_recipients + 2) * RECIPIENT_BYTES_MAX;
	/* A session asks one thing at a time, so there is nothing behind the request; in front of
	 * it may stand the word that all was heard. */
	bytes_reset(body);
	uint64_t len = 0;
	while (len == 0) {
		service->start += body->len > 0 ? EXCHANGE_LENGTH_BYTES : 0;
		size_t have = body->len - service->start;
		service->is_word = body->len > 0 && have == 0;
		if (service->is_word)
			return true;
		if (have < EXCHANGE_LENGTH_BYTES &&
		    !read_more(service, EXCHANGE_LENGTH_BYTES - have, READ_BYTES, deadline_ms))
			return false;
		len = exchange_length(body->data + service->start);
	}
	service->start += EXCHANGE_LENGTH_BYTES;
	size_t have = body->len - service->start;
	if (len > max || have > len)
		return false;
	size_t rest = (size_t)len - have;
	if (rest > 0 && !read_more(service, rest, rest, deadline_ms))
		return false;
	struct span text = {body->data + service->start, (size_t)len};
	return exchange_read(server->arena, text, &service->request) &&
	       service->request.recipient_count <= server->settings->lmtp.max_recipients;
}

/* From here to the end of the exchange the process must not live longer than the session waits:
 * should everything inside fail to notice its deadline, this ends it. */
static void set_alarm(int64_t left_ms)
{
	struct itimerval timer = {.it_value = {left_ms / 1000, left_ms % 1000 * 1000}};
	setitimer(ITIMER_REAL, &timer, NULL);
}

static bool is_message_file(const struct service *service)
{
	struct stat stat;
	return service->message_fd >= 0 && fstat(service->message_fd, &stat) == 0 &&
	       S_ISREG(stat.st_mode) && (uint64_t)stat.st_size >= service->request.size_bytes;
}

static struct spool *take_message(struct service *service, struct status *status)
{
	const struct exchange_request *request = &service->request;
	if (!request->has_file)
		return spool_adopt_bytes(request->message, request->line_count);
	if (!is_message_file(service)) {
		status_fail(status, CAUSE_INTERNAL, "the session sent no message file");
		return NULL;
	}
	int fd = service->message_fd;
	service->message_fd = -1;
	return spool_adopt_fd(fd, request->size_bytes, request->line_count);
}

static struct pipeline_recipient *take_recipients(const struct service *service)
{
	size_t count = service->request.recipient_count;
	struct pipeline_recipient *recipients =
	    arena_new_items(service->server->arena, count, sizeof(recipients[0]));
	for (size_t i = 0; i < count; i++)
		recipients[i].envelope = service->request.recipients[i];
	return recipients;
}

static struct pipeline_call make_call(
    const struct server *server, const struct exchange_request *request)
{
	return (struct pipeline_call){
	    .front = "lmtp",
	    .id = request->id,
	    .deadline_ms = request->deadline_ms,
	    .is_probe = request->is_probe,
	    .is_admitted = request->kind == EXCHANGE_DELIVER,
	    .lost_replies = board_lost_replies(server->start->board),
	};
}

/* The session tells its client now: until we learn that it has heard, we are ready to remember. */
static void keep_unheard(struct service *service, const struct status *statuses, int message_fd)
{
	struct server *server = service->server;
	size_t count = service->request.recipient_count;
	bool is_success = false;
	for (size_t i = 0; i < count; i++)
		is_success |= status_is_success(&statuses[i]);
	if (!is_success || board_lost_replies(server->start->board) == NULL) {
		if (message_fd >= 0)
			close(message_fd);
		return;
	}
	unheard_keep(&server->unheard, &server->body, service->start, message_fd);
	for (size_t i = 0; i < count; i++)
		bytes_append_byte(&server->unheard.stored, status_is_success(&statuses[i]) ? 1 : 0);
}

static void run_delivery(struct service *service, const struct pipeline_call *call)
{
	struct server *server = service->server;
	const struct exchange_request *request = &service->request;
	struct status status;
	int message_fd = -1;
	if (service->message_fd >= 0)
		message_fd = fcntl(service->message_fd, F_DUPFD_CLOEXEC, 0);
	struct spool *spool = take_message(service, &status);
	if (spool == NULL) {
		answer_all(service, &status);
		file_close(&message_fd);
		return;
	}
	struct status *statuses = memory_new(request->recipient_count, sizeof(*statuses));
	pipeline_deliver(server->pipeline, call, &request->envelope, spool,
	    take_recipients(service), request->recipient_count, statuses, answer, service);
	spool_free(&spool);
	keep_unheard(service, statuses, message_fd);
	free(statuses);
}

static void run_pipeline(struct service *service)
{
	struct server *server = service->server;
	const struct exchange_request *request = &service->request;
	struct pipeline_watch watch = {note_step, service};
	struct pipeline_call call = make_call(server, request);
	struct status status;
	call.watch = &watch;
	if (request->kind == EXCHANGE_DELIVER) {
		run_delivery(service, &call);
		return;
	}
	status_delivered(&status);
	pipeline_admit(
	    server->pipeline, &call, &request->envelope, take_recipients(service), &status);
	answer(service, 0, &status);
}

/* The pipeline is opened again for each exchange until it can be: what is wrong may be mended. */
static bool open_pipeline(struct server *server, struct status *status)
{
	if (server->pipeline == NULL)
		server->pipeline = pipeline_open(server->settings, status);
	if (server->pipeline == NULL)
		log_write(LOG_LEVEL_ERROR, "%s", status->detail);
	return server->pipeline != NULL;
}

/* The session's deadline, but never later than one that begins now. */
static void set_times(struct service *service, int64_t now_ms)
{
	uint64_t timeout_s = service->server->settings->delivery_timeout_s;
	struct exchange_times times = exchange_times(now_ms + (int64_t)timeout_s * 1000, timeout_s);
	int64_t margin_ms = times.kill_ms - times.pipeline_ms;
	if (service->request.deadline_ms > times.pipeline_ms)
		service->request.deadline_ms = times.pipeline_ms;
	service->kill_ms = service->request.deadline_ms + margin_ms;
}

/* Who has become one user can serve nobody else. */
static bool is_for_us(struct service *service)
{
	struct server *server = service->server;
	const struct exchange_request *request = &service->request;
	struct span address = request->recipients[0].address.text;
	if (server->start->serving >= 0)
		return true;
	if (request->recipient_count != 1 || span_find(address, '\0') < address.len)
		return false;
	if (server->bound_to == NULL) {
		server->bound_to = memory_new(address.len + 1, 1);
		memcpy(server->bound_to, address.data, address.len);
	}
	return span_is(address, server->bound_to);
}

/* -- what was not heard ---------------------------------------------------------------------- */

/* Its session has gone without a word: the client will send the message again. */
static void remember(struct server *server, struct unheard *lost)
{
	struct exchange_request request;
	struct span body = span_from(bytes_span(&lost->body), lost->start);
	int64_t timeout_ms = (int64_t)server->settings->delivery_timeout_s * 1000;
	if (lost->is_waiting && exchange_read(server->arena, body, &request)) {
		struct service service = {.server = server, .message_fd = lost->message_fd};
		struct pipeline_call call = make_call(server, &request);
		struct status status;
		struct pipeline_recipient *stored =
		    arena_new_items(server->arena, request.recipient_count, sizeof(*stored));
		size_t count = 0;
		lost->message_fd = -1;
		service.request = request;
		call.deadline_ms = clock_monotonic_ms() + timeout_ms;
		set_alarm(timeout_ms);
		for (size_t i = 0; i < request.recipient_count; i++) {
			if (lost->stored.data[i] != 0)
				stored[count++].envelope = request.recipients[i];
		}
		struct spool *spool = take_message(&service, &status);
		if (spool != NULL)
			pipeline_remember(
			    server->pipeline, &call, &request.envelope, spool, stored, count);
		spool_free(&spool);
		if (service.message_fd >= 0)
			close(service.message_fd);
		set_alarm(0);
		arena_reset(server->arena);
	}
	unheard_reset(lost);
}

static void remember_others(struct server *server)
{
	struct unheard lost;
	while (server->others.count > 0 && unheard_list_take_lost(&server->others, &lost)) {
		remember(server, &lost);
		unheard_clear(&lost);
	}
}

/* Waits for a word on one of those lines, or for `fd`. */
static int wait_for_word(struct server *server, int fd, int timeout_ms)
{
	struct pollfd pollers[UNHEARD_LINES_MAX + 1] = {{fd, POLLIN, 0}};
	for (size_t i = 0; i < server->others.count; i++)
		pollers[i + 1] = (struct pollfd){server->others.items[i].line, POLLIN, 0};
	int ready = poll(pollers, 1 + (nfds_t)server->others.count, timeout_ms);
	if (ready > 0)
		remember_others(server);
	return ready;
}

/* -- one request ----------------------------------------------------------------------------- */

/* False when the line is of no more use. */
static bool serve(struct service *service)
{
	struct server *server = service->server;
	struct status status;
	if (!read_request(service)) {
		/* The end of a line is no error. */
		if (server->body.len > 0 || errno != EPIPE)
			log_write(LOG_LEVEL_ERROR, "a session sent a request that is none");
		remember(server, &server->unheard);
		return false;
	}
	unheard_reset(&server->unheard);
	if (service->is_word)
		return true;
	int64_t now_ms = clock_monotonic_ms();
	set_times(service, now_ms);
	/* Waited too long for us, or nobody is there to be answered: the client will come again, so
	 * to deliver now would deliver twice. */
	if (service->request.deadline_ms <= now_ms || channel_is_hung_up(service->fd))
		return false;
	set_alarm(service->kill_ms - now_ms);
	if (!is_for_us(service)) {
		status_fail(&status, CAUSE_INTERNAL, "a process of one user was asked for another");
		answer_all(service, &status);
	} else if (open_pipeline(server, &status)) {
		run_pipeline(service);
	} else {
		answer_all(service, &status);
	}
	set_alarm(0);
	return true;
}

/* -- lines ----------------------------------------------------------------------------------- */

static void set_state(const struct server *server, enum board_state state)
{
	board_state(server->start->board, server->start->slot, state);
}

static uint32_t free_count(const struct server *server)
{
	return board_free_count(server->start->board, server->start->slot);
}

static void drop_line(struct server *server, bool says_farewell)
{
	static const struct exchange_answer farewell = {.index = EXCHANGE_FAREWELL};
	if (server->line < 0)
		return;
	if (says_farewell)
		(void)channel_write(server->line, &farewell, sizeof(farewell), -1,
		    clock_monotonic_ms() + FAREWELL_TIMEOUT_MS);
	/* The session may still use it to say that its client has heard. */
	if (says_farewell && server->unheard.is_waiting)
		unheard_list_add(&server->others, &server->unheard, server->line);
	else
		close(server->line);
	unheard_reset(&server->unheard);
	server->line = -1;
}

static void take_line(struct server *server, int line)
{
	char byte = 0;
	drop_line(server, true);
	server->line = line;
	server->line_since_ms = clock_monotonic_ms();
	set_state(server, BOARD_HELD);
	/* Nobody is left for the next call: the supervisor may start another one. */
	if (server->start->need_fd >= 0 && free_count(server) == 0)
		(void)!write(server->start->need_fd, &byte, 1);
}

enum next { NEXT_EXCHANGE, NEXT_AGAIN, NEXT_END };

static enum next end(struct server *server)
{
	if (errno != 0) {
		log_write(LOG_LEVEL_ERROR, "delivery process: %s", strerror(errno));
		server->has_failed = true;
	}
	return NEXT_END;
}

/* What leaks somewhere below is bounded by replacing processes. */
static bool is_worn(const struct server *server)
{
	const struct lmtp_settings *lmtp = &server->settings->lmtp;
	int64_t age_ms = clock_monotonic_ms() - server->started_ms;
	return server->use_count >= lmtp->process_uses ||
	       (lmtp->process_age_s > 0 && age_ms >= (int64_t)lmtp->process_age_s * 1000);
}

static int take_call(struct server *server)
{
	int serving = server->start->serving;
	while (server->others.count > 0) {
		if (wait_for_word(server, serving, CHANNEL_IDLE_S * 1000) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		int line = channel_take(serving, false);
		if (line >= 0 || errno != EAGAIN)
			return line;
	}
	return channel_take(serving, true);
}

static enum next wait_for_call(struct server *server)
{
	set_state(server, BOARD_FREE);
	/* The last one stays. */
	for (unsigned round = 0;
	     !is_worn(server) && (round < IDLE_ROUNDS_MAX || free_count(server) < 2); round++) {
		int line = take_call(server);
		if (line >= 0) {
			take_line(server, line);
			return NEXT_EXCHANGE;
		}
		if (errno != EAGAIN)
			return end(server);
	}
	return NEXT_END;
}

/* Waits on the line of one session for its next exchange, or until others need us more. */
static enum next wait_on_line(struct server *server)
{
	struct pollfd pollers[2] = {{server->line, POLLIN, 0}, {server->start->serving, POLLIN, 0}};
	/* While others are free a call is theirs: we would only be in their way. */
	nfds_t count = free_count(server) > 0 ? 1 : 2;
	int ready = poll(pollers, count, SILENCE_MS);
	bool is_asked = ready > 0 && pollers[0].revents != 0;
	bool is_called = ready > 0 && pollers[1].revents != 0;
	if (is_called && (!is_asked || clock_monotonic_ms() - server->line_since_ms > LEASE_MS)) {
		int line = channel_take(server->start->serving, false);
		if (line >= 0) {
			take_line(server, line);
			return NEXT_EXCHANGE;
		}
		/* EAGAIN: somebody else was faster. Otherwise nobody is left but our session. */
		if (errno != EAGAIN && !is_asked)
			return end(server);
	}
	if (is_asked)
		return NEXT_EXCHANGE;
	if (ready == 0)
		drop_line(server, true);
	return NEXT_AGAIN;
}

/* Of a process that has only this line. */
static enum next wait_on_last_line(struct server *server)
{
	struct pollfd poller = {server->line, POLLIN, 0};
	set_state(server, BOARD_HELD);
	if (server->line < 0)
		return NEXT_END;
	if (signals_is_stopping()) {
		drop_line(server, true);
		return NEXT_END;
	}
	int ready = ppoll(&poller, 1, NULL, signals_while_waiting());
	return ready > 0 ? NEXT_EXCHANGE : errno == EINTR ? NEXT_AGAIN : end(server);
}

static enum next wait_for_next(struct server *server)
{
	if (server->start->serving < 0)
		return wait_on_last_line(server);
	remember_others(server);
	if (is_worn(server)) {
		drop_line(server, true);
		return NEXT_END;
	}
	return server->line < 0 ? wait_for_call(server) : wait_on_line(server);
}

static void exchange(struct server *server)
{
	struct service service = {
	    .server = server, .fd = server->line, .message_fd = -1, .step = PIPELINE_END};
	set_state(server, BOARD_BUSY);
	bool is_good = serve(&service);
	set_state(server, BOARD_HELD);
	if (!service.is_word) {
		board_done(server->start->board, server->start->slot);
		server->use_count++;
	}
	if (!is_good)
		drop_line(server, false);
	if (service.message_fd >= 0)
		close(service.message_fd);
	arena_reset(server->arena);
	if (server->body.capacity > KEEP_BYTES)
		bytes_clear(&server->body);
}

int delivery_process_run(const struct delivery_start *start)
{
	struct server server = {.start = start,
	    .settings = start->settings,
	    .arena = arena_new(),
	    .line = start->line,
	    .started_ms = clock_monotonic_ms(),

	    .unheard = {.line = -1, .message_fd = -1}};
	for (;;) {
		enum next next = wait_for_next(&server);
		if (next == NEXT_END)
			break;
		if (next == NEXT_EXCHANGE)
			exchange(&server);
	}
	drop_line(&server, false);
	/* One that leaves to make room does not wait. */
	int64_t end_ms = clock_monotonic_ms() + UNHEARD_TIMEOUT_MS;
	while (start->serving >= 0 && server.others.count > 0 &&
	       wait_for_word(&server, -1, clock_left_ms(end_ms)) != 0)
		;
	unheard_list_clear(&server.others);
	unheard_clear(&server.unheard);
	pipeline_close(&server.pipeline);
	arena_free(&server.arena);
	bytes_clear(&server.body);
	free(server.bound_to);
	return server.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
