#include "lmtp-bridge/auth_helper.h"

#include "base/clock.h"
#include "lmtp-bridge/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* 12288 octets of base 64, the longest line of AUTH. */
#define RESPONSE_MAX 9216
#define MECHANISM_MAX 64
/* A password server that does not answer in time. */
#define STEP_TIMEOUT_MS 60000

struct request {
	bool is_open; /* instead of a step */
	bool is_secure;
	bool has_response;
	char mechanism[MECHANISM_MAX]; /* "": the next step */
	uint32_t len;
	char response[RESPONSE_MAX];
};

static bool read_all(int fd, void *data, size_t len, int64_t deadline_ms)
{
	return channel_read(fd, data, len, len, NULL, deadline_ms) == (ssize_t)len;
}

/* -- the helper's part ----------------------------------------------------------------------- */

static void tell(struct auth_reply *reply, struct span text)
{
	text = span_first(text, sizeof(reply->text));
	reply->len = (uint32_t)text.len;
	if (text.len > 0)
		memcpy(reply->text, text.data, text.len);
}

static void take_step(
    const struct sasl_module *module, void *sasl, struct request *request, struct auth_reply *reply)
{
	struct span challenge = {NULL, 0};
	const char *mechanism = request->mechanism[0] == '\0' ? NULL : request->mechanism;
	request->mechanism[MECHANISM_MAX - 1] = '\0';
	if (request->len > RESPONSE_MAX)
		return;
	reply->answer = module->step(sasl, mechanism, request->has_response,
	    (struct span){request->response, request->len}, &challenge);
	if (reply->answer == SASL_MORE)
		tell(reply, challenge);
	else
		tell(reply,
		    span_of(reply->answer == SASL_GOOD ? module->user(sasl) : module->why(sasl)));
}

static void serve(const struct sasl_module *module, const char *hostname, int fd)
{
	static struct request request;
	static struct auth_reply reply;
	void *sasl = NULL;
	/* The session ends when it likes, and we with it. */
	while (read_all(fd, &request, sizeof(request), INT64_MAX)) {
		memset(&reply, 0, sizeof(reply));
		reply.answer = SASL_CANNOT_TELL;
		if (request.is_open) {
			if (sasl != NULL)
				module->close(sasl);
			sasl = module->open(hostname, request.is_secure);
			if (sasl != NULL)
				tell(&reply, span_of(module->mechanisms(sasl)));
		} else if (sasl != NULL) {
			take_step(module, sasl, &request, &reply);
		}
		if (channel_write(
		        fd, &reply, sizeof(reply), -1, clock_monotonic_ms() + STEP_TIMEOUT_MS) != 0)
			break;
	}
}

static void run(const struct sasl_module *module, const char *hostname, int fd, pid_t parent)
{
	prctl(PR_SET_NAME, "lmtp-auth");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		serve(module, hostname, fd);
}

/* -- the session's part ---------------------------------------------------------------------- */

bool auth_helper_start(struct auth_helper *helper, const struct sasl_module *module,
    const char *hostname, void (*part)(void *context), void *context)
{
	int pair[2];
	pid_t session = getpid();
	helper->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		part(context);
		run(module, hostname, pair[1], session);
		_exit(0);
	}
	close(pair[1]);
	if (pid > 0)
		helper->fd = pair[0];
	else
		close(pair[0]);
	return pid > 0;
}

static void ask(struct auth_helper *helper, const struct request *request, struct auth_reply *reply)
{
	int64_t deadline_ms = clock_monotonic_ms() + STEP_TIMEOUT_MS;
	if (helper->fd >= 0 &&
	    channel_write(helper->fd, request, sizeof(*request), -1, deadline_ms) == 0 &&
	    read_all(helper->fd, reply, sizeof(*reply), deadline_ms) &&
	    reply->len <= sizeof(reply->text))
		return;
	/* What comes late must not be taken for the answer to something else. */
	auth_helper_stop(helper);
	*reply = (struct auth_reply){.answer = SASL_CANNOT_TELL};
	tell(reply, SPAN("no answer from the process that authenticates"));
}

void auth_helper_open(struct auth_helper *helper, bool is_secure, struct auth_reply *reply_out)
{
	struct request request = {.is_open = true, .is_secure = is_secure};
	ask(helper, &request, reply_out);
}

void auth_helper_step(struct auth_helper *helper, struct span mechanism, bool has_response,
    struct span response, struct auth_reply *reply_out)
{
	struct request request = {.has_response = has_response};
	if (response.len > RESPONSE_MAX || mechanism.len >= MECHANISM_MAX) {
		*reply_out = (struct auth_reply){.answer = SASL_BAD};
		tell(reply_out, SPAN("a response that is too long"));
		return;
	}
	if (mechanism.len > 0)
		memcpy(request.mechanism, mechanism.data, mechanism.len);
	request.len = (uint32_t)response.len;
	if (response.len > 0)
		memcpy(request.response, response.data, response.len);
	ask(helper, &request, reply_out);
	explicit_bzero(request.response, sizeof(request.response));
}

void auth_helper_stop(struct auth_helper *helper)
{
	if (helper->fd >= 0)
		close(helper->fd);
	helper->fd = -1;
}
