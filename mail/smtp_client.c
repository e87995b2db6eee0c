/* smtp_client.c - one transaction, seen from the client.
 *
 * A reply is due for each command we said; it is taken when it is complete, and then the next
 * command is said. No pipelining: the servers we talk to are near. A reply nobody can read, a
 * 421, or a lost connection ends the transaction with a temporary status for all who have none. */
#include "mail/smtp_client.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>

#define REPLY_MAX ((size_t)16 * 1024)

enum state {
	STATE_GREETING,
	STATE_HELLO,
	STATE_MAIL,
	STATE_RCPT,
	STATE_DATA,
	STATE_TEXT,
	STATE_FINAL,
	STATE_RESET, /* the connection goes on to the next transaction */
	STATE_QUIT,
	STATE_DONE,
};

struct smtp_client {
	const struct smtp_client_options *options;
	enum state state;
	struct bytes in;
	struct bytes out;
	struct status *statuses;
	bool *is_accepted;
	size_t current; /* the recipient whose reply is due */
	size_t accepted_count;
	struct smtp_server *server;
	bool is_reusable;
	bool has_heard;
	char last_byte; /* of the text, for dots and the last line end */
};

static void say_mail(struct smtp_client *client);

struct smtp_client *smtp_client_new(struct arena *arena, const struct smtp_client_options *options)
{
	struct smtp_client *client = ARENA_NEW(arena, struct smtp_client);
	struct smtp_client_options *kept = ARENA_NEW(arena, struct smtp_client_options);
	*kept = *options;
	client->options = kept;
	client->last_byte = '\n';
	client->server =
	    options->server != NULL ? options->server : ARENA_NEW(arena, struct smtp_server);
	client->statuses =
	    arena_new_items(arena, options->recipient_count, sizeof(*client->statuses));
	client->is_accepted =
	    arena_new_items(arena, options->recipient_count, sizeof(*client->is_accepted));
	for (size_t i = 0; i < options->recipient_count; i++)
		status_set(&client->statuses[i], CAUSE_INTERNAL, NULL);
	if (client->server->is_greeted)
		say_mail(client);
	return client;
}

void smtp_client_clear(struct smtp_client *client)
{
	bytes_clear(&client->in);
	bytes_clear(&client->out);
}

enum smtp_client_want smtp_client_want(const struct smtp_client *client)
{
	if (client->out.len > 0)
		return SMTP_CLIENT_SEND;
	if (client->state == STATE_TEXT)
		return SMTP_CLIENT_TEXT;
	/* Nobody has to wait for the answer to QUIT. */
	if (client->state == STATE_QUIT || client->state == STATE_DONE)
		return SMTP_CLIENT_DONE;
	return SMTP_CLIENT_READ;
}

struct span smtp_client_output(const struct smtp_client *client)
{
	return bytes_span(&client->out);
}

void smtp_client_sent(struct smtp_client *client, size_t len)
{
	bytes_drop(&client->out, len);
}

bool smtp_client_is_reusable(const struct smtp_client *client)
{
	return client->is_reusable;
}

bool smtp_client_offers_dsn(const struct smtp_client *client)
{
	return client->server->has_dsn;
}

bool smtp_client_has_heard(const struct smtp_client *client)
{
	return client->has_heard;
}

const struct status *smtp_client_status(const struct smtp_client *client, size_t index)
{
	return &client->statuses[index];
}

/* -- what replies mean ----------------------------------------------------------------------- */

/* "5.1.1" at the start of `text`, of the class of `reply`; its length or 0. */
static size_t enhanced_len(int reply, struct span text)
{
	size_t len = span_find(span_first(text, 10), ' ');
	size_t dots = 0;
	if (len < 5 || text.data[0] != '0' + reply / 100 || text.data[1] != '.')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text.data[i] == '.')
			dots++;
		else if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
	}
	return dots == 2 ? len : 0;
}

static enum cause cause_of(int reply, struct span enhanced)
{
	if (reply / 100 == 2)
		return CAUSE_DELIVERED;
	if (reply / 100 != 5)
		return CAUSE_MAILBOX;
	if (span_is(enhanced, "5.1.1"))
		return CAUSE_USER_UNKNOWN;
	if (span_is(enhanced, "5.2.1"))
		return CAUSE_USER_DISABLED;
	if (span_is(enhanced, "5.2.2"))
		return CAUSE_MAILBOX_FULL;
	return span_is(enhanced, "5.2.3") ? CAUSE_MESSAGE_TOO_LARGE : CAUSE_REJECTED;
}

