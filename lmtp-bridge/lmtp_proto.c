/* lmtp_proto.c - the life of a connection (RFC 2033 4, RFC 5321 4).
 *
 *	FRESH --LHLO--> READY --MAIL--> MAIL --RCPT accepted--> RCPT --DATA--> DATA
 *	READY <-- RSET, LHLO -- MAIL, RCPT		DATA --CR LF . CR LF--> DONE
 *	READY <-- the last answer -- DONE		any --QUIT, 421--> CLOSED
 *
 * Every RCPT waits for its answer before the next line is looked at, and DONE waits for one
 * answer per recipient; meanwhile pipelined bytes stay with the caller. After 354 there is one
 * reply for every RCPT that was accepted, in their order: `mentions` is that order. */
#include "lmtp-bridge/lmtp_proto.h"

#include "base/memory.h"
#include "lmtp-bridge/lmtp_data.h"
#include "lmtp-bridge/lmtp_reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct lmtp {
	const struct lmtp_options *options;
	enum lmtp_state state;
	struct arena *line_arena;        /* for one command */
	struct arena *transaction_arena; /* from MAIL to the last answer */
	struct bytes line;               /* a command line that is not yet whole */
	bool is_line_too_long;
	struct bytes output;
	uint64_t bad_commands;
	struct span client_name; /* owned by its own buffer */
	struct bytes client_name_buf;

	struct envelope envelope;
	struct envelope_recipient asked; /* RCPT: waits for its answer */
	bool is_asking;
	struct envelope_recipient *recipients; /* accepted, each once */
	struct span *replies;                  /* to each of them, as far as answered */
	size_t recipient_count;
	size_t recipient_capacity;
	size_t *mentions; /* for each accepted RCPT: which of `recipients` */
	size_t mention_count;
	size_t mention_capacity;
	size_t answered;         /* of `recipients` */
	size_t answered_mention; /* of `mentions` */

	struct lmtp_data data;
	uint64_t text_bytes;
};

static void reply(struct lmtp *lmtp, int code, const char *enhanced, const char *text)
{
	lmtp_reply_append(&lmtp->output, code, enhanced, span_of(text), false);
}

struct lmtp *lmtp_new(const struct lmtp_options *options)
{
	struct lmtp *lmtp = memory_new(1, sizeof(*lmtp));
	lmtp->options = options;
	lmtp->state = LMTP_STATE_FRESH;
	lmtp->line_arena = arena_new();
	lmtp->transaction_arena = arena_new();
	bytes_appendf(&lmtp->output, "220 %s LMTP Ladle ready\r\n", options->hostname);
	return lmtp;
}

void lmtp_free(struct lmtp **lmtp)
{
	if (*lmtp == NULL)
		return;
	arena_free(&(*lmtp)->line_arena);
	arena_free(&(*lmtp)->transaction_arena);
	bytes_clear(&(*lmtp)->line);
	bytes_clear(&(*lmtp)->output);
	bytes_clear(&(*lmtp)->client_name_buf);
	free((*lmtp)->recipients);
	free((*lmtp)->replies);
	free((*lmtp)->mentions);
	free(*lmtp);
	*lmtp = NULL;
}

static void end_transaction(struct lmtp *lmtp)
{
	arena_reset(lmtp->transaction_arena);
	lmtp->envelope = (struct envelope){0};
	lmtp->recipient_count = 0;
	lmtp->mention_count = 0;
	lmtp->answered = 0;
	lmtp->answered_mention = 0;
	lmtp->text_bytes = 0;
	lmtp->data = (struct lmtp_data){0};
	lmtp->state = LMTP_STATE_READY;
}

/* -- recipients ------------------------------------------------------------------------------ */

static struct address keep_address(struct arena *arena, const struct address *from)
{
	if (from->text.data == NULL)
		return *from;
	return (struct address){arena_span(arena, from->text), arena_span(arena, from->local),
	    arena_span(arena, from->domain)};
}

static struct span keep_span(struct arena *arena, struct span from)
{
	return from.data == NULL ? from : arena_span(arena, from);
}

