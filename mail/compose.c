/* compose.c - writes messages.
 *
 * Callers give values as scripts and strangers made them. Everything that could end a line goes
 * here, once, so that no caller has to think of it. */
#include "mail/compose.h"

#include "base/utf8.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/header_write.h"

#include <string.h>

#define LINE_BYTES 76        /* RFC 5322 2.1.1 wants 78 */
#define LONGEST_LINE 998     /* RFC 5322 2.1.1 */
#define QUOTED_LINE_BYTES 76 /* RFC 2045 6.7 */
#define NAME_BYTES 256
#define REFERENCES_MAX 20
#define ID_BYTES 250

static bool is_control(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7F;
}

/* Valid UTF-8 on one line. */
static struct span clean(struct bytes *cleaned, struct span text)
{
	while (text.len > 0) {
		struct span before = text;
		uint32_t character;
		if (!utf8_next(&text, &character)) {
			text = span_from(text, 1);
			continue;
		}
		if (is_control(before.data[0]))
			bytes_append_byte(cleaned, ' ');
		else
			bytes_append(cleaned, before.data, before.len - text.len);
	}
	return span_trim(bytes_span(cleaned));
}

void compose_text(struct bytes *to, const char *name, struct span text)
{
	struct bytes cleaned = {0};
	header_write(to, span_of(name), clean(&cleaned, text));
	bytes_clear(&cleaned);
}

/* Puts a word on the line, or on the next one. */
static void put_word(struct bytes *to, struct span word, size_t *column)
{
	if (*column > 1 && *column + 1 + word.len > LINE_BYTES) {
		bytes_append_text(to, "\n ");
		*column = 1;
	} else {
		bytes_append_byte(to, ' ');
		*column += 1;
	}
	bytes_append_span(to, word);
	*column += word.len;
}

static void begin_field(struct bytes *to, const char *name, size_t *column)
{
	bytes_appendf(to, "%s:", name);
	*column = strlen(name) + 1;
}

void compose_words(struct bytes *to, const char *name, struct span words)
{
	struct bytes cleaned = {0};
	struct span rest = clean(&cleaned, words);
	struct span word;
	size_t column;
	begin_field(to, name, &column);
	while (span_next_piece(&rest, ' ', &word)) {
		if (word.len > 0)
			put_word(to, word, &column);
	}
	bytes_append_byte(to, '\n');
	bytes_clear(&cleaned);
}

/* -- Addresses --------------------------------------------------------------------------------- */

