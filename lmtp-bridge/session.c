/* session.c - one LMTP connection: feeds the protocol machine, keeps the message and the clock,
 * and has delivery processes answer what the machine asks. */
#include "lmtp-bridge/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "lmtp-bridge/access.h"
#include "lmtp-bridge/caller.h"
#include "lmtp-bridge/connection.h"
#include "lmtp-bridge/dispatch.h"
#include "lmtp-bridge/enclosure.h"
#include "lmtp-bridge/lmtp_proto.h"
#include "mail/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define READ_BYTES 65536
/* Replies are written together when we wait for the client, or when there are so many. */
#define OUTPUT_BYTES 32768
/* How long a client may take to go that sent QUIT before it had its replies, and one that learns
 * behind them that we go. */
#define QUIT_LINGER_MS 10000
#define LINGER_MS 2000
/* Whoever was told "250" to RSET begins a transaction within that time. */
#define QUIET_MS 1000

struct session {
	const struct session_start *start;
	const struct settings *settings;
	struct connection connection;
	struct caller caller;
	struct lmtp_options options;
	struct secure secure;
	struct lmtp *lmtp;
	int64_t end_ms; /* the next moment between two transactions is the last */
	char id[24];    /* of this transaction */
	struct spool *spool;
	bool has_spool_failed;
	struct status spool_failure;
	bool is_over;
	bool is_broken; /* what we wrote last did not go out */
};

/* Each message has its own; a transaction that brings none leaves it to the next. */
static void renew_id(struct session *session)
{
	snprintf(session->id, sizeof(session->id), "%016" PRIx64, random_u64());
}

static struct dispatch make_dispatch(struct session *session)
{
	const struct envelope *envelope = lmtp_envelope(session->lmtp);
	return (struct dispatch){
	    .caller = &session->caller,
	    .settings = session->settings,
	    .id = session->id,
	    .is_probe = settings_is_probe_sender(session->settings, &envelope->sender),
	    .envelope = envelope,
	};
}

/* A probe is no event; a dictionary of them must not fill the log. */
static void log_refusal(const struct dispatch *dispatch, const struct envelope_recipient *recipient,
    const struct status *status)
{
	struct span from = dispatch->envelope->sender.text;
	struct span to = recipient->address.text;
	log_write(dispatch->is_probe ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
	    "id=%s refused at RCPT: from=<%.*s> to=<%.*s> cause=%s%s%s", dispatch->id,
	    (int)from.len, from.data, (int)to.len, to.data, cause_name(status->cause),
	    status->detail[0] == '\0' ? "" : " ", status->detail);
}

static void on_rcpt(struct session *session, const struct envelope_recipient *recipient)
{
	struct dispatch dispatch = make_dispatch(session);
	struct status status;
	dispatch_admit(&dispatch, recipient, &status);
	if (!status_is_success(&status))
		log_refusal(&dispatch, recipient, &status);
	lmtp_answer(session->lmtp, &status, NULL);
}

static void on_data(struct session *session)
{
	spool_free(&session->spool);
	session->spool = spool_new(session->settings->spool_directory);
	session->has_spool_failed = false;
}

static void on_text(struct session *session, struct span text)
{
	/* After a failure the text is read to its end all the same; then it is told. */
	if (!session->has_spool_failed)
		session->has_spool_failed =
		    !spool_append(session->spool, text.data, text.len, &session->spool_failure);
}

static void answer_all(struct session *session, const struct status *status)
{
	log_write(LOG_LEVEL_INFO, "id=%s message not taken: cause=%s %s", session->id,
	    cause_name(status->cause), status->detail);
	while (lmtp_answers_due(session->lmtp) > 0)
		lmtp_answer(session->lmtp, status, NULL);
}