/* Doubles the room for items of `size` bytes where it is used up. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity == 0 ? 8 : *capacity * 2;
	return memory_resize(items, *capacity * size);
}

static size_t find_recipient(const struct lmtp *lmtp, const struct envelope_recipient *wanted)
{
	for (size_t i = 0; i < lmtp->recipient_count; i++) {
		const struct envelope_recipient *one = &lmtp->recipients[i];
		/* Local parts byte for byte: whether case means something is not ours to say. */
		if (span_equals(one->address.local, wanted->address.local) &&
		    span_equals_nocase(one->address.domain, wanted->address.domain) &&
		    span_equals(one->orcpt, wanted->orcpt) && one->notify == wanted->notify)
			return i;
	}
	return lmtp->recipient_count;
}

static void mention(struct lmtp *lmtp, size_t index)
{
	lmtp->mentions = grow(lmtp->mentions, lmtp->mention_count, &lmtp->mention_capacity,
	    sizeof(lmtp->mentions[0]));
	lmtp->mentions[lmtp->mention_count++] = index;
	lmtp->state = LMTP_STATE_RCPT;
	reply(lmtp, 250, "2.1.5", "OK");
}

static void accept_recipient(struct lmtp *lmtp)
{
	struct arena *arena = lmtp->transaction_arena;
	size_t capacity = lmtp->recipient_capacity;
	lmtp->recipients = grow(lmtp->recipients, lmtp->recipient_count, &lmtp->recipient_capacity,
	    sizeof(lmtp->recipients[0]));
	lmtp->replies =
	    grow(lmtp->replies, lmtp->recipient_count, &capacity, sizeof(lmtp->replies[0]));
	lmtp->recipients[lmtp->recipient_count] = (struct envelope_recipient){
	    .address = keep_address(arena, &lmtp->asked.address),
	    .original = keep_address(arena, &lmtp->asked.original),
	    .orcpt = keep_span(arena, lmtp->asked.orcpt),
	    .notify = lmtp->asked.notify,
	};
	mention(lmtp, lmtp->recipient_count++);
}

/* "<address> text"; a text that names the address itself begins with it already. */
static void append_status(struct bytes *to, const struct lmtp *lmtp, const struct status *status,
    struct span address, const char *id)
{
	struct bytes text = {0};
	if (status->text[0] != '<') {
		bytes_append_text(&text, "<");
		bytes_append_span(&text, address);
		bytes_append_text(&text, "> ");
	}
	if (status_is_success(status) && id != NULL)
		bytes_appendf(&text, "%s ", id);
	bytes_append_text(&text, status->text);
	lmtp_reply_append(to, status_reply(status), status_enhanced(status), bytes_span(&text),
	    lmtp->envelope.smtputf8);
	bytes_clear(&text);
}

static void answer_rcpt(struct lmtp *lmtp, const struct status *status)
{
	lmtp->is_asking = false;
	if (status_is_success(status))
		accept_recipient(lmtp);
	else
		append_status(&lmtp->output, lmtp, status, lmtp->asked.address.text, NULL);
}

static void answer_message(struct lmtp *lmtp, const struct status *status, const char *id)
{
	struct bytes text = {0};
	append_status(&text, lmtp, status, lmtp->recipients[lmtp->answered].address.text, id);
	lmtp->replies[lmtp->answered++] = arena_span(lmtp->transaction_arena, bytes_span(&text));
	bytes_clear(&text);
	while (lmtp->answered_mention < lmtp->mention_count &&
	       lmtp->mentions[lmtp->answered_mention] < lmtp->answered) {
		size_t index = lmtp->mentions[lmtp->answered_mention++];
		bytes_append_span(&lmtp->output, lmtp->replies[index]);
	}
	if (lmtp->answered < lmtp->recipient_count)
		return;
	assert(lmtp->answered_mention == lmtp->mention_count);
	lmtp->bad_commands = 0;
	end_transaction(lmtp);
}

size_t lmtp_answers_due(const struct lmtp *lmtp)
{
	if (lmtp->is_asking)
		return 1;
	return lmtp->state == LMTP_STATE_DONE ? lmtp->recipient_count - lmtp->answered : 0;
}

void lmtp_answer(struct lmtp *lmtp, const struct status *status, const char *id)
{
	assert(lmtp_answers_due(lmtp) > 0);
	if (lmtp->is_asking)
		answer_rcpt(lmtp, status);
	else
		answer_message(lmtp, status, id);
}

/* -- commands -------------------------------------------------------------------------------- */

