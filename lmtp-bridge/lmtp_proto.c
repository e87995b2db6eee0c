/* lmtp_proto.c - the life of a connection (RFC 2033 4, RFC 5321 4, RFC 3030).
 *
 *	FRESH --LHLO--> READY --MAIL--> MAIL --RCPT accepted--> RCPT --DATA--> DATA
 *	RCPT --BDAT--> CHUNKS --BDAT LAST--> DONE	DATA --CR LF . CR LF--> DONE
 *	READY <-- RSET, LHLO -- MAIL, RCPT, CHUNKS	READY <-- the last answer -- DONE
 *	READY --STARTTLS, XCLIENT--> FRESH		any --QUIT, 421--> CLOSED
 *
 * Every RCPT waits for its answer before the next line is looked at, and DONE waits for one
 * answer per recipient; meanwhile pipelined bytes stay with the caller. */
#include "lmtp-bridge/lmtp_proto.h"

#include "base/memory.h"
#include "lmtp-bridge/lmtp_machine.h"
#include "lmtp-bridge/lmtp_reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void lmtp_say(struct lmtp *lmtp, int code, const char *enhanced, const char *text)
{
	lmtp_reply_append(&lmtp->output, code, enhanced, span_of(text), false);
}

static void greet(struct lmtp *lmtp)
{
	bytes_appendf(&lmtp->output, "220 %s LMTP Ladle ready\r\n", lmtp->options->hostname);
}

struct lmtp *lmtp_new(const struct lmtp_options *options)
{
	struct lmtp *lmtp = memory_new(1, sizeof(*lmtp));
	lmtp->options = options;
	lmtp->state = LMTP_STATE_FRESH;
	lmtp->line_arena = arena_new();
	lmtp_transaction_init(&lmtp->transaction);
	greet(lmtp);
	return lmtp;
}

void lmtp_free(struct lmtp **lmtp)
{
	if (*lmtp == NULL)
		return;
	arena_free(&(*lmtp)->line_arena);
	lmtp_transaction_clear(&(*lmtp)->transaction);
	lmtp_line_clear(&(*lmtp)->line);
	bytes_clear(&(*lmtp)->auth_response);
	bytes_clear(&(*lmtp)->output);
	bytes_clear(&(*lmtp)->client_name);
	lmtp_told_clear(&(*lmtp)->xclient);
	lmtp_told_clear(&(*lmtp)->xforward);
	free(*lmtp);
	*lmtp = NULL;
}

static void end_transaction(struct lmtp *lmtp)
{
	lmtp_transaction_reset(&lmtp->transaction);
	lmtp_told_clear(&lmtp->xforward);
	lmtp->text_bytes = 0;
	lmtp->data = (struct lmtp_data){0};
	lmtp->state = LMTP_STATE_READY;
}

/* -- answers --------------------------------------------------------------------------------- */

static void answer_rcpt(struct lmtp *lmtp, const struct status *status)
{
	lmtp->is_asking = false;
	if (!status_is_success(status)) {
		lmtp_transaction_tell(
		    &lmtp->transaction, status, lmtp->asked.address.text, NULL, &lmtp->output);
		return;
	}
	lmtp_transaction_accept(&lmtp->transaction, &lmtp->asked);
	lmtp->state = LMTP_STATE_RCPT;
	lmtp_say(lmtp, 250, "2.1.5", "OK");
}

size_t lmtp_answers_due(const struct lmtp *lmtp)
{
	if (lmtp->is_asking)
		return 1;
	return lmtp->state == LMTP_STATE_DONE ? lmtp_transaction_due(&lmtp->transaction) : 0;
}

void lmtp_answer(struct lmtp *lmtp, const struct status *status, const char *id)
{
	assert(lmtp_answers_due(lmtp) > 0);
	if (lmtp->is_asking) {
		answer_rcpt(lmtp, status);
		return;
	}
	lmtp_transaction_answer(&lmtp->transaction, status, id, &lmtp->output);
	if (lmtp_transaction_due(&lmtp->transaction) > 0)
		return;
	lmtp->bad_commands = 0;
	end_transaction(lmtp);
}

/* -- commands -------------------------------------------------------------------------------- */