/* The enhanced code of a reply: it should stand on every line (RFC 2034 4), but Cyrus says it on
 * the last one only. */
static struct span enhanced_of(int reply, struct span text)
{
	struct span line;
	while (span_next_line(&text, &line)) {
		size_t len = enhanced_len(reply, line);
		if (len > 0)
			return span_first(line, len);
	}
	return (struct span){NULL, 0};
}

static struct span without_codes(struct bytes *joined, int reply, struct span text)
{
	struct span line;
	while (span_next_line(&text, &line)) {
		size_t len = enhanced_len(reply, line);
		if (joined->len > 0)
			bytes_append_byte(joined, '\n');
		bytes_append_span(joined, span_trim(span_from(line, len)));
	}
	return bytes_span(joined);
}

void smtp_client_translate(int reply, struct span text, struct status *status_out)
{
	struct span enhanced = enhanced_of(reply, text);
	struct bytes joined = {0};
	struct span said = without_codes(&joined, reply, text);
	enum cause cause = cause_of(reply, enhanced);
	status_setf(status_out, cause, "%.*s", (int)said.len, said.len == 0 ? "" : said.data);
	bytes_clear(&joined);
	if (cause == CAUSE_DELIVERED)
		return;
	/* A reply that has no place here (354) is nobody's to hear. */
	status_out->reply = (short)(reply / 100 == 4 || reply / 100 == 5 ? reply : 451);
	if (enhanced.len == 0)
		enhanced = reply / 100 == 5 ? SPAN("5.0.0") : SPAN("4.0.0");
	snprintf(status_out->enhanced, sizeof(status_out->enhanced), "%.*s", (int)enhanced.len,
	    enhanced.data);
}

/* -- what we say ----------------------------------------------------------------------------- */

static void quit(struct smtp_client *client)
{
	client->server->is_greeted = false;
	client->state = STATE_QUIT;
	bytes_append_text(&client->out, "QUIT\r\n");
}

/* The end of a transaction that is not finished for the server. */
static void reset(struct smtp_client *client)
{
	if (client->options->server == NULL) {
		quit(client);
		return;
	}
	client->state = STATE_RESET;
	bytes_append_text(&client->out, "RSET\r\n");
}

/* The end of one that is. */
static void finish(struct smtp_client *client)
{
	if (client->options->server == NULL) {
		quit(client);
		return;
	}
	client->is_reusable = true;
	client->state = STATE_DONE;
}

void smtp_client_fail(struct smtp_client *client, const char *why)
{
	for (size_t i = 0; i < client->options->recipient_count; i++) {
		if (client->statuses[i].cause == CAUSE_INTERNAL)
			status_fail(&client->statuses[i], CAUSE_MAILBOX, "%s", why);
	}
	bytes_reset(&client->out);
	client->server->is_greeted = false;
	client->is_reusable = false;
	client->state = STATE_DONE;
}

/* Everybody without a status gets the server's. */
static void answer_all(struct smtp_client *client, int reply, struct span text)
{
	for (size_t i = 0; i < client->options->recipient_count; i++) {
		if (client->statuses[i].cause == CAUSE_INTERNAL)
			smtp_client_translate(reply, text, &client->statuses[i]);
	}
}

/* Nothing more will be said of this message. */
static void refuse_all(struct smtp_client *client, int reply, struct span text, bool may_go_on)
{
	answer_all(client, reply, text);
	if (may_go_on)
		reset(client);
	else
		quit(client);
}

static void append_xtext(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (byte > ' ' && byte < 0x7F && byte != '+' && byte != '=')
			bytes_append_byte(to, (char)byte);
		else
			bytes_appendf(to, "+%02X", byte);
	}
}

static void say_hello(struct smtp_client *client)
{
	client->state = STATE_HELLO;
	bytes_appendf(&client->out, "%s %s\r\n", client->options->is_lmtp ? "LHLO" : "EHLO",
	    client->options->hello);
}