static void deliver(struct session *session)
{
	struct dispatch dispatch = make_dispatch(session);
	size_t count;
	const struct envelope_recipient *recipients = lmtp_recipients(session->lmtp, &count);
	struct status *statuses = memory_new(count, sizeof(*statuses));
	dispatch_deliver(&dispatch, session->spool, recipients, count, statuses);
	for (size_t i = 0; i < count; i++)
		lmtp_answer(session->lmtp, &statuses[i], session->id);
	free(statuses);
}

static void on_end(struct session *session, bool is_too_large)
{
	struct status status;
	if (!session->has_spool_failed && !is_too_large)
		session->has_spool_failed = !spool_finish(session->spool, &session->spool_failure);
	if (is_too_large) {
		status_set(
		    &status, CAUSE_MESSAGE_TOO_LARGE, "Message size exceeds administrative limit");
		answer_all(session, &status);
	} else if (session->has_spool_failed) {
		answer_all(session, &session->spool_failure);
	} else {
		deliver(session);
	}
	spool_free(&session->spool);
	renew_id(session);
}

static void flush(struct session *session)
{
	struct span output = lmtp_output(session->lmtp);
	int64_t timeout_ms = (int64_t)session->settings->lmtp.command_timeout_s * 1000;
	if (connection_write(&session->connection, output, timeout_ms) != CONNECTION_FINE)
		session->is_over = session->is_broken = true;
	lmtp_output_drop(session->lmtp, output.len);
}

/* `rest` is what the client has sent behind STARTTLS. */
static void on_tls(struct session *session, size_t rest)
{
	flush(session);
	if (!session->is_over && !secure_start_tls(&session->secure, session->lmtp, rest))
		session->is_over = true;
}

static void on_event(struct session *session, const struct lmtp_event *event, size_t *rest)
{
	switch (event->kind) {
	case LMTP_EVENT_NONE:
		break;
	case LMTP_EVENT_RCPT:
		on_rcpt(session, event->recipient);
		break;
	case LMTP_EVENT_DATA:
		on_data(session);
		break;
	case LMTP_EVENT_TEXT:
		on_text(session, event->text);
		break;
	case LMTP_EVENT_END:
		on_end(session, event->is_too_large);
		break;
	case LMTP_EVENT_TLS:
		on_tls(session, *rest);
		*rest = 0;
		break;
	case LMTP_EVENT_AUTH:
		secure_auth(&session->secure, session->lmtp, event);
		break;
	case LMTP_EVENT_CLOSE:
		session->is_over = true;
		break;
	}
}

static void take_input(struct session *session, const char *in, size_t len)
{
	struct lmtp_event event;
	do {
		size_t taken = lmtp_step(session->lmtp, in, len, &event);
		in += taken;
		len -= taken;
		on_event(session, &event, &len);
		if (lmtp_output(session->lmtp).len > OUTPUT_BYTES)
			flush(session);
	} while (event.kind != LMTP_EVENT_NONE && !session->is_over);
	if (lmtp_is_idle(session->lmtp)) {
		/* Chunks that were followed by RSET. */
		spool_free(&session->spool);
		caller_rest(&session->caller);
	}
}

/* A connection that was used before may be gone, as clients know: the first word after a message is
 * where to say so. After "250" to RSET it is too late: Postfix would defer mail whose MAIL is
 * answered 421. */
static bool asks_for_us(const char *in, size_t len)
{
	return len >= 4 && (strncasecmp(in, "RSET", 4) == 0 || strncasecmp(in, "NOOP", 4) == 0);
}

