/* mime_value.c - types and their parameters.
 *
 *	token     = 1*(any byte but blanks, controls, ()<>@,;:\"/[]?=)
 *	parameter = token "=" (token / quoted-string)
 *	name      = attribute ["*" number] ["*"]	RFC 2231: a piece; percent-encoded
 *
 * Lenient where mail is: values with bytes that should be quoted go up to the next blank or
 * semicolon. */
#include "mail/mime_value.h"

#include "mail/address.h"
#include "mail/charset.h"

#include <string.h>

#define PARAMETERS_MAX 64 /* of one value; more are passed over */
#define PIECE_NUMBER_MAX 999

static void skip_comment(struct span *rest)
{
	unsigned depth = 0;
	do {
		char byte = rest->data[0];
		if (byte == '\\')
			*rest = span_from(*rest, 1);
		depth += byte == '(';
		depth -= byte == ')';
		*rest = span_from(*rest, 1);
	} while (depth > 0 && rest->len > 0);
}

static void skip_space(struct span *rest)
{
	while (rest->len > 0) {
		if (rest->data[0] == '(')
			skip_comment(rest);
		else if (rest->data[0] != '\0' && strchr(" \t\r\n", rest->data[0]) != NULL)
			*rest = span_from(*rest, 1);
		else
			return;
	}
}

static bool is_token(char byte)
{
	return (unsigned char)byte > ' ' && byte != 0x7F &&
	       strchr("()<>@,;:\\\"/[]?=", byte) == NULL;
}

static struct span take_token(struct span *rest)
{
	size_t len = 0;
	while (len < rest->len && is_token(rest->data[len]))
		len++;
	struct span token = span_first(*rest, len);
	*rest = span_from(*rest, len);
	return token;
}

/* quoted-string; one that is not closed goes to the end of the value. */
static struct span take_quoted(struct span *rest)
{
	size_t len = 1;
	while (len < rest->len && rest->data[len] != '"')
		len += rest->data[len] == '\\' ? 2 : 1;
	struct span quoted = span_from(span_first(*rest, len), 1);
	*rest = span_from(*rest, len + 1);
	return quoted;
}

/* Without backslashes and line ends. */
static struct span unquote(struct arena *arena, struct span quoted)
{
	char *text = arena_new_items(arena, quoted.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.data[i] == '\\' && i + 1 < quoted.len)
			i++;
		if (quoted.data[i] != '\r' && quoted.data[i] != '\n')
			text[len++] = quoted.data[i];
	}
	return (struct span){text, len};
}

static struct span take_value(struct arena *arena, struct span *rest)
{
	size_t len = 0;
	skip_space(rest);
	if (rest->len > 0 && rest->data[0] == '"')
		return unquote(arena, take_quoted(rest));
	while (len < rest->len &&
	       (rest->data[len] == '\0' || strchr("; \t\r\n", rest->data[len]) == NULL))
		len++;
	struct span value = span_first(*rest, len);
	*rest = span_from(*rest, len);
	return value;
}

/* Behind the next semicolon that is in no quoted string. False: there is none. */
static bool skip_to_parameter(struct span *rest)
{
	for (;;) {
		skip_space(rest);
		if (rest->len == 0)
			return false;
		if (rest->data[0] == '"') {
			take_quoted(rest);
			continue;
		}
		char byte = rest->data[0];
		*rest = span_from(*rest, 1);
		if (byte == ';')
			return true;
	}
}

/* -- RFC 2231 -- */

struct piece {
	struct span name; /* without its stars */
	int number;       /* -1: it is all of the value */
	bool is_encoded;
	struct span value;
};

static struct piece piece_of(struct span name, struct span value)
{
	struct piece piece = {.name = name, .number = -1, .value = value};
	if (piece.name.len > 0 && piece.name.data[piece.name.len - 1] == '*') {
		piece.is_encoded = true;
		piece.name.len--;
	}
	size_t star = span_find(piece.name, '*');
	if (star == piece.name.len)
		return piece;
	struct span digits = span_from(piece.name, star + 1);
	int number = 0;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9' || number > PIECE_NUMBER_MAX)
			return piece;
		number = number * 10 + (digits.data[i] - '0');
	}
	piece.number = digits.len > 0 ? number : -1;
	piece.name = span_first(piece.name, star);
	return piece;
}