static void say_mail(struct smtp_client *client)
{
	const struct smtp_client_options *options = client->options;
	const struct envelope *envelope = options->envelope;
	if (envelope->smtputf8 && !client->server->has_smtputf8) {
		/* RFC 6531 3.2: such mail must not be sent to a server that cannot take it. */
		answer_all(client, 550, SPAN("5.6.7 SMTPUTF8 is required, but was not offered"));
		finish(client);
		return;
	}
	client->state = STATE_MAIL;
	bytes_appendf(&client->out, "MAIL FROM:<%.*s>", (int)envelope->sender.text.len,
	    envelope->sender.text.data);
	if (client->server->has_size)
		bytes_appendf(&client->out, " SIZE=%llu", (unsigned long long)options->size_bytes);
	if (client->server->has_8bitmime && options->is_8bit)
		bytes_append_text(&client->out, " BODY=8BITMIME");
	if (client->server->has_smtputf8 && envelope->smtputf8)
		bytes_append_text(&client->out, " SMTPUTF8");
	if (client->server->has_dsn && envelope->ret != ENVELOPE_RET_UNSAID)
		bytes_append_text(
		    &client->out, envelope->ret == ENVELOPE_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (client->server->has_dsn && envelope->envid.data != NULL) {
		bytes_append_text(&client->out, " ENVID=");
		append_xtext(&client->out, envelope->envid);
	}
	bytes_append_text(&client->out, "\r\n");
}

static void append_notify(struct bytes *to, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {{ENVELOPE_NOTIFY_NEVER, "NEVER"}, {ENVELOPE_NOTIFY_SUCCESS, "SUCCESS"},
	    {ENVELOPE_NOTIFY_FAILURE, "FAILURE"}, {ENVELOPE_NOTIFY_DELAY, "DELAY"}};
	const char *before = " NOTIFY=";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		bytes_appendf(to, "%s%s", before, words[i].word);
		before = ",";
	}
}

static void say_rcpt(struct smtp_client *client)
{
	const struct envelope_recipient *recipient = &client->options->recipients[client->current];
	client->state = STATE_RCPT;
	bytes_appendf(&client->out, "RCPT TO:<%.*s>", (int)recipient->address.text.len,
	    recipient->address.text.data);
	if (client->server->has_dsn && recipient->orcpt.data != NULL)
		bytes_appendf(
		    &client->out, " ORCPT=%.*s", (int)recipient->orcpt.len, recipient->orcpt.data);
	if (client->server->has_dsn)
		append_notify(&client->out, recipient->notify);
	bytes_append_text(&client->out, "\r\n");
}

/* -- taking replies -------------------------------------------------------------------------- */

static void take_extensions(struct smtp_client *client, struct span text)
{
	struct smtp_server *server = client->server;
	struct span line;
	while (span_next_line(&text, &line)) {
		struct span word = span_first(line, span_find(line, ' '));
		server->has_size |= span_is_nocase(word, "SIZE");
		server->has_8bitmime |= span_is_nocase(word, "8BITMIME");
		server->has_smtputf8 |= span_is_nocase(word, "SMTPUTF8");
		server->has_dsn |= span_is_nocase(word, "DSN");
	}
	server->is_greeted = true;
}

static void take_hello(struct smtp_client *client, struct span text)
{
	take_extensions(client, text);
	say_mail(client);
}

static void take_rcpt(struct smtp_client *client, int reply, struct span text)
{
	if (reply / 100 == 2) {
		client->is_accepted[client->current] = true;
		client->accepted_count++;
	} else {
		smtp_client_translate(reply, text, &client->statuses[client->current]);
	}
	if (++client->current < client->options->recipient_count) {
		say_rcpt(client);
	} else if (client->accepted_count == 0 || client->options->is_only_asking) {
		answer_all(client, 250, SPAN("2.1.5 OK"));
		reset(client);
	} else {
		client->state = STATE_DATA;
		bytes_append_text(&client->out, "DATA\r\n");
	}
}

static void skip_refused(struct smtp_client *client)
{
	while (client->current < client->options->recipient_count &&
	       !client->is_accepted[client->current])
		client->current++;
}

