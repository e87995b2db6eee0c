/* mailto.c - reads mailto URIs.
 *
 *	mailtoURI = "mailto:" [ to ] [ "?" hfield *( "&" hfield ) ]	(RFC 6068 section 2)
 *	to        = addr-spec *( "," addr-spec )
 *	hfield    = hfname "=" hfvalue
 *	qchar     = unreserved / pct-encoded / "!" / "$" / "'" / "(" / ")" / "*" / "+" / "," / ";"
 *	            / ":" / "@"
 *
 * Commas may be encoded as well: RFC 2368 had it so. A "=" in a value cannot be misread. */
#include "sieve-lite/mailto.h"

#include "mail/header.h"
#include "sieve-lite/address_list.h"

#include <string.h>

struct reader {
	struct arena *arena;
	const struct mailto_limits *limits;
	struct mailto *mailto;
	size_t fields_seen;
	const char *why; /* null: all is well */
};

static bool fail(struct reader *reader, const char *why)
{
	reader->why = why;
	return false;
}

/* -- Characters -------------------------------------------------------------------------------- */

static bool is_qchar(char byte)
{
	return (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') ||
	       (byte >= '0' && byte <= '9') ||
	       (byte != '\0' && strchr("-._~!$'()*+,;:@=", byte) != NULL);
}

static bool decode(struct reader *reader, struct span text, struct span *decoded_out)
{
	char *decoded = arena_new_items(reader->arena, text.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		if (byte == '%') {
			int high = i + 2 < text.len ? ascii_hex_value(text.data[i + 1]) : -1;
			int low = high >= 0 ? ascii_hex_value(text.data[i + 2]) : -1;
			if (low < 0)
				return fail(
				    reader, "'%' is not followed by two hexadecimal digits");
			byte = (char)(high * 16 + low);
			i += 2;
		} else if (!is_qchar(byte)) {
			return fail(reader, "it has a character that must be encoded");
		}
		decoded[len++] = byte;
	}
	*decoded_out = (struct span){decoded, len};
	return true;
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if ((byte < ' ' && byte != '\t') || byte == 0x7F)
			return true;
	}
	return false;
}

/* -- Recipients -------------------------------------------------------------------------------- */

/* One that is there already moves from Cc to To, if it is named there too. */
static bool is_known(struct mailto *mailto, struct span address, bool is_copy)
{
	for (size_t i = 0; i < mailto->recipient_count; i++) {
		struct mailto_recipient *recipient = &mailto->recipients[i];
		if (!span_equals_nocase(recipient->mailbox.address, address))
			continue;
		recipient->is_copy = recipient->is_copy && is_copy;
		return true;
	}
	return false;
}

static bool add_recipients(struct reader *reader, struct span list, bool is_copy)
{
	struct mailto *mailto = reader->mailto;
	if (has_control(list))
		return fail(reader, "a recipient has a control character");
	list = span_trim(list);
	if (list.len == 0 || list.data[0] == ',' || list.data[list.len - 1] == ',')
		return fail(reader, "a recipient is missing");
	const struct listed_address *listed = address_list_parse(reader->arena, list);
	for (; listed != NULL; listed = listed->next) {
		if (!listed->is_valid)
			return fail(reader, "a recipient is no address");
		if (is_known(mailto, listed->address.text, is_copy))
			continue;
		if (mailto->recipient_count == reader->limits->recipients) {
			mailto->is_cut = true;
			return true;
		}
		mailto->recipients[mailto->recipient_count++] = (struct mailto_recipient){
		    {.name = address_list_name(reader->arena, listed),
		        .address = listed->address.text,
		        .is_quoted = span_find(listed->phrase, '"') < listed->phrase.len},
		    is_copy};
	}
	return true;
}

/* -- Fields ------------------------------------------------------------------------------------ */

static bool is_one_of(struct span name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (span_is_nocase(name, *names))
			return true;
	}
	return false;
}

/* What a URI must not say (RFC 5436 2.7), and what would make another message of it. */
static bool is_reserved(struct span name)
{
	static const char *const names[] = {"Auto-Submitted", "Received", "From", "Sender",
	    "Message-ID", "Date", "Bcc", "Return-Path", "Delivered-To", "X-Original-To",
	    "In-Reply-To", "References", "MIME-Version", "Precedence", "X-Priority", "Importance",
	    "DKIM-Signature", "Authentication-Results", NULL};
	return is_one_of(name, names) || span_starts_with_nocase(name, "Resent-") ||
	       span_starts_with_nocase(name, "Content-") || span_starts_with_nocase(name, "ARC-");
}

/* One is enough. */
static bool is_repeated(const struct mailto *mailto, struct span name)
{
	if (!span_is_nocase(name, "Reply-To"))
		return false;
	for (size_t i = 0; i < mailto->field_count; i++) {
		if (span_equals_nocase(mailto->fields[i].name, name))
			return true;
	}
	return false;
}

static bool add_field(struct reader *reader, struct span name, struct span value)
{
	struct mailto *mailto = reader->mailto;
	if (!header_name_is_valid(name))
		return fail(reader, "no header field can have such a name");
	if (reader->fields_seen++ >= reader->limits->fields) {
		mailto->is_cut = true;
		return true;
	}
	if (span_is_nocase(name, "body")) {
		if (mailto->body.data == NULL)
			mailto->body = value;
		return true;
	}
	if (span_is_nocase(name, "to") || span_is_nocase(name, "cc"))
		return add_recipients(reader, value, span_is_nocase(name, "cc"));
	if (has_control(value))
		return fail(reader, "the value of a field has a control character");
	if (span_is_nocase(name, "subject")) {
		if (mailto->subject.data == NULL)
			mailto->subject = value;
	} else if (!is_reserved(name) && !is_repeated(mailto, name)) {
		mailto->fields[mailto->field_count++] = (struct mailto_field){name, value};
	}
	return true;
}

static bool read_field(struct reader *reader, struct span text)
{
	struct span name;
	struct span value;
	size_t equals = span_find(text, '=');
	if (equals == text.len)
		return fail(reader, "a field lacks its '='");
	return decode(reader, span_first(text, equals), &name) &&
	       decode(reader, span_from(text, equals + 1), &value) &&
	       add_field(reader, name, value);
}

bool mailto_parse(struct arena *arena, struct span text, const struct mailto_limits *limits,
    struct mailto *mailto_out, const char **why_out)
{
	struct reader reader = {.arena = arena, .limits = limits, .mailto = mailto_out};
	struct span to = span_first(text, span_find(text, '?'));
	struct span rest = span_from(text, to.len + 1);
	struct span field;
	struct span list;
	*mailto_out = (struct mailto){
	    .recipients =
	        arena_new_items(arena, limits->recipients + 1, sizeof(struct mailto_recipient)),
	    .fields = arena_new_items(arena, limits->fields + 1, sizeof(struct mailto_field)),
	};
	/* These would make a group of it. */
	bool is_good = true;
	if (span_find(to, ':') < to.len || span_find(to, ';') < to.len)
		is_good = fail(&reader, "it has a character that must be encoded");
	is_good = is_good && decode(&reader, to, &list) &&
	          (to.len == 0 || add_recipients(&reader, list, false));
	while (is_good && rest.len > 0 && span_next_piece(&rest, '&', &field))
		is_good = read_field(&reader, field);
	*why_out = reader.why;
	return is_good;
}
