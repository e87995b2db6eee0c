#ifndef TESTS_UNIT_LMTP_CLIENT_H
#define TESTS_UNIT_LMTP_CLIENT_H

/* A whole connection with the protocol machine, fed in pieces, with statuses that follow from
 * the recipient's name: what the tests of lmtp_proto.c share. */
#include "lmtp-bridge/lmtp_proto.h"

#include "mail/status.h"

struct talk {
	struct lmtp_options options; /* its own: TLS changes them */
	struct lmtp *lmtp;
	struct bytes replies;
	struct bytes events; /* what the machine told, as text */
	struct bytes held;   /* bytes it has not taken yet */
	bool is_closed;
};

static inline struct lmtp_options talk_options(void)
{
	return (struct lmtp_options){.hostname = "mx.test",
	    .client_address = SPAN(""),
	    .mechanisms = "",
	    .max_recipients = 5,
	    .max_bad_commands = 3};
}

/* "no..." does not exist, "full..." is full at RCPT; "late..." and "reject..." only afterwards. */
static inline void talk_status(struct span recipient, bool is_rcpt, struct status *status)
{
	status_delivered(status);
	if (is_rcpt && span_starts_with(recipient, "no"))
		status_setf(status, CAUSE_USER_UNKNOWN, "<%.*s> User doesn't exist: %.*s",
		    (int)recipient.len, recipient.data, (int)recipient.len, recipient.data);
	else if (is_rcpt && span_starts_with(recipient, "full"))
		status_set(status, CAUSE_MAILBOX_FULL, NULL);
	else if (!is_rcpt && span_starts_with(recipient, "late"))
		status_set(status, CAUSE_MAILBOX, NULL);
	else if (!is_rcpt && span_starts_with(recipient, "reject"))
		status_set(status, CAUSE_REJECTED, "not\nwanted\n");
}

static inline void talk_answer_all(struct talk *talk)
{
	struct status status;
	size_t count;
	lmtp_recipients(talk->lmtp, &count);
	bytes_appendf(&talk->events, "END %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct envelope_recipient *all = lmtp_recipients(talk->lmtp, &count);
		talk_status(all[i].address.text, false, &status);
		lmtp_answer(talk->lmtp, &status, "id1");
	}
}

/* "good" is right, "later" cannot be looked up, "more" is asked again; everything else is wrong. */
static inline void talk_auth(struct talk *talk, const struct lmtp_event *event)
{
	bytes_append_text(&talk->events, "AUTH ");
	bytes_append_span(&talk->events, event->mechanism);
	bytes_append_text(&talk->events, event->has_response ? ":" : "");
	bytes_append_span(&talk->events, event->text);
	bytes_append_text(&talk->events, "\n");
	if (!event->has_response || span_is(event->text, "more"))
		lmtp_challenge(talk->lmtp, SPAN("who?"));
	else if (span_is(event->text, "good"))
		lmtp_authenticated(talk->lmtp, LMTP_AUTH_GOOD);
	else if (span_is(event->text, "later"))
		lmtp_authenticated(talk->lmtp, LMTP_AUTH_CANNOT_TELL);
	else
		lmtp_authenticated(talk->lmtp, LMTP_AUTH_BAD);
}

static inline void talk_event(struct talk *talk, const struct lmtp_event *event)
{
	struct status status;
	switch (event->kind) {
	case LMTP_EVENT_NONE:
		break;
	case LMTP_EVENT_RCPT:
		bytes_append_text(&talk->events, "RCPT ");
		bytes_append_span(&talk->events, event->recipient->address.text);
		bytes_append_text(&talk->events, "\n");
		talk_status(event->recipient->address.text, true, &status);
		lmtp_answer(talk->lmtp, &status, NULL);
		break;
	case LMTP_EVENT_DATA:
		bytes_append_text(&talk->events, "DATA\n");
		break;
	case LMTP_EVENT_TEXT:
		bytes_append_span(&talk->events, event->text);
		break;
	case LMTP_EVENT_END:
		bytes_append_text(&talk->events, event->is_too_large ? "TOO LARGE\n" : "");
		talk_answer_all(talk);
		break;
	case LMTP_EVENT_TLS:
		bytes_append_text(&talk->events, "TLS\n");
		talk->options.is_secure = true;
		talk->options.offers_tls = false;
		lmtp_secured(talk->lmtp);
		break;
	case LMTP_EVENT_AUTH:
		talk_auth(talk, event);
		break;
	case LMTP_EVENT_CLOSE:
		bytes_append_text(&talk->events, "CLOSE\n");
		talk->is_closed = true;
		break;
	}
}

static inline void talk_start(struct talk *talk, const struct lmtp_options *options)
{
	*talk = (struct talk){.options = *options};
	talk->lmtp = lmtp_new(&talk->options);
}

static inline void talk_feed(struct talk *talk, const char *in, size_t len)
{
	struct lmtp_event event;
	bytes_append(&talk->held, in, len);
	do {
		size_t taken = lmtp_step(talk->lmtp, talk->held.data, talk->held.len, &event);
		talk_event(talk, &event);
		bytes_drop(&talk->held, taken);
	} while (event.kind != LMTP_EVENT_NONE && !talk->is_closed);
	struct span output = lmtp_output(talk->lmtp);
	bytes_append_span(&talk->replies, output);
	lmtp_output_drop(talk->lmtp, output.len);
}

static inline void talk_clear(struct talk *talk)
{
	lmtp_free(&talk->lmtp);
	bytes_clear(&talk->replies);
	bytes_clear(&talk->events);
	bytes_clear(&talk->held);
}

#endif
