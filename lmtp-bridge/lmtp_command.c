/* lmtp_command.c - the commands of LMTP and their parameters.
 *
 *	command   = verb [ SP argument ]
 *	MAIL      = "MAIL FROM:" Path *( SP parameter )		RCPT the same with "TO:"
 *	parameter = keyword [ "=" value ]			(RFC 5321 4.1.2)
 *
 * Lenient where clients are known to be: blanks before a path, any case. Strict where a
 * parameter was not offered: the client would believe that we had understood it. */
#include "lmtp-bridge/lmtp_command.h"

#include "base/number.h"
#include "base/utf8.h"

#include <string.h>

#define CLIENT_NAME_MAX 255
/* RFC 3461 4.4 and 4.2 have 100 and 500; each may be encoded in three bytes. */
#define ENVID_MAX 300
#define ORCPT_MAX 1500

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_NEEDED };

#define ANY_TIME (LMTP_STATE_FRESH | LMTP_STATE_READY | LMTP_STATE_MAIL | LMTP_STATE_RCPT)

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
    {"RSET", LMTP_VERB_RSET, ARGUMENT_NONE, NULL, ANY_TIME, ""},
    {"NOOP", LMTP_VERB_NOOP, ARGUMENT_OPTIONAL, NULL, ANY_TIME, ""},
    {"VRFY", LMTP_VERB_VRFY, ARGUMENT_NEEDED, NULL, ANY_TIME, ""},
    {"HELP", LMTP_VERB_HELP, ARGUMENT_OPTIONAL, NULL, ANY_TIME, ""},
    {"QUIT", LMTP_VERB_QUIT, ARGUMENT_NONE, NULL, ANY_TIME, ""},
};

/* Each sets what its parameter means; false: not a value of it. `value` has null data where the
 * parameter came without one. */
typedef bool parameter_fn(struct arena *arena, struct span value, struct lmtp_command *command);
static parameter_fn set_size, set_body, set_smtputf8, set_ret, set_envid, set_notify, set_orcpt;

static const struct parameter_row {
	enum lmtp_verb verb;
	const char *keyword;
	bool is_dsn;
	parameter_fn *set;
} parameter_rows[] = {
    {LMTP_VERB_MAIL, "SIZE", false, set_size},         /* RFC 1870 */
    {LMTP_VERB_MAIL, "BODY", false, set_body},         /* RFC 6152 */
    {LMTP_VERB_MAIL, "SMTPUTF8", false, set_smtputf8}, /* RFC 6531 */
    {LMTP_VERB_MAIL, "RET", true, set_ret},            /* RFC 3461 */
    {LMTP_VERB_MAIL, "ENVID", true, set_envid},
    {LMTP_VERB_RCPT, "NOTIFY", true, set_notify},
    {LMTP_VERB_RCPT, "ORCPT", true, set_orcpt},
};
#define PARAMETER_COUNT (sizeof(parameter_rows) / sizeof(parameter_rows[0]))

/* -- the values of parameters ---------------------------------------------------------------- */

static bool set_size(struct arena *arena, struct span value, struct lmtp_command *command)
{
	(void)arena;
	return number_parse(value, UINT64_MAX, &command->envelope.size_bytes);
}

static bool set_body(struct arena *arena, struct span value, struct lmtp_command *command)
{
	(void)arena;
	if (span_is_nocase(value, "7BIT"))
		command->envelope.body = ENVELOPE_BODY_7BIT;
	else if (span_is_nocase(value, "8BITMIME"))
		command->envelope.body = ENVELOPE_BODY_8BITMIME;
	else
		return false;
	return true;
}

static bool set_smtputf8(struct arena *arena, struct span value, struct lmtp_command *command)
{
	(void)arena;
	command->envelope.smtputf8 = true;
	return value.data == NULL;
}

static bool set_ret(struct arena *arena, struct span value, struct lmtp_command *command)
{
	(void)arena;
	if (span_is_nocase(value, "FULL"))
		command->envelope.ret = ENVELOPE_RET_FULL;
	else if (span_is_nocase(value, "HDRS"))
		command->envelope.ret = ENVELOPE_RET_HDRS;
	else
		return false;
	return true;
}

