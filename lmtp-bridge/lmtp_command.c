/* lmtp_command.c - the commands of LMTP.
 *
 *	command = verb [ SP argument ]
 *	MAIL    = "MAIL FROM:" Path *( SP parameter )		RCPT the same with "TO:"
 *	BDAT    = "BDAT" SP octets [ SP "LAST" ]		(RFC 3030 2)
 *
 * Lenient where clients are known to be: blanks before a path, any case. */
#include "lmtp-bridge/lmtp_command.h"

#include "base/number.h"
#include "lmtp-bridge/lmtp_parameter.h"

#include <string.h>

#define CLIENT_NAME_MAX 255

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_NEEDED };

#define ANY_TIME                                                                   \
	(LMTP_STATE_FRESH | LMTP_STATE_READY | LMTP_STATE_MAIL | LMTP_STATE_RCPT | \
	    LMTP_STATE_CHUNKS)

static const struct command_row {
	const char *word;
	enum lmtp_verb verb;
	enum argument argument;
	const char *path_word; /* what stands before the path, or null: no path */
	unsigned states;
	const char *why_not_now;
} command_rows[] = {
    {"LHLO", LMTP_VERB_LHLO, ARGUMENT_NEEDED, NULL, ANY_TIME, ""},
    {"MAIL", LMTP_VERB_MAIL, ARGUMENT_NEEDED, "FROM:", LMTP_STATE_READY, "MAIL already given"},
    {"RCPT", LMTP_VERB_RCPT, ARGUMENT_NEEDED, "TO:", LMTP_STATE_MAIL | LMTP_STATE_RCPT,
        "MAIL needed first"},
    {"DATA", LMTP_VERB_DATA, ARGUMENT_NONE, NULL, LMTP_STATE_RCPT, "No valid recipients"},
    /* Its octets come whatever we say to it. */
    {"BDAT", LMTP_VERB_BDAT, ARGUMENT_NEEDED, NULL, ANY_TIME, "No valid recipients"},
    {"RSET", LMTP_VERB_RSET, ARGUMENT_NONE, NULL, ANY_TIME, ""},
    {"NOOP", LMTP_VERB_NOOP, ARGUMENT_OPTIONAL, NULL, ANY_TIME, ""},
    {"VRFY", LMTP_VERB_VRFY, ARGUMENT_NEEDED, NULL, ANY_TIME, ""},
    {"HELP", LMTP_VERB_HELP, ARGUMENT_OPTIONAL, NULL, ANY_TIME, ""},
    {"STARTTLS", LMTP_VERB_STARTTLS, ARGUMENT_NONE, NULL, LMTP_STATE_READY,
        "Not within a transaction"},
    {"AUTH", LMTP_VERB_AUTH, ARGUMENT_NEEDED, NULL, LMTP_STATE_READY, "Not within a transaction"},
    {"XCLIENT", LMTP_VERB_XCLIENT, ARGUMENT_NEEDED, NULL, LMTP_STATE_FRESH | LMTP_STATE_READY,
        "Not within a transaction"},
    {"XFORWARD", LMTP_VERB_XFORWARD, ARGUMENT_NEEDED, NULL, LMTP_STATE_READY,
        "Not within a transaction"},
    {"QUIT", LMTP_VERB_QUIT, ARGUMENT_NONE, NULL, ANY_TIME, ""},
};

/* -- lines ----------------------------------------------------------------------------------- */

static bool refuse(struct lmtp_reply *reply, short code, const char *enhanced, const char *text)
{
	*reply =
	    (struct lmtp_reply){.code = code, .enhanced = enhanced, .text = text, .is_bad = true};
	return false;
}

/* The length of "<...>" at the start of `text`; brackets in quotes do not count. 0: none. */
static size_t path_length(struct span text)
{
	bool in_quotes = false;
	if (text.len == 0 || text.data[0] != '<')
		return 0;
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '"')
			in_quotes = !in_quotes;
		else if (text.data[i] == '\\' && in_quotes)
			i++;
		else if (text.data[i] == '>' && !in_quotes)
			return i + 1;
	}
	return 0;
}

static bool parse_path(struct arena *arena, struct span argument, const struct command_row *row,
    const struct lmtp_options *options, struct lmtp_command *command, struct lmtp_reply *reply)
{
	struct address address = {0};
	const char *why = "path in angle brackets wanted";
	const char *word = row->verb == LMTP_VERB_MAIL ? "FROM" : "TO";
	if (!span_starts_with_nocase(argument, row->path_word))
		return refuse(reply, 501, "5.5.4", "Invalid parameters");
	struct span rest = span_trim(span_from(argument, strlen(row->path_word)));
	size_t len = path_length(rest);
	struct span after = span_from(rest, len);
	if (len == 0 || (after.len > 0 && after.data[0] != ' ') ||
	    !address_parse(arena, span_first(span_from(rest, 1), len - 2), &address, &why))
		return refuse(reply, 501, "5.5.4", arena_textf(arena, "Invalid %s: %s", word, why));
	if (row->verb == LMTP_VERB_MAIL)
		command->envelope.sender = address;
	else if (address.text.len == 0)
		return refuse(reply, 550, "5.1.1", "Unacceptable TO: Empty path not allowed");
	else
		command->recipient.address = address;
	return lmtp_parameters_parse(arena, span_trim(after), options, command, reply);
}