static void do_lhlo(struct lmtp *lmtp, const struct lmtp_command *command)
{
	const struct lmtp_options *options = lmtp->options;
	struct bytes *to = &lmtp->output;
	end_transaction(lmtp);
	bytes_reset(&lmtp->client_name);
	bytes_append_span(&lmtp->client_name, command->name);
	bytes_appendf(to, "250-%s\r\n", options->hostname);
	bytes_append_text(to, "250-8BITMIME\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n"
	                      "250-PIPELINING\r\n250-SMTPUTF8\r\n");
	if (options->has_dsn)
		bytes_append_text(to, "250-DSN\r\n");
	if (options->offers_tls)
		bytes_append_text(to, "250-STARTTLS\r\n");
	if (options->mechanisms[0] != '\0')
		bytes_appendf(to, "250-AUTH %s\r\n", options->mechanisms);
	if (options->is_trusted)
		bytes_append_text(to, "250-XCLIENT " LMTP_XCLIENT_OFFER
		                      "\r\n250-XFORWARD " LMTP_XFORWARD_OFFER "\r\n");
	/* RFC 9422. */
	bytes_appendf(to, "250-LIMITS RCPTMAX=%" PRIu64, options->max_recipients);
	if (options->max_transactions != 0)
		bytes_appendf(to, " MAILMAX=%" PRIu64, options->max_transactions);
	if (options->max_message_bytes == 0)
		bytes_append_text(to, "\r\n250 SIZE\r\n");
	else
		bytes_appendf(to, "\r\n250 SIZE %" PRIu64 "\r\n", options->max_message_bytes);
}

/* The last reply is written. */
static void end_session(struct lmtp *lmtp, struct lmtp_event *event)
{
	lmtp->state = LMTP_STATE_CLOSED;
	event->kind = LMTP_EVENT_CLOSE;
}

/* RFC 3848, RFC 6531 4.3. */
static struct span protocol(const struct lmtp *lmtp, bool is_utf8)
{
	static const char *const names[2][4] = {{"LMTP", "LMTPA", "LMTPS", "LMTPSA"},
	    {"UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"}};
	return span_of(
	    names[is_utf8][(lmtp->options->is_secure ? 2 : 0) + (lmtp->is_authenticated ? 1 : 0)]);
}

static struct span first_told(struct span one, struct span other)
{
	return one.data != NULL ? one : other;
}

static void begin_transaction(struct lmtp *lmtp, const struct envelope *said)
{
	struct envelope envelope = *said;
	const struct lmtp_forward *as = &lmtp->xclient.forward;
	const struct lmtp_forward *for_whom = &lmtp->xforward.forward;
	envelope.client_name = as->helo.len > 0 ? as->helo : bytes_span(&lmtp->client_name);
	envelope.client_address = first_told(as->address, lmtp->options->client_address);
	envelope.origin_name = first_told(for_whom->name, as->name);
	envelope.origin_address = first_told(for_whom->address, as->address);
	if (for_whom->ident.len > 0)
		envelope.queue_id = for_whom->ident;
	envelope.protocol = protocol(lmtp, envelope.smtputf8);
	lmtp_transaction_begin(&lmtp->transaction, &envelope);
	lmtp->transaction_count++;
	lmtp->state = LMTP_STATE_MAIL;
	lmtp_say(lmtp, 250, "2.1.0", "OK");
}

static void do_mail(struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	const struct lmtp_options *options = lmtp->options;
	uint64_t max = options->max_message_bytes;
	/* RFC 3207 and 4954 have 530 for these, which Postfix bounces; but it is a configuration
	 * that is wrong, theirs or ours, and no fault of the sender. */
	if (options->needs_tls && !options->is_secure) {
		lmtp_say(lmtp, 430, "4.7.0", "Must issue a STARTTLS command first");
	} else if (options->needs_auth && !lmtp->is_authenticated) {
		lmtp_say(lmtp, 430, "4.7.0", "Authentication required");
	} else if (options->max_transactions != 0 &&
	           lmtp->transaction_count >= options->max_transactions) {
		lmtp_say(lmtp, 421, "4.5.3", "Too many messages, connect again");
		end_session(lmtp, event);
	} else if (max != 0 && command->envelope.size_bytes > max) {
		lmtp_say(lmtp, 552, "5.2.3", "Message size exceeds administrative limit");
	} else {
		begin_transaction(lmtp, &command->envelope);
	}
}

static void do_rcpt(struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	size_t known = lmtp_transaction_find(&lmtp->transaction, &command->recipient);
	if (lmtp->transaction.mention_count >= lmtp->options->max_recipients) {
		lmtp_say(lmtp, 452, "4.5.3", "Too many recipients");
	} else if (known < lmtp->transaction.recipient_count) {
		lmtp_transaction_mention(&lmtp->transaction, known);
		lmtp_say(lmtp, 250, "2.1.5", "OK");
	} else {
		lmtp->asked = command->recipient;
		lmtp->is_asking = true;
		event->kind = LMTP_EVENT_RCPT;
		event->recipient = &lmtp->asked;
	}
}