static void take_final(struct smtp_client *client, int reply, struct span text)
{
	if (!client->options->is_lmtp) {
		answer_all(client, reply, text);
		finish(client);
		return;
	}
	smtp_client_translate(reply, text, &client->statuses[client->current++]);
	skip_refused(client);
	if (client->current == client->options->recipient_count)
		finish(client);
}

static bool is_wanted(enum state state, int reply)
{
	return state == STATE_DATA ? reply == 354 : reply / 100 == 2;
}

static void take_reply(struct smtp_client *client, int reply, struct span text)
{
	if (reply == 421 || (client->state < STATE_RCPT && !is_wanted(client->state, reply)) ||
	    (client->state == STATE_DATA && !is_wanted(STATE_DATA, reply))) {
		/* Whoever refuses us before MAIL knows nothing of this message: never a bounce. */
		bool may_be_final = client->state > STATE_HELLO && reply / 100 == 5;
		refuse_all(client, may_be_final ? reply : 451, text,
		    reply != 421 && client->state > STATE_HELLO);
		return;
	}
	switch (client->state) {
	case STATE_GREETING:
		say_hello(client);
		break;
	case STATE_HELLO:
		take_hello(client, text);
		break;
	case STATE_MAIL:
		say_rcpt(client);
		break;
	case STATE_RCPT:
		take_rcpt(client, reply, text);
		break;
	case STATE_DATA:
		client->state = STATE_TEXT;
		break;
	case STATE_FINAL:
		take_final(client, reply, text);
		break;
	case STATE_RESET:
		if (reply / 100 == 2)
			finish(client);
		else
			quit(client);
		break;
	case STATE_TEXT:
	case STATE_QUIT:
	case STATE_DONE:
		break;
	}
}

/* The first whole reply of `in`: its code, its texts joined by LF; its length, 0 while there is
 * none yet; -1 when it is no reply. */
static long parse_reply(struct span in, int *reply_out, struct bytes *text)
{
	struct span rest = in;
	struct span line;
	while (span_find(rest, '\n') < rest.len && span_next_line(&rest, &line)) {
		uint64_t code;
		line = span_trim(line);
		if (!number_parse(span_first(line, 3), 599, &code) || code < 200)
			return -1;
		if (text->len > 0)
			bytes_append_byte(text, '\n');
		bytes_append_span(text, span_from(line, 4));
		*reply_out = (int)code;
		if (line.len < 4 || line.data[3] != '-')
			return (long)(in.len - rest.len);
	}
	return in.len > REPLY_MAX ? -1 : 0;
}

/* Takes the whole replies that are there. What comes while we give the text waits for its end. */
static void take_replies(struct smtp_client *client)
{
	while (client->in.len > 0 && client->state < STATE_QUIT && client->state != STATE_TEXT) {
		struct bytes text = {0};
		int reply = 0;
		long used = parse_reply(bytes_span(&client->in), &reply, &text);
		if (used > 0) {
			client->has_heard |= reply != 421;
			take_reply(client, reply, bytes_span(&text));
			bytes_drop(&client->in, (size_t)used);
		}
		bytes_clear(&text);
		if (used < 0)
			smtp_client_fail(client, "the server's answer is no reply");
		if (used <= 0)
			return;
	}
}

void smtp_client_receive(struct smtp_client *client, const char *data, size_t len)
{
	bytes_append(&client->in, data, len);
	take_replies(client);
}

/* -- the text -------------------------------------------------------------------------------- */

void smtp_client_text(struct smtp_client *client, const char *data, size_t len)
{
	struct span rest = {data, len};
	while (rest.len > 0) {
		if (client->last_byte == '\n' && rest.data[0] == '.')
			bytes_append_byte(&client->out, '.');
		size_t end = span_find(rest, '\n');
		bytes_append_span(&client->out, span_first(rest, end));
		if (end < rest.len)
			bytes_append_text(&client->out, "\r\n");
		client->last_byte = end < rest.len ? '\n' : rest.data[rest.len - 1];
		rest = span_from(rest, end + 1);
	}
}

void smtp_client_text_end(struct smtp_client *client)
{
	if (client->last_byte != '\n')
		bytes_append_text(&client->out, "\r\n");
	bytes_append_text(&client->out, ".\r\n");
	client->state = STATE_FINAL;
	client->current = 0;
	skip_refused(client);
	take_replies(client);
}