static void do_lhlo(struct lmtp *lmtp, const struct lmtp_command *command)
{
	struct bytes *to = &lmtp->output;
	end_transaction(lmtp);
	bytes_reset(&lmtp->client_name_buf);
	bytes_append_span(&lmtp->client_name_buf, command->name);
	lmtp->client_name = bytes_span(&lmtp->client_name_buf);
	bytes_appendf(to, "250-%s\r\n", lmtp->options->hostname);
	bytes_append_text(to, "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n");
	bytes_append_text(to, "250-SMTPUTF8\r\n");
	if (lmtp->options->has_dsn)
		bytes_append_text(to, "250-DSN\r\n");
	if (lmtp->options->max_message_bytes == 0)
		bytes_append_text(to, "250 SIZE\r\n");
	else
		bytes_appendf(
		    to, "250 SIZE %llu\r\n", (unsigned long long)lmtp->options->max_message_bytes);
}

static void do_mail(struct lmtp *lmtp, const struct lmtp_command *command)
{
	struct arena *arena = lmtp->transaction_arena;
	uint64_t max = lmtp->options->max_message_bytes;
	if (max != 0 && command->envelope.size_bytes > max) {
		reply(lmtp, 552, "5.2.3", "Message size exceeds administrative limit");
		return;
	}
	lmtp->envelope = command->envelope;
	lmtp->envelope.sender = keep_address(arena, &command->envelope.sender);
	lmtp->envelope.envid = keep_span(arena, command->envelope.envid);
	lmtp->envelope.client_name = lmtp->client_name;
	lmtp->envelope.client_address = lmtp->options->client_address;
	/* RFC 6531 4.3. */
	lmtp->envelope.protocol = span_of(lmtp->envelope.smtputf8 ? "UTF8LMTP" : "LMTP");
	lmtp->state = LMTP_STATE_MAIL;
	reply(lmtp, 250, "2.1.0", "OK");
}

