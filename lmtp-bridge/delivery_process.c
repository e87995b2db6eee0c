#include "lmtp-bridge/delivery_process.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "deliver/pipeline.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/exchange.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* A session has its request ready when it calls; one that has not is broken. */
#define REQUEST_TIMEOUT_MS 10000
/* Of a request: each recipient has its address, its original and ORCPT. */
#define RECIPIENT_BYTES_MAX 8192
#define KEEP_BYTES ((size_t)1024 * 1024)

struct server {
	const struct settings *settings;
	struct pipeline *pipeline; /* null until it could be opened */
	struct arena *arena;       /* for one exchange */
	struct bytes body;
};

/* One exchange. */
struct service {
	struct server *server;
	int fd;
	int message_fd; /* -1: none, or taken over by the spool */
	int64_t kill_ms;
	struct exchange_request request;
};

static void answer(void *context, size_t index, const struct status *status)
{
	const struct service *service = context;
	struct exchange_answer note = {.index = index, .status = *status};
	/* A session that is gone does not stop the delivery: the mail is ours by now. */
	(void)channel_write(service->fd, &note, sizeof(note), service->kill_ms);
}

static void answer_all(struct service *service, const struct status *status)
{
	for (size_t i = 0; i < service->request.recipient_count; i++)
		answer(service, i, status);
}

static bool read_request(struct service *service)
{
	struct server *server = service->server;
	char length[EXCHANGE_LENGTH_BYTES];
	int64_t deadline_ms = clock_monotonic_ms() + REQUEST_TIMEOUT_MS;
	uint64_t max = 2 * SPOOL_MEMORY_BYTES +
	               (server->settings->lmtp.max_recipients + 2) * RECIPIENT_BYTES_MAX;
	if (channel_read(service->fd, length, sizeof(length), deadline_ms) != 0)
		return false;
	uint64_t len = exchange_length(length);
	if (len > max)
		return false;
	bytes_reset(&server->body);
	char *to = bytes_reserve(&server->body, (size_t)len);
	if (channel_read(service->fd, to, (size_t)len, deadline_ms) != 0)
		return false;
	return exchange_read(server->arena, (struct span){to, (size_t)len}, &service->request);
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

static void run_pipeline(struct service *service)
{
	struct server *server = service->server;
	const struct exchange_request *request = &service->request;
	struct pipeline_call call = {
	    .front = "lmtp",
	    .id = request->id,
	    .deadline_ms = request->deadline_ms,
	    .is_probe = request->is_probe,
	    .is_admitted = request->kind == EXCHANGE_DELIVER,
	};
	struct pipeline_recipient *recipients = take_recipients(service);
	struct status status;
	if (request->kind == EXCHANGE_ADMIT) {
		status_delivered(&status);
		pipeline_admit(server->pipeline, &call, &request->envelope, recipients, &status);
		answer(service, 0, &status);
		return;
	}
	struct spool *spool = take_message(service, &status);
	if (spool == NULL) {
		answer_all(service, &status);
		return;
	}
	struct status *statuses = memory_new(request->recipient_count, sizeof(*statuses));
	pipeline_deliver(server->pipeline, &call, &request->envelope, spool, recipients,
	    request->recipient_count, statuses, answer, service);
	free(statuses);
	spool_free(&spool);
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

static void serve(struct service *service)
{
	struct server *server = service->server;
	struct status status;
	if (!read_request(service)) {
		log_write(LOG_LEVEL_ERROR, "a session sent a request that is none");
		return;
	}
	int64_t now_ms = clock_monotonic_ms();
	set_times(service, now_ms);
	/* Waited too long for us, or nobody is there to be answered: the client will come again, so
	 * to deliver now would deliver twice. */
	if (service->request.deadline_ms <= now_ms || channel_is_hung_up(service->fd))
		return;
	set_alarm(service->kill_ms - now_ms);
	if (open_pipeline(server, &status))
		run_pipeline(service);
	else
		answer_all(service, &status);
	set_alarm(0);
}

int delivery_process_run(int serving, const struct settings *settings)
{
	struct server server = {.settings = settings, .arena = arena_new()};
	for (;;) {
		struct service service = {.server = &server, .message_fd = -1};
		service.fd = channel_serve(serving, &service.message_fd);
		if (service.fd < 0)
			break;
		serve(&service);
		close(service.fd);
		if (service.message_fd >= 0)
			close(service.message_fd);
		arena_reset(server.arena);
		if (server.body.capacity > KEEP_BYTES)
			bytes_clear(&server.body);
	}
	int error = errno;
	pipeline_close(&server.pipeline);
	arena_free(&server.arena);
	bytes_clear(&server.body);
	if (error != 0)
		log_write(LOG_LEVEL_ERROR, "delivery process: %s", strerror(error));
	return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