static void do_data(struct lmtp *lmtp, struct lmtp_event *event)
{
	lmtp->state = LMTP_STATE_DATA;
	event->kind = LMTP_EVENT_DATA;
	lmtp_say(lmtp, 354, "", "OK");
}

/* From here on the client is another one, of whom nothing is known but what was told. */
static void do_xclient(struct lmtp *lmtp, const struct lmtp_command *command)
{
	end_transaction(lmtp);
	bytes_reset(&lmtp->client_name);
	lmtp_told_add(&lmtp->xclient, &command->forward);
	if (command->forward.login.data != NULL)
		lmtp->is_authenticated = command->forward.login.len > 0;
	lmtp->state = LMTP_STATE_FRESH;
	greet(lmtp);
}

static void do_starttls(struct lmtp *lmtp, struct lmtp_event *event)
{
	lmtp_say(lmtp, 220, "2.0.0", "Ready to start TLS");
	lmtp->is_starting_tls = true;
	event->kind = LMTP_EVENT_TLS;
}

void lmtp_secured(struct lmtp *lmtp)
{
	assert(lmtp->is_starting_tls);
	end_transaction(lmtp);
	bytes_reset(&lmtp->client_name);
	lmtp_told_clear(&lmtp->xclient);
	lmtp->is_starting_tls = false;
	lmtp->is_authenticated = false;
	lmtp->state = LMTP_STATE_FRESH;
}

/* RFC 3030: the octets come in any case, and are taken before anything is answered. */
static void do_bdat(struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	lmtp->chunk = (struct chunk){
	    .is_open = true, .left = command->chunk_bytes, .is_last = command->is_last_chunk};
	if (lmtp->state == LMTP_STATE_RCPT) {
		lmtp->state = LMTP_STATE_CHUNKS;
		event->kind = LMTP_EVENT_DATA;
	} else if (lmtp->state != LMTP_STATE_CHUNKS) {
		lmtp->chunk.is_refused = true;
	}
}

void lmtp_count_bad(struct lmtp *lmtp, struct lmtp_event *event)
{
	if (++lmtp->bad_commands <= lmtp->options->max_bad_commands)
		return;
	lmtp_say(lmtp, 421, "4.7.0", "Too many bad commands");
	end_session(lmtp, event);
}

void lmtp_refuse(struct lmtp *lmtp, const struct lmtp_reply *why, struct lmtp_event *event)
{
	lmtp_say(lmtp, why->code, why->enhanced, why->text);
	if (why->is_end)
		end_session(lmtp, event);
	else if (why->is_bad)
		lmtp_count_bad(lmtp, event);
}

static void do_command(
    struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	switch (command->verb) {
	case LMTP_VERB_LHLO:
		do_lhlo(lmtp, command);
		break;
	case LMTP_VERB_MAIL:
		do_mail(lmtp, command, event);
		break;
	case LMTP_VERB_RCPT:
		do_rcpt(lmtp, command, event);
		break;
	case LMTP_VERB_DATA:
		do_data(lmtp, event);
		break;
	case LMTP_VERB_BDAT:
		do_bdat(lmtp, command, event);
		break;
	case LMTP_VERB_RSET:
		if (lmtp->state != LMTP_STATE_FRESH)
			end_transaction(lmtp);
		lmtp_say(lmtp, 250, "2.0.0", "OK");
		break;
	case LMTP_VERB_NOOP:
		lmtp_say(lmtp, 250, "2.0.0", "OK");
		break;
	case LMTP_VERB_VRFY:
		lmtp_say(lmtp, 252, "2.3.3", "Try RCPT to attempt delivery");
		break;
	case LMTP_VERB_HELP:
		lmtp_say(lmtp, 214, "2.0.0",
		    "LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT, see RFC 2033");
		break;
	case LMTP_VERB_STARTTLS:
		do_starttls(lmtp, event);
		break;
	case LMTP_VERB_AUTH:
		lmtp_auth_begin(lmtp, command, event);
		break;
	case LMTP_VERB_XCLIENT:
		do_xclient(lmtp, command);
		break;
	case LMTP_VERB_XFORWARD:
		lmtp_told_add(&lmtp->xforward, &command->forward);
		lmtp_say(lmtp, 250, "2.0.0", "OK");
		break;
	case LMTP_VERB_QUIT:
		lmtp_say(lmtp, 221, "2.0.0", "Bye");
		end_session(lmtp, event);
		break;
	}
}