static void decode_percent(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_encoded = text.data[i] == '%' && text.len - i > 2;
		int high = is_encoded ? ascii_hex_value(text.data[i + 1]) : -1;
		int low = is_encoded ? ascii_hex_value(text.data[i + 2]) : -1;
		if (high >= 0 && low >= 0) {
			bytes_append_byte(to, (char)(high << 4 | low));
			i += 2;
		} else {
			bytes_append_byte(to, text.data[i]);
		}
	}
}

/* charset'language'text: the charset, taken off. */
static struct span take_charset(struct span *text)
{
	size_t first = span_find(*text, '\'');
	size_t second = span_find(span_from(*text, first + 1), '\'');
	if (first + 1 + second >= text->len)
		return SPAN("");
	struct span charset = span_first(*text, first);
	*text = span_from(*text, first + 1 + second + 1);
	return charset;
}

/* The value that begins with pieces[first]: the pieces of its name in the order of their numbers.
 */
static struct span join(struct arena *arena, const struct piece *pieces, size_t count, size_t first)
{
	struct bytes raw = {0};
	struct bytes text = {0};
	struct span charset = SPAN("");
	const struct piece *piece = &pieces[first];
	for (int number = 0; piece != NULL; number++) {
		struct span value = piece->value;
		if (piece->is_encoded && number == 0)
			charset = take_charset(&value);
		if (piece->is_encoded)
			decode_percent(&raw, value);
		else
			bytes_append_span(&raw, value);
		const struct piece *next = NULL;
		for (size_t i = 0; i < count && piece->number >= 0 && next == NULL; i++) {
			if (pieces[i].number == number + 1 &&
			    span_equals_nocase(pieces[i].name, piece->name))
				next = &pieces[i];
		}
		piece = next;
	}
	if (!charset_append_utf8(&text, charset, bytes_span(&raw)))
		bytes_append_span(&text, bytes_span(&raw));
	struct span joined = arena_span(arena, bytes_span(&text));
	bytes_clear(&raw);
	bytes_clear(&text);
	return joined;
}

static void read_parameters(struct arena *arena, struct span rest, struct mime_value *value)
{
	struct piece pieces[PARAMETERS_MAX];
	size_t count = 0;
	while (count < PARAMETERS_MAX && skip_to_parameter(&rest)) {
		skip_space(&rest);
		struct span name = take_token(&rest);
		skip_space(&rest);
		if (name.len == 0 || rest.len == 0 || rest.data[0] != '=')
			continue;
		rest = span_from(rest, 1);
		pieces[count++] = piece_of(name, take_value(arena, &rest));
	}
	struct mime_parameter **end = &value->parameters;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].number > 0)
			continue;
		struct mime_parameter *parameter = ARENA_NEW(arena, struct mime_parameter);
		parameter->name = address_lower(arena, pieces[i].name);
		parameter->value = pieces[i].number < 0 && !pieces[i].is_encoded
		                       ? pieces[i].value
		                       : join(arena, pieces, count, i);
		*end = parameter;
		end = &parameter->next;
	}
}

static bool parse(
    struct arena *arena, struct span rest, bool has_subtype, struct mime_value *value_out)
{
	*value_out = (struct mime_value){.subtype = SPAN("")};
	skip_space(&rest);
	value_out->type = address_lower(arena, take_token(&rest));
	skip_space(&rest);
	if (has_subtype) {
		if (rest.len == 0 || rest.data[0] != '/')
			return false;
		rest = span_from(rest, 1);
		skip_space(&rest);
		value_out->subtype = address_lower(arena, take_token(&rest));
		skip_space(&rest);
	}
	if (value_out->type.len == 0 || (has_subtype && value_out->subtype.len == 0) ||
	    (rest.len > 0 && rest.data[0] != ';'))
		return false;
	read_parameters(arena, rest, value_out);
	return true;
}

bool mime_value_type(struct arena *arena, struct span value, struct mime_value *value_out)
{
	return parse(arena, value, true, value_out);
}

bool mime_value_disposition(struct arena *arena, struct span value, struct mime_value *value_out)
{
	return parse(arena, value, false, value_out);
}

struct span mime_value_parameter(const struct mime_value *value, const char *name)
{
	for (const struct mime_parameter *parameter = value->parameters; parameter != NULL;
	     parameter = parameter->next) {
		if (span_is(parameter->name, name))
			return parameter->value;
	}
	return (struct span){NULL, 0};
}