static bool is_printable(char byte)
{
	return byte > ' ' && byte < 0x7F;
}

static int hex_value(char byte)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = byte == '\0' ? NULL : strchr(digits, byte);
	return at == NULL ? -1 : (int)(at - digits);
}

/* xtext = *( xchar / "+" 2HEXDIG )	(RFC 3461 4); lower case digits are not allowed. */
static bool decode_xtext(struct span text, struct bytes *to)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_printable(text.data[i]) || text.data[i] == '=')
			return false;
		if (text.data[i] != '+') {
			bytes_append_byte(to, text.data[i]);
			continue;
		}
		if (text.len - i < 3)
			return false;
		int high = hex_value(text.data[i + 1]);
		int low = hex_value(text.data[i + 2]);
		if (high < 0 || low < 0)
			return false;
		bytes_append_byte(to, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}

/* "\x{" HEXPOINT "}" at the start of `rest`, one to six digits; takes it off. */
static bool take_embedded(struct span *rest, struct bytes *to)
{
	uint32_t character = 0;
	size_t i = 3;
	if (!span_starts_with(*rest, "\\x{"))
		return false;
	for (; i < rest->len && i < 9 && hex_value(rest->data[i]) >= 0; i++)
		character = character * 16 + (uint32_t)hex_value(rest->data[i]);
	if (i == 3 || i >= rest->len || rest->data[i] != '}')
		return false;
	utf8_append(to, character);
	*rest = span_from(*rest, i + 1);
	return true;
}

/* utf-8-addr-xtext and utf-8-addr-unitext (RFC 6533 3): printable characters, raw UTF-8, and
 * "\x{...}" for any other. */
static bool decode_utf8_address(struct span rest, struct bytes *to)
{
	while (rest.len > 0) {
		if (rest.data[0] == '\\') {
			if (!take_embedded(&rest, to))
				return false;
			continue;
		}
		bytes_append_byte(to, rest.data[0]);
		rest = span_from(rest, 1);
	}
	return true;
}

static bool set_envid(struct arena *arena, struct span value, struct lmtp_command *command)
{
	struct bytes decoded = {0};
	bool is_good = value.len > 0 && value.len <= ENVID_MAX && decode_xtext(value, &decoded);
	for (size_t i = 0; i < decoded.len; i++)
		is_good = is_good && is_printable(decoded.data[i]);
	if (is_good)
		command->envelope.envid = arena_span(arena, bytes_span(&decoded));
	bytes_clear(&decoded);
	return is_good;
}

static bool set_notify(struct arena *arena, struct span value, struct lmtp_command *command)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
	    {"NEVER", ENVELOPE_NOTIFY_NEVER},
	    {"SUCCESS", ENVELOPE_NOTIFY_SUCCESS},
	    {"FAILURE", ENVELOPE_NOTIFY_FAILURE},
	    {"DELAY", ENVELOPE_NOTIFY_DELAY},
	};
	struct span piece;
	unsigned notify = 0;
	(void)arena;
	if (value.data == NULL)
		return false;
	while (span_next_piece(&value, ',', &piece)) {
		unsigned bit = 0;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (span_is_nocase(piece, words[i].word))
				bit = words[i].bit;
		}
		if (bit == 0)
			return false;
		notify |= bit;
	}
	command->recipient.notify = notify;
	/* NEVER stands alone. */
	return (notify & ENVELOPE_NOTIFY_NEVER) == 0 || notify == ENVELOPE_NOTIFY_NEVER;
}

/* original-recipient-address = atom ";" xtext	(RFC 3461 4.2), type "utf-8": RFC 6533. An
 * address type that is none of these two, or one that does not parse, is kept as it came only. */
