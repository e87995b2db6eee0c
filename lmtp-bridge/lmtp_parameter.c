/* lmtp_parameter.c - what stands behind the path in MAIL and RCPT.
 *
 *	parameter = keyword [ "=" value ]	(RFC 5321 4.1.2) */
#include "lmtp-bridge/lmtp_parameter.h"

#include "base/number.h"
#include "base/utf8.h"

#include <string.h>

/* RFC 3461 4.4 and 4.2 have 100 and 500; each may be encoded in three bytes. */
#define ENVID_MAX 300
#define ORCPT_MAX 1500

/* Each sets what its parameter means; false: not a value of it. `value` has null data where the
 * parameter came without one. */
typedef bool parameter_fn(struct arena *arena, struct span value, struct lmtp_command *command);
static parameter_fn set_size, set_body, set_smtputf8, set_ret, set_envid, set_notify, set_orcpt,
    set_auth;

/* What must have been offered before. */
enum need { NEED_NOTHING, NEED_DSN, NEED_AUTH };

static const struct parameter_row {
	enum lmtp_verb verb;
	const char *keyword;
	enum need need;
	parameter_fn *set;
} parameter_rows[] = {
    {LMTP_VERB_MAIL, "SIZE", NEED_NOTHING, set_size},         /* RFC 1870 */
    {LMTP_VERB_MAIL, "BODY", NEED_NOTHING, set_body},         /* RFC 6152 */
    {LMTP_VERB_MAIL, "SMTPUTF8", NEED_NOTHING, set_smtputf8}, /* RFC 6531 */
    {LMTP_VERB_MAIL, "AUTH", NEED_AUTH, set_auth},            /* RFC 4954 5 */
    {LMTP_VERB_MAIL, "RET", NEED_DSN, set_ret},               /* RFC 3461 */
    {LMTP_VERB_MAIL, "ENVID", NEED_DSN, set_envid},
    {LMTP_VERB_RCPT, "NOTIFY", NEED_DSN, set_notify},
    {LMTP_VERB_RCPT, "ORCPT", NEED_DSN, set_orcpt},
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

static int hex_value(char byte)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = byte == '\0' ? NULL : strchr(digits, byte);
	return at == NULL ? -1 : (int)(at - digits);
}

bool lmtp_xtext_decode(struct span text, struct bytes *to)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_visible(text.data[i]) || text.data[i] == '=')
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
	if (!utf8_is_valid(rest))
		return false;
	while (rest.len > 0) {
		if ((unsigned char)rest.data[0] <= ' ' || rest.data[0] == 0x7F)
			return false;
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
	bool is_good =
	    value.len > 0 && value.len <= ENVID_MAX && lmtp_xtext_decode(value, &decoded);
	for (size_t i = 0; i < decoded.len; i++)
		is_good = is_good && ascii_is_visible(decoded.data[i]);
	if (is_good)
		command->envelope.envid = arena_span(arena, bytes_span(&decoded));
	bytes_clear(&decoded);
	return is_good;
}

/* Who submitted it, as others say: we take no notice. */
static bool set_auth(struct arena *arena, struct span value, struct lmtp_command *command)
{
	struct bytes decoded = {0};
	(void)arena;
	(void)command;
	bool is_good = value.len > 0 && lmtp_xtext_decode(value, &decoded);
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
	for (size_t i = 0; i < type.len; i++) {
		if (!ascii_is_visible(type.data[i]))
			return false;
	}
	bool is_utf8 = span_is_nocase(type, "utf-8");
	bool is_good =
	    is_utf8 ? decode_utf8_address(text, &decoded) : lmtp_xtext_decode(text, &decoded);
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
	*reply =
	    (struct lmtp_reply){.code = code, .enhanced = enhanced, .text = text, .is_bad = true};
	return false;
}

static bool is_offered(enum need need, const struct lmtp_options *options)
{
	if (need == NEED_DSN)
		return options->has_dsn;
	return need == NEED_NOTHING || options->mechanisms[0] != '\0';
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
		    !is_offered(row->need, options))
			continue;
		if ((*seen & (1U << i)) != 0 || !row->set(arena, value, command))
			return refuse(reply, 501, "5.5.4",
			    arena_textf(arena, "Invalid %s parameter", row->keyword));
		*seen |= 1U << i;
		return true;
	}
	return refuse(reply, 555, "5.5.4", "Unsupported parameter");
}

bool lmtp_parameters_parse(struct arena *arena, struct span rest,
    const struct lmtp_options *options, struct lmtp_command *command, struct lmtp_reply *reply_out)
{
	struct span piece;
	unsigned seen = 0;
	if (rest.len == 0)
		return true;
	while (span_next_piece(&rest, ' ', &piece)) {
		if (piece.len > 0 &&
		    !parse_parameter(arena, piece, options, command, &seen, reply_out))
			return false;
	}
	return true;
}