static void do_rcpt(struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	size_t known = find_recipient(lmtp, &command->recipient);
	if (lmtp->mention_count >= lmtp->options->max_recipients) {
		reply(lmtp, 452, "4.5.3", "Too many recipients");
	} else if (known < lmtp->recipient_count) {
		mention(lmtp, known);
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
	reply(lmtp, 354, "", "OK");
}

static void close_now(struct lmtp *lmtp, struct lmtp_event *event)
{
	lmtp->state = LMTP_STATE_CLOSED;
	event->kind = LMTP_EVENT_CLOSE;
}

static void bad_command(struct lmtp *lmtp, struct lmtp_event *event)
{
	if (++lmtp->bad_commands <= lmtp->options->max_bad_commands)
		return;
	reply(lmtp, 421, "4.7.0", "Too many bad commands");
	close_now(lmtp, event);
}

static void do_command(
    struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event)
{
	switch (command->verb) {
	case LMTP_VERB_LHLO:
		do_lhlo(lmtp, command);
		break;
	case LMTP_VERB_MAIL:
		do_mail(lmtp, command);
		break;
	case LMTP_VERB_RCPT:
		do_rcpt(lmtp, command, event);
		break;
	case LMTP_VERB_DATA:
		do_data(lmtp, event);
		break;
	case LMTP_VERB_RSET:
		if (lmtp->state != LMTP_STATE_FRESH)
			end_transaction(lmtp);
		reply(lmtp, 250, "2.0.0", "OK");
		break;
	case LMTP_VERB_NOOP:
		reply(lmtp, 250, "2.0.0", "OK");
		break;
	case LMTP_VERB_VRFY:
		reply(lmtp, 252, "2.3.3", "Try RCPT to attempt delivery");
		break;
	case LMTP_VERB_HELP:
		reply(lmtp, 214, "2.0.0", "LHLO MAIL RCPT DATA RSET NOOP VRFY QUIT, see RFC 2033");
		break;
	case LMTP_VERB_QUIT:
		reply(lmtp, 221, "2.0.0", "Bye");
		close_now(lmtp, event);
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
	reply(lmtp, why.code, why.enhanced, why.text);
	if (why.is_bad)
		bad_command(lmtp, event);
}

/* A line ends in CR LF only. A bare LF is answered at once, so that a person with a plain terminal
 * sees why, and nothing behind it is obeyed: it may be text smuggled into a command. */
static void end_line(struct lmtp *lmtp, struct lmtp_event *event)
{
	struct span line = bytes_span(&lmtp->line);
	bool is_too_long = lmtp->is_line_too_long;
	bool has_cr = line.len > 0 && line.data[line.len - 1] == '\r';
	lmtp->is_line_too_long = false;
	bytes_reset(&lmtp->line);
	if (!has_cr) {
		reply(lmtp, 500, "5.5.2", "Lines must end in CR LF");
		close_now(lmtp, event);
	} else if (is_too_long) {
		reply(lmtp, 500, "5.5.2", "Line too long");
		bad_command(lmtp, event);
	} else {
		do_line(lmtp, span_first(line, line.len - 1), event);
	}
}

/* Of a line that is too long the last byte is kept, to see how it ends. */
static void append_line(struct lmtp *lmtp, const char *in, size_t len)
{
	if (lmtp->line.len + len >= LMTP_LINE_MAX) {
		lmtp->is_line_too_long = true;
		bytes_reset(&lmtp->line);
	}
	if (lmtp->is_line_too_long && len > 0) {
		bytes_reset(&lmtp->line);
		bytes_append_byte(&lmtp->line, in[len - 1]);
	} else {
		bytes_append(&lmtp->line, in, len);
	}
}

static size_t step_line(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event)
{
	const char *lf = memchr(in, '\n', len);
	size_t part = lf == NULL ? len : (size_t)(lf - in);
	append_line(lmtp, in, part);
	if (lf == NULL)
		return len;
	end_line(lmtp, event);
	return part + 1;
}

/* -- the text -------------------------------------------------------------------------------- */

/* What is over the limit is counted and dropped: the client's dot must be found all the same. */
static void limit_text(struct lmtp *lmtp, struct lmtp_event *event)
{
	uint64_t max = lmtp->options->max_message_bytes;
	uint64_t room = max > lmtp->text_bytes ? max - lmtp->text_bytes : 0;
	lmtp->text_bytes += event->text.len;
	if (max != 0 && event->text.len > room)
		event->text.len = (size_t)room;
	if (event->text.len > 0)
		event->kind = LMTP_EVENT_TEXT;
}

static size_t step_text(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event)
{
	uint64_t max = lmtp->options->max_message_bytes;
	size_t taken = lmtp_data_step(&lmtp->data, in, len, &event->text);
	limit_text(lmtp, event);
	if (lmtp->data.state == LMTP_DATA_END) {
		lmtp->state = LMTP_STATE_DONE;
		event->kind = LMTP_EVENT_END;
		event->is_too_large = max != 0 && lmtp->text_bytes > max;
	}
	return taken;
}

size_t lmtp_step(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event_out)
{
	size_t taken = 0;
	*event_out = (struct lmtp_event){0};
	while (taken < len && event_out->kind == LMTP_EVENT_NONE && lmtp_answers_due(lmtp) == 0) {
		if (lmtp->state == LMTP_STATE_CLOSED)
			event_out->kind = LMTP_EVENT_CLOSE;
		else if (lmtp->state == LMTP_STATE_DATA)
			taken += step_text(lmtp, in + taken, len - taken, event_out);
		else
			taken += step_line(lmtp, in + taken, len - taken, event_out);
	}
	return taken;
}

/* -- the rest -------------------------------------------------------------------------------- */

const struct envelope *lmtp_envelope(const struct lmtp *lmtp)
{
	return &lmtp->envelope;
}

const struct envelope_recipient *lmtp_recipients(const struct lmtp *lmtp, size_t *count_out)
{
	*count_out = lmtp->recipient_count;
	return lmtp->recipients;
}

bool lmtp_is_idle(const struct lmtp *lmtp)
{
	return lmtp->state == LMTP_STATE_FRESH || lmtp->state == LMTP_STATE_READY;
}

bool lmtp_is_in_text(const struct lmtp *lmtp)
{
	return lmtp->state == LMTP_STATE_DATA;
}

void lmtp_close(struct lmtp *lmtp, enum lmtp_goodbye why)
{
	assert(lmtp_answers_due(lmtp) == 0);
	if (lmtp->state == LMTP_STATE_CLOSED)
		return;
	if (why == LMTP_GOODBYE_TIMEOUT)
		reply(lmtp, 421, "4.4.2", "Timed out waiting for the client");
	else
		reply(lmtp, 421, "4.3.2", "Shutting down");
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