/* False when the session is over. */
static bool read_input(struct session *session)
{
	char in[READ_BYTES];
	size_t got = 0;
	const struct lmtp_settings *lmtp = &session->settings->lmtp;
	uint64_t timeout_s =
	    lmtp_is_in_text(session->lmtp) ? lmtp->data_timeout_s : lmtp->command_timeout_s;
	int64_t timeout_ms = (int64_t)timeout_s * 1000;
	bool is_idle = lmtp_is_idle(session->lmtp);
	/* Who may still be reading replies is let go when it says its next word. */
	bool is_unheard = caller_is_unheard(&session->caller);
	int64_t left_ms = clock_left_ms(session->end_ms);
	if (left_ms < QUIET_MS)
		left_ms = QUIET_MS;
	if (is_idle && !is_unheard && left_ms < timeout_ms)
		timeout_ms = left_ms;
	enum connection_end end =
	    connection_read(&session->connection, in, sizeof(in), timeout_ms, is_idle, &got);
	bool is_worn = is_idle && clock_left_ms(session->end_ms) == 0;
	/* All replies were written before, so the client has heard them. */
	if (end == CONNECTION_FINE)
		caller_heard(&session->caller);
	bool is_first = is_unheard || asks_for_us(in, got);
	if (is_worn && ((end == CONNECTION_FINE && is_first) || end == CONNECTION_TIMED_OUT)) {
		lmtp_close(session->lmtp, LMTP_GOODBYE_AGE);
		return false;
	}
	switch (end) {
	case CONNECTION_FINE:
		take_input(session, in, got);
		return !session->is_over;
	case CONNECTION_TIMED_OUT:
		lmtp_close(session->lmtp, LMTP_GOODBYE_TIMEOUT);
		return false;
	case CONNECTION_STOPPING:
		lmtp_close(session->lmtp, LMTP_GOODBYE_SHUTDOWN);
		return false;
	case CONNECTION_CLOSED:
		session->is_broken = true;
		break;
	}
	return false;
}

/* Postfix sends QUIT together with the message's end, so it says nothing about the replies, which
 * come after it. That the client reads them and goes says it. */
static void part(struct session *session)
{
	int64_t linger_ms = session->is_over ? QUIT_LINGER_MS : LINGER_MS;
	flush(session);
	if (caller_is_unheard(&session->caller) && !session->is_broken &&
	    connection_linger(&session->connection, linger_ms))
		caller_heard(&session->caller);
}

int64_t session_end_ms(const struct settings *settings)
{
	uint64_t age_s = settings->lmtp.session_age_s;
	return age_s == 0 ? INT64_MAX : clock_monotonic_ms() + (int64_t)age_s * 1000;
}

void session_run(const struct session_start *start)
{
	const struct lmtp_settings *lmtp = &start->settings->lmtp;
	struct session session = {
	    .start = start, .settings = start->settings, .end_ms = session_end_ms(start->settings)};
	bool is_trusted;
	renew_id(&session);
	connection_init(&session.connection, start->in_fd, start->out_fd);
	if (!access_meet(start->listen, &session.connection, &is_trusted))
		return;
	caller_init(
	    &session.caller, start->calling, start->is_per_recipient, start->board, start->slot);
	session.options = (struct lmtp_options){
	    .hostname = start->hostname,
	    .client_address = span_of(session.connection.address),
	    .max_message_bytes = lmtp->max_message_bytes,
	    .max_recipients = lmtp->max_recipients,
	    .max_transactions = lmtp->max_transactions,
	    .max_bad_commands = lmtp->max_bad_commands,
	    .is_trusted = is_trusted,
	    .has_dsn = start->listen == NULL || start->listen->dsn,
	};
	session.secure = (struct secure){
	    .security = start->security,
	    .listen = start->listen,
	    .connection = &session.connection,
	    .calling = start->calling,
	    .options = &session.options,
	    .timeout_ms = (int64_t)lmtp->command_timeout_s * 1000,
	};
	secure_prepare(&session.secure);
	if (enclosure_enter(start->settings) && secure_begin(&session.secure)) {
		session.lmtp = lmtp_new(&session.options);
		log_write(LOG_LEVEL_DEBUG, "session with [%s]", session.connection.address);
		do
			flush(&session);
		while (read_input(&session));
		part(&session);
	}
	spool_free(&session.spool);
	lmtp_free(&session.lmtp);
	caller_close(&session.caller);
	secure_end(&session.secure);
}
