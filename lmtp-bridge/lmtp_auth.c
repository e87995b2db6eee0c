/* lmtp_auth.c - AUTH and the exchange that follows it (RFC 4954 4).
 *
 *	NONE --AUTH--> WAITS --lmtp_challenge()--> CHALLENGED --a line--> WAITS ...
 *	WAITS --lmtp_authenticated()--> NONE	CHALLENGED --"*", no base 64--> NONE */
#include "base/base64.h"
#include "lmtp-bridge/lmtp_machine.h"

#include <assert.h>

/* Wrong passwords of one connection. */
#define AUTH_FAILURES_MAX 3

static void end(struct lmtp *lmtp, int code, const char *enhanced, const char *text)
{
	lmtp->auth = AUTH_NONE;
	bytes_reset(&lmtp->auth_response);
	lmtp_say(lmtp, code, enhanced, text);
}

/* `text` is in base 64; null data: nothing was sent. */
static void take_step(struct lmtp *lmtp, struct span text, struct lmtp_event *event)
{
	bytes_reset(&lmtp->auth_response);
	if (!base64_decode(text, &lmtp->auth_response)) {
		end(lmtp, 501, "5.5.2", "Not base 64");
		lmtp_count_bad(lmtp, event);
		return;
	}
	lmtp->auth = AUTH_WAITS;
	event->kind = LMTP_EVENT_AUTH;
	event->text = bytes_span(&lmtp->auth_response);
	event->has_response = text.data != NULL;
}

void lmtp_auth_begin(
    struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	if (lmtp->is_authenticated) {
		lmtp_say(lmtp, 503, "5.5.1", "Authenticated already");
		lmtp_count_bad(lmtp, event);
		return;
	}
	event->mechanism = command->mechanism;
	/* "=" is a response of no bytes. */
	take_step(lmtp, span_is(command->response, "=") ? SPAN("") : command->response, event);
}

void lmtp_auth_response(struct lmtp *lmtp, struct span line, struct lmtp_event *event)
{
	if (span_is(line, "*"))
		end(lmtp, 501, "5.7.0", "Authentication cancelled");
	else
		take_step(lmtp, line, event);
}

void lmtp_challenge(struct lmtp *lmtp, struct span challenge)
{
	assert(lmtp->auth == AUTH_WAITS);
	lmtp->auth = AUTH_CHALLENGED;
	bytes_append_text(&lmtp->output, "334 ");
	base64_encode(challenge, &lmtp->output);
	bytes_append_text(&lmtp->output, "\r\n");
}

void lmtp_authenticated(struct lmtp *lmtp, enum lmtp_auth how)
{
	assert(lmtp->auth == AUTH_WAITS);
	switch (how) {
	case LMTP_AUTH_GOOD:
		lmtp->is_authenticated = true;
		end(lmtp, 235, "2.7.0", "Authentication succeeded");
		break;
	case LMTP_AUTH_CANNOT_TELL:
		end(lmtp, 454, "4.7.0", "Cannot authenticate now");
		break;
	case LMTP_AUTH_BAD:
		end(lmtp, 535, "5.7.8", "Authentication failed");
		if (++lmtp->auth_failures < AUTH_FAILURES_MAX)
			break;
		lmtp_say(lmtp, 421, "4.7.0", "Too many failures");
		lmtp->state = LMTP_STATE_CLOSED;
		break;
	}
}