/* RFC 5322 3.2.3, and the blank: what may stand in a phrase without quotes. */
static bool is_phrase(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		bool is_atom = (byte >= '0' && byte <= '9') ||
		               (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') ||
		               (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~ ", byte) != NULL);
		if (!is_atom)
			return false;
	}
	return true;
}

static void append_quoted(struct bytes *to, struct span text)
{
	bytes_append_byte(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			bytes_append_byte(to, '\\');
		bytes_append_byte(to, text.data[i]);
	}
	bytes_append_byte(to, '"');
}

/* A display name as a phrase, in words that may be folded between. */
static void append_name(struct bytes *to, const struct compose_mailbox *mailbox)
{
	struct span name = mailbox->name;
	struct bytes cleaned = {0};
	struct bytes field = {0};
	struct span text = clean(&cleaned, span_first(name, NAME_BYTES));
	bool is_plain = is_phrase(text) && (!mailbox->is_quoted || text.len == 0);
	if (utf8_is_ascii(text) && (is_plain || text.len > LINE_BYTES)) {
		bytes_append_span(to, is_phrase(text) ? text : SPAN(""));
	} else if (utf8_is_ascii(text)) {
		append_quoted(to, text);
	} else {
		/* As encoded words; a fold between them is a blank here. */
		header_write(&field, SPAN("x"), text);
		struct span words = span_trim(span_from(bytes_span(&field), 2));
		for (size_t i = 0; i < words.len; i++) {
			if (words.data[i] != '\n')
				bytes_append_byte(to, words.data[i]);
		}
	}
	bytes_clear(&field);
	bytes_clear(&cleaned);
}

/* An address of one line: what could end it is left out. */
static void append_address(struct bytes *to, struct span address, bool has_brackets)
{
	bytes_append_text(to, has_brackets ? "<" : "");
	for (size_t i = 0; i < address.len; i++) {
		if (!is_control(address.data[i]))
			bytes_append_byte(to, address.data[i]);
	}
	bytes_append_text(to, has_brackets ? ">" : "");
}

void compose_mailboxes(
    struct bytes *to, const char *name, const struct compose_mailbox *mailboxes, size_t count)
{
	size_t column;
	begin_field(to, name, &column);
	for (size_t i = 0; i < count; i++) {
		struct bytes mailbox = {0};
		append_name(&mailbox, &mailboxes[i]);
		bool has_name = mailbox.len > 0;
		bool is_quoted = has_name && mailbox.data[0] == '"';
		/* Encoded words and plain ones may each begin a line; a quoted string is one. */
		struct span rest = bytes_span(&mailbox);
		struct span word;
		if (is_quoted)
			put_word(to, rest, &column);
		while (has_name && !is_quoted && span_next_piece(&rest, ' ', &word)) {
			if (word.len > 0)
				put_word(to, word, &column);
		}
		bytes_reset(&mailbox);
		append_address(
		    &mailbox, mailboxes[i].address, has_name || mailboxes[i].is_bracketed);
		bytes_append_text(&mailbox, i + 1 < count ? "," : "");
		put_word(to, bytes_span(&mailbox), &column);
		bytes_clear(&mailbox);
	}
	bytes_append_byte(to, '\n');
}

void compose_date(struct bytes *to, time_t when)
{
	struct arena *arena = arena_new();
	struct span date = date_format(arena, when);
	bytes_append_text(to, "Date: ");
	bytes_append_span(to, date);
	bytes_append_byte(to, '\n');
	arena_free(&arena);
}

/* -- Bodies ------------------------------------------------------------------------------------ */

/* CR LF and bare CR become LF; NUL goes: mail has none. The last line is ended. */
static void append_lines(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		if (byte == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
			continue;
		if (byte != '\0')
			bytes_append_byte(to, byte == '\r' ? '\n' : byte);
	}
	if (to->len == 0 || to->data[to->len - 1] != '\n')
		bytes_append_byte(to, '\n');
}

static bool has_long_line(struct span text)
{
	struct span line;
	while (span_next_line(&text, &line)) {
		if (line.len > LONGEST_LINE)
			return true;
	}
	return false;
}

static void append_quoted_line(struct bytes *to, struct span line)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char byte = (unsigned char)line.data[i];
		bool is_last = i + 1 == line.len;
		bool is_plain =
		    byte >= ' ' && byte < 0x7F && byte != '=' && (byte != ' ' || !is_last);
		if (column + (is_plain ? 1 : 3) >= QUOTED_LINE_BYTES) {
			bytes_append_text(to, "=\n");
			column = 0;
		}
		if (is_plain) {
			bytes_append_byte(to, (char)byte);
			column++;
		} else {
			bytes_appendf(to, "=%c%c", digits[byte >> 4], digits[byte & 0xF]);
			column += 3;
		}
	}
	bytes_append_byte(to, '\n');
}

void compose_body(struct bytes *to, struct span text)
{
	struct bytes lines = {0};
	append_lines(&lines, text);
	struct span body = bytes_span(&lines);
	bool is_long = has_long_line(body);
	bool is_ascii = utf8_is_ascii(body);
	bytes_append_text(to, utf8_is_valid(body)
	                          ? "Content-Type: text/plain; charset=utf-8\n"
	                          : "Content-Type: text/plain; charset=unknown-8bit\n");
	bytes_appendf(to, "Content-Transfer-Encoding: %s\n\n",
	    is_long    ? "quoted-printable"
	    : is_ascii ? "7bit"
	               : "8bit");
	struct span line;
	if (!is_long)
		bytes_append_span(to, body);
	while (is_long && span_next_line(&body, &line))
		append_quoted_line(to, line);
	bytes_clear(&lines);
}

/* What stands between "<" and "@" of a Message-ID is fit for a boundary. */
static struct span boundary(struct span id)
{
	struct span local = span_first(id, span_find(id, '@'));
	return span_first(span_from(local, 1), 60);
}

static void append_boundary(struct bytes *to, struct span id, const char *end)
{
	bytes_append_text(to, "--");
	bytes_append_span(to, boundary(id));
	bytes_append_text(to, end);
}

void compose_multipart(struct bytes *to, const char *type, struct span id)
{
	/* What is in the parts is not known yet, and 8bit in one makes it that of the whole (RFC
	 * 2045 6.4). */
	bytes_appendf(to,
	    "MIME-Version: 1.0\nContent-Type: %s;\n boundary=\"%.*s\"\n"
	    "Content-Transfer-Encoding: 8bit\n\n",
	    type, (int)boundary(id).len, boundary(id).data);
	bytes_append_text(to, "This message has several parts.\n");
}