static bool set_orcpt(struct arena *arena, struct span value, struct lmtp_command *command)
{
	struct bytes decoded = {0};
	size_t semicolon = span_find(value, ';');
	struct span type = span_first(value, semicolon);
	struct span text = span_from(value, semicolon + 1);
	if (semicolon == 0 || semicolon >= value.len || text.len == 0 || value.len > ORCPT_MAX)
		return false;
	bool is_utf8 = span_is_nocase(type, "utf-8");
	bool is_good = is_utf8 ? decode_utf8_address(text, &decoded) : decode_xtext(text, &decoded);
	if (is_good)
		command->recipient.orcpt = arena_span(arena, value);
	if (is_good && (is_utf8 || span_is_nocase(type, "rfc822")) &&
	    !address_parse(arena, bytes_span(&decoded), &command->recipient.original, NULL))
		command->recipient.original = (struct address){0};
	bytes_clear(&decoded);
	return is_good;
}

/* -- lines ----------------------------------------------------------------------------------- */

static bool refuse(struct lmtp_reply *reply, short code, const char *enhanced, const char *text)
{
	*reply = (struct lmtp_reply){code, enhanced, text, true};
	return false;
}

static bool parse_parameter(struct arena *arena, struct span text,
    const struct lmtp_options *options, struct lmtp_command *command, unsigned *seen,
    struct lmtp_reply *reply)
{
	size_t equals = span_find(text, '=');
	struct span keyword = span_first(text, equals);
	struct span value = {NULL, 0};
	if (equals < text.len)
		value = (struct span){text.data + equals + 1, text.len - equals - 1};
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		const struct parameter_row *row = &parameter_rows[i];
		if (row->verb != command->verb || !span_is_nocase(keyword, row->keyword) ||
		    (row->is_dsn && !options->has_dsn))
			continue;
		if ((*seen & (1U << i)) != 0 || !row->set(arena, value, command))
			return refuse(reply, 501, "5.5.4",
			    arena_textf(arena, "Invalid %s parameter", row->keyword));
		*seen |= 1U << i;
		return true;
	}
	return refuse(reply, 555, "5.5.4", "Unsupported parameter");
}

static bool parse_parameters(struct arena *arena, struct span rest,
    const struct lmtp_options *options, struct lmtp_command *command, struct lmtp_reply *reply)
{
	struct span piece;
	unsigned seen = 0;
	if (rest.len == 0)
		return true;
	while (span_next_piece(&rest, ' ', &piece)) {
		if (piece.len > 0 && !parse_parameter(arena, piece, options, command, &seen, reply))
			return false;
	}
	return true;
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
	return parse_parameters(arena, span_trim(after), options, command, reply);
}

/* It goes into a Received field: nothing in it may look like something else there. */
static struct span safe_name(struct arena *arena, struct span name)
{
	char *safe = arena_text(arena, span_first(name, CLIENT_NAME_MAX));
	size_t len = name.len < CLIENT_NAME_MAX ? name.len : CLIENT_NAME_MAX;
	for (size_t i = 0; i < len; i++) {
		if (!is_printable(safe[i]) || strchr("()<>;,\"\\", safe[i]) != NULL)
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

static bool refuse_now(
    const struct command_row *row, enum lmtp_state state, struct lmtp_reply *reply)
{
	const char *why = state == LMTP_STATE_FRESH ? "LHLO needed first" : row->why_not_now;
	refuse(reply, 503, "5.5.1", why);
	/* A pipelining client has sent DATA before it knew that every recipient was refused. */
	reply->is_bad = row->verb != LMTP_VERB_DATA;
	return false;
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
	if (row->argument == ARGUMENT_NEEDED && argument.len == 0)
		return refuse(reply_out, 501, "5.5.4", "Argument wanted");
	if (row->argument == ARGUMENT_NONE && argument.len > 0)
		return refuse(reply_out, 501, "5.5.4", "No argument wanted");
	if ((row->states & state) == 0)
		return refuse_now(row, state, reply_out);
	if (row->verb == LMTP_VERB_LHLO)
		command_out->name = safe_name(arena, argument);
	if (row->path_word == NULL)
		return true;
	return parse_path(arena, argument, row, options, command_out, reply_out);
}