/* It goes into a Received field: nothing in it may look like something else there. */
static struct span safe_name(struct arena *arena, struct span name)
{
	char *safe = arena_text(arena, span_first(name, CLIENT_NAME_MAX));
	size_t len = name.len < CLIENT_NAME_MAX ? name.len : CLIENT_NAME_MAX;
	for (size_t i = 0; i < len; i++) {
		if (!ascii_is_visible(safe[i]) || strchr("()<>;,\"\\", safe[i]) != NULL)
			safe[i] = '?';
	}
	return (struct span){safe, len};
}

static const struct command_row *find_row(struct span word)
{
	for (size_t i = 0; i < sizeof(command_rows) / sizeof(command_rows[0]); i++) {
		if (span_is_nocase(word, command_rows[i].word))
			return &command_rows[i];
	}
	return NULL;
}

static bool refuse_unknown(struct span word, struct lmtp_reply *reply)
{
	if (span_is_nocase(word, "HELO") || span_is_nocase(word, "EHLO"))
		return refuse(reply, 500, "5.5.1", "This is an LMTP server, use LHLO");
	return refuse(reply, 500, "5.5.1", "Unknown command");
}

void lmtp_command_refuse_now(
    enum lmtp_verb verb, enum lmtp_state state, struct lmtp_reply *reply_out)
{
	const struct command_row *row = command_rows;
	while (row->verb != verb)
		row++;
	const char *why = row->why_not_now;
	if (state == LMTP_STATE_FRESH)
		why = "LHLO needed first";
	else if (state == LMTP_STATE_CHUNKS)
		why = "BDAT has begun the message";
	refuse(reply_out, 503, "5.5.1", why);
	/* A pipelining client has sent these before it knew that MAIL or every RCPT was refused. */
	if (state != LMTP_STATE_FRESH)
		reply_out->is_bad =
		    verb != LMTP_VERB_RCPT && verb != LMTP_VERB_DATA && verb != LMTP_VERB_BDAT;
}

static bool parse_chunk(
    struct span argument, struct lmtp_command *command, struct lmtp_reply *reply)
{
	size_t blank = span_find(argument, ' ');
	struct span last = span_trim(span_from(argument, blank));
	command->is_last_chunk = span_is_nocase(last, "LAST");
	if (number_parse(span_first(argument, blank), UINT64_MAX, &command->chunk_bytes) &&
	    (command->is_last_chunk || last.len == 0))
		return true;
	/* Where the octets end and commands begin again, nobody knows. */
	refuse(reply, 501, "5.5.4", "Invalid BDAT");
	reply->is_end = true;
	return false;
}

/* "AUTH" SP mechanism [SP response]	(RFC 4954 4) */
static bool parse_auth(struct span argument, const struct lmtp_options *options,
    struct lmtp_command *command, struct lmtp_reply *reply)
{
	size_t blank = span_find(argument, ' ');
	struct span offered = span_of(options->mechanisms);
	struct span one;
	if (offered.len == 0)
		return refuse(reply, 502, "5.5.1", "AUTH is not offered");
	while (span_next_piece(&offered, ' ', &one)) {
		if (span_equals_nocase(one, span_first(argument, blank)))
			command->mechanism = one;
	}
	if (command->mechanism.data == NULL)
		return refuse(reply, 504, "5.5.4", "This mechanism is not offered");
	if (blank < argument.len)
		command->response = span_trim(span_from(argument, blank));
	return true;
}

static bool parse_forward(struct arena *arena, struct span argument,
    const struct lmtp_options *options, struct lmtp_command *command, struct lmtp_reply *reply)
{
	const char *why;
	if (!options->is_trusted)
		return refuse(reply, 550, "5.7.0", "Not for this client");
	if (lmtp_forward_parse(
	        arena, argument, command->verb == LMTP_VERB_XCLIENT, &command->forward, &why))
		return true;
	return refuse(reply, 501, "5.5.4", why);
}

bool lmtp_command_parse(struct arena *arena, struct span line, enum lmtp_state state,
    const struct lmtp_options *options, struct lmtp_command *command_out,
    struct lmtp_reply *reply_out)
{
	struct span word = span_first(line, span_find(line, ' '));
	struct span argument = span_trim(span_from(line, word.len));
	const struct command_row *row = find_row(word);
	memset(command_out, 0, sizeof(*command_out));
	if (row == NULL)
		return refuse_unknown(word, reply_out);
	command_out->verb = row->verb;
	if (row->verb == LMTP_VERB_BDAT)
		return parse_chunk(argument, command_out, reply_out);
	if (row->argument == ARGUMENT_NEEDED && argument.len == 0)
		return refuse(reply_out, 501, "5.5.4", "Argument wanted");
	if (row->argument == ARGUMENT_NONE && argument.len > 0)
		return refuse(reply_out, 501, "5.5.4", "No argument wanted");
	if ((row->states & state) == 0) {
		lmtp_command_refuse_now(row->verb, state, reply_out);
		return false;
	}
	if (row->verb == LMTP_VERB_LHLO)
		command_out->name = safe_name(arena, argument);
	if (row->verb == LMTP_VERB_AUTH)
		return parse_auth(argument, options, command_out, reply_out);
	if (row->verb == LMTP_VERB_STARTTLS && !options->offers_tls)
		return refuse(reply_out, 502, "5.5.1", "TLS is not offered");
	if (row->verb == LMTP_VERB_XCLIENT || row->verb == LMTP_VERB_XFORWARD)
		return parse_forward(arena, argument, options, command_out, reply_out);
	if (row->path_word == NULL)
		return true;
	return parse_path(arena, argument, row, options, command_out, reply_out);
}