static void do_line(struct lmtp *lmtp, struct span line, struct lmtp_event *event)
{
	struct lmtp_command command;
	struct lmtp_reply why;
	arena_reset(lmtp->line_arena);
	if (lmtp_command_parse(
	        lmtp->line_arena, line, lmtp->state, lmtp->options, &command, &why)) {
		do_command(lmtp, &command, event);
		return;
	}
	lmtp_refuse(lmtp, &why, event);
}

/* Where AUTH is offered its first response may be long; then no command is held to be too long
 * earlier. */
static size_t line_max(const struct lmtp *lmtp)
{
	return lmtp->options->mechanisms[0] == '\0' ? LMTP_LINE_MAX : LMTP_AUTH_LINE_MAX;
}

/* A bare LF is answered at once, so that a person with a plain terminal sees why, and nothing
 * behind it is obeyed: it may be text smuggled into a command. */
static size_t step_line(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event)
{
	enum lmtp_line_end end;
	struct span line;
	size_t taken = lmtp_line_step(&lmtp->line, in, len, line_max(lmtp), &end, &line);
	switch (end) {
	case LMTP_LINE_NOT_YET:
		break;
	case LMTP_LINE_BARE_LF:
		lmtp_say(lmtp, 500, "5.5.2", "Lines must end in CR LF");
		end_session(lmtp, event);
		break;
	case LMTP_LINE_TOO_LONG:
		lmtp->auth = AUTH_NONE;
		lmtp_say(lmtp, 500, "5.5.2", "Line too long");
		lmtp_count_bad(lmtp, event);
		break;
	case LMTP_LINE_WHOLE:
		if (lmtp->auth == AUTH_CHALLENGED)
			lmtp_auth_response(lmtp, line, event);
		else
			do_line(lmtp, line, event);
		break;
	}
	return taken;
}

static bool is_waiting(const struct lmtp *lmtp)
{
	return lmtp_answers_due(lmtp) > 0 || lmtp->is_starting_tls || lmtp->auth == AUTH_WAITS;
}

size_t lmtp_step(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event_out)
{
	size_t taken = 0;
	*event_out = (struct lmtp_event){0};
	while (event_out->kind == LMTP_EVENT_NONE && !is_waiting(lmtp)) {
		if (lmtp->chunk.is_open && lmtp->chunk.left == 0)
			lmtp_text_end_chunk(lmtp, event_out);
		else if (lmtp->state == LMTP_STATE_CLOSED)
			event_out->kind = LMTP_EVENT_CLOSE;
		else if (taken == len)
			break;
		else if (lmtp->state == LMTP_STATE_DATA)
			taken += lmtp_text_step(lmtp, in + taken, len - taken, event_out);
		else if (lmtp->chunk.is_open)
			taken += lmtp_text_step_chunk(lmtp, in + taken, len - taken, event_out);
		else
			taken += step_line(lmtp, in + taken, len - taken, event_out);
	}
	return taken;
}

/* -- the rest -------------------------------------------------------------------------------- */

const struct envelope *lmtp_envelope(const struct lmtp *lmtp)
{
	return &lmtp->transaction.envelope;
}

const struct envelope_recipient *lmtp_recipients(const struct lmtp *lmtp, size_t *count_out)
{
	*count_out = lmtp->transaction.recipient_count;
	return lmtp->transaction.recipients;
}

bool lmtp_is_idle(const struct lmtp *lmtp)
{
	return (lmtp->state == LMTP_STATE_FRESH || lmtp->state == LMTP_STATE_READY) &&
	       !lmtp->chunk.is_open;
}

bool lmtp_is_in_text(const struct lmtp *lmtp)
{
	return lmtp->state == LMTP_STATE_DATA || lmtp->chunk.is_open;
}

void lmtp_close(struct lmtp *lmtp, enum lmtp_goodbye why)
{
	assert(lmtp_answers_due(lmtp) == 0);
	if (lmtp->state == LMTP_STATE_CLOSED)
		return;
	switch (why) {
	case LMTP_GOODBYE_TIMEOUT:
		lmtp_say(lmtp, 421, "4.4.2", "Timed out waiting for the client");
		break;
	case LMTP_GOODBYE_SHUTDOWN:
		lmtp_say(lmtp, 421, "4.3.2", "Shutting down");
		break;
	case LMTP_GOODBYE_AGE:
		lmtp_say(lmtp, 421, "4.3.2", "This session has lasted long enough, connect again");
		break;
	}
	lmtp->state = LMTP_STATE_CLOSED;
}

struct span lmtp_output(const struct lmtp *lmtp)
{
	return bytes_span(&lmtp->output);
}

void lmtp_output_drop(struct lmtp *lmtp, size_t count)
{
	bytes_drop(&lmtp->output, count);
}
