/* address.c - envelope addresses as MAIL, RCPT, options and trace fields have them.
 *
 *	Path       = [ source-route ":" ] Mailbox		source-route = "@" domain *( "," "@"
 *domain ) Mailbox    = Local-part [ "@" domain ] Local-part = Dot-string / Quoted-string
 *(RFC 5321 4.1.2, 8-bit: RFC 6531 3.3)
 *
 * Lenient where systems that deliver locally are: dots may stand anywhere in a local part, and
 * a domain is any run of printable bytes without blanks and brackets. Strict where an address
 * could be taken for something else: control characters, blanks, unbalanced quotes. */
#include "mail/address.h"

#include "base/utf8.h"

#include <string.h>

static bool is_control(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7F;
}

static struct span drop_source_route(struct span text)
{
	if (text.len == 0 || text.data[0] != '@')
		return text;
	size_t colon = span_find(text, ':');
	return colon == text.len ? text : span_from(text, colon + 1);
}

/* The quoted string at the start of `text`: its contents, and its length with the quotes. */
static bool take_quoted(struct span text, struct bytes *local, size_t *len_out)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '"') {
			*len_out = i + 1;
			return true;
		}
		if (text.data[i] == '\\' && ++i == text.len)
			return false;
		bytes_append_byte(local, text.data[i]);
	}
	return false;
}

/* The local part is everything before the last "@" that is not quoted: some systems let "@" and
 * other specials through unquoted, but the domain cannot have one. */
static bool take_local(struct span text, struct bytes *local, size_t *len_out)
{
	if (text.len > 0 && text.data[0] == '"')
		return take_quoted(text, local, len_out);
	size_t len = span_find_last(text, '@');
	/* It would be taken for a source route when it is read again. */
	if (text.len > 0 && text.data[0] == '@')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (strchr(" \"\\<>(),;:", text.data[i]) != NULL)
			return false;
	}
	bytes_append(local, text.data, len);
	*len_out = len;
	return true;
}

static bool is_domain(struct span domain)
{
	if (domain.len == 0)
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		char byte = domain.data[i];
		bool in_literal =
		    domain.data[0] == '[' && (byte == '[' || byte == ']' || byte == ':');
		if (strchr(" \"\\<>(),;:@[]", byte) != NULL && !in_literal)
			return false;
	}
	return true;
}

static const char *parse(
    struct arena *arena, struct span text, struct address *address_out, struct bytes *local)
{
	size_t local_len;
	if (text.len > ADDRESS_MAX)
		return "address is too long";
	for (size_t i = 0; i < text.len; i++) {
		if (is_control(text.data[i]))
			return "address contains a control character";
	}
	if (!utf8_is_valid(text))
		return "address is not valid UTF-8";
	if (text.len == 0) {
		*address_out = (struct address){span_of(""), span_of(""), span_of("")};
		return NULL;
	}
	text = drop_source_route(text);
	if (!take_local(text, local, &local_len) || (local_len == 0 && local->len == 0))
		return "address has an invalid local part";
	struct span rest = span_from(text, local_len);
	if (rest.len > 0 && (rest.data[0] != '@' || !is_domain(span_from(rest, 1))))
		return "address has an invalid domain";
	address_out->text = arena_span(arena, text);
	address_out->local = arena_span(arena, bytes_span(local));
	address_out->domain =
	    rest.len == 0 ? span_of("") : span_from(address_out->text, local_len + 1);
	return NULL;
}

bool address_parse(
    struct arena *arena, struct span text, struct address *address_out, const char **why_out)
{
	struct bytes local = {0};
	const char *why = parse(arena, text, address_out, &local);
	bytes_clear(&local);
	if (why_out != NULL)
		*why_out = why;
	return why == NULL;
}

bool address_is_null_sender(struct span text)
{
	return text.len == 0 || span_is(text, "<>") || span_is_nocase(text, "MAILER-DAEMON") ||
	       span_is_nocase(text, "<MAILER-DAEMON>");
}

void address_split_detail(
    struct span local, const char *delimiters, struct span *user_out, struct span *detail_out)
{
	for (size_t i = 1; i < local.len; i++) {
		if (local.data[i] != '\0' && strchr(delimiters, local.data[i]) != NULL) {
			*user_out = span_first(local, i);
			*detail_out = span_from(local, i + 1);
			return;
		}
	}
	*user_out = local;
	*detail_out = (struct span){NULL, 0};
}

bool address_equals(const struct address *a, const struct address *b)
{
	return span_equals_nocase(a->local, b->local) && span_equals_nocase(a->domain, b->domain);
}

struct span address_lower(struct arena *arena, struct span text)
{
	char *lower = arena_text(arena, text);
	for (size_t i = 0; i < text.len; i++)
		lower[i] = ascii_lower(lower[i]);
	return (struct span){lower, text.len};
}

/* atext of RFC 5322 3.2.3 and the dot; bytes of UTF-8 are atext by RFC 6531. */
static bool is_plain(char byte)
{
	return (unsigned char)byte >= 0x80 || (byte >= '0' && byte <= '9') ||
	       (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') ||
	       (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", byte) != NULL);
}

static bool is_dot_string(struct span local)
{
	if (local.len == 0 || local.data[0] == '.' || local.data[local.len - 1] == '.')
		return false;
	for (size_t i = 0; i < local.len; i++) {
		if (!is_plain(local.data[i]) ||
		    (i > 0 && local.data[i] == '.' && local.data[i - 1] == '.'))
			return false;
	}
	return true;
}

struct span address_quote_local(struct arena *arena, struct span local)
{
	if (is_dot_string(local))
		return local;
	struct bytes quoted = {0};
	bytes_append_byte(&quoted, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.data[i] == '"' || local.data[i] == '\\')
			bytes_append_byte(&quoted, '\\');
		bytes_append_byte(&quoted, local.data[i]);
	}
	bytes_append_byte(&quoted, '"');
	struct span copy = arena_span(arena, bytes_span(&quoted));
	bytes_clear(&quoted);
	return copy;
}

bool address_parse_unquoted(
    struct arena *arena, struct span text, struct address *address_out, const char **why_out)
{
	struct bytes quoted = {0};
	struct span local = span_first(text, span_find_last(text, '@'));
	if (address_parse(arena, text, address_out, why_out))
		return true;
	if (local.len == 0 || local.len > ADDRESS_MAX)
		return false;
	bytes_append_span(&quoted, address_quote_local(arena, local));
	bytes_append_span(&quoted, span_from(text, local.len));
	bool is_address = address_parse(arena, bytes_span(&quoted), address_out, NULL);
	bytes_clear(&quoted);
	return is_address;
}