void compose_part(struct bytes *to, struct span id)
{
	bytes_append_byte(to, '\n');
	append_boundary(to, id, "\n");
}

void compose_end(struct bytes *to, struct span id)
{
	bytes_append_byte(to, '\n');
	append_boundary(to, id, "--\n");
}

void compose_foreign(struct bytes *to, struct span id, struct span text)
{
	struct bytes delimiter = {0};
	struct span line;
	append_boundary(&delimiter, id, "");
	const char *prefix = bytes_terminate(&delimiter);
	while (span_next_line(&text, &line)) {
		if (span_starts_with(line, prefix))
			bytes_append_byte(to, ' ');
		bytes_append_span(to, line);
		bytes_append_byte(to, '\n');
	}
	bytes_clear(&delimiter);
}

/* -- Message-IDs ------------------------------------------------------------------------------- */

/* FNV-1a. Nothing depends on it being hard to guess or to collide with. */
static uint64_t digest(uint64_t start, const char *kind, const struct span *pieces, size_t count)
{
	uint64_t hash = start;
	for (const char *p = kind; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001B3);
	for (size_t i = 0; i < count; i++) {
		/* Between the pieces, so that "a" and "bc" are not "ab" and "c". */
		hash = (hash ^ 0x100) * UINT64_C(0x100000001B3);
		for (size_t j = 0; j < pieces[i].len; j++)
			hash = (hash ^ (unsigned char)pieces[i].data[j]) * UINT64_C(0x100000001B3);
	}
	return hash;
}

static bool is_domain(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = ascii_lower(text.data[i]);
		if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') && byte != '.' &&
		    byte != '-')
			return false;
	}
	return text.len > 0;
}

struct span compose_message_id(struct arena *arena, const char *kind, const struct span *pieces,
    size_t count, struct span domain)
{
	if (!is_domain(domain))
		domain = SPAN("localhost");
	return arena_spanf(arena, "<%016llx%016llx.%s@%.*s>",
	    (unsigned long long)digest(UINT64_C(0xCBF29CE484222325), kind, pieces, count),
	    (unsigned long long)digest(UINT64_C(0x6C616E6475736879), kind, pieces, count), kind,
	    (int)domain.len, domain.data);
}

/* Takes the next "<...>" off; false: there is none. */
static bool next_id(struct span *rest, struct span *id_out)
{
	while (rest->len > 0) {
		struct span from = span_from(*rest, span_find(*rest, '<'));
		size_t len = span_find(from, '>');
		*rest = span_from(from, len + 1);
		if (len == from.len)
			return false;
		struct span id = span_first(from, len + 1);
		bool is_good = id.len > 2 && id.len <= ID_BYTES;
		for (size_t i = 1; i < id.len; i++)
			is_good =
			    is_good && id.data[i] > ' ' && id.data[i] < 0x7F && id.data[i] != '<';
		if (is_good) {
			*id_out = id;
			return true;
		}
	}
	return false;
}

struct span compose_find_id(struct span value)
{
	struct span id = {NULL, 0};
	next_id(&value, &id);
	return id;
}

/* All but those in the middle of a long list. */
static void append_references(struct bytes *to, struct span value)
{
	struct span rest = value;
	struct span id;
	size_t count = 0;
	size_t index = 0;
	while (next_id(&rest, &id))
		count++;
	for (rest = value; next_id(&rest, &id); index++) {
		if (index > 0 && index + REFERENCES_MAX < count)
			continue;
		bytes_append_span(to, id);
		bytes_append_byte(to, ' ');
	}
}

void compose_threading(struct bytes *to, struct span head)
{
	struct header_field field;
	struct bytes references = {0};
	struct span id = {NULL, 0};
	if (header_find(head, "Message-ID", &field))
		id = compose_find_id(field.value);
	if (id.data == NULL)
		return;
	compose_words(to, "In-Reply-To", id);
	/* RFC 5322 3.6.4: an In-Reply-To that names one message stands in for References. */
	if (header_find(head, "References", &field) || header_find(head, "In-Reply-To", &field))
		append_references(&references, field.value);
	bytes_append_span(&references, id);
	compose_words(to, "References", bytes_span(&references));
	bytes_clear(&references);
}

struct message *compose_finish(struct arena *arena, struct bytes *text)
{
	struct message *message = ARENA_NEW(arena, struct message);
	*message = message_of_text(arena, bytes_span(text));
	bytes_clear(text);
	return message;
}
