/* mime_text.c - transfer encodings (RFC 2045 6.7, 6.8) and charsets of parts undone.
 *
 * Encodings are undone byte by byte while the part is read, so that the limit counts what comes
 * out. Lenient where mail is: base64 passes over what is no digit and goes on behind "="; an "=" of
 * quoted-printable that begins nothing stands for itself. */
#include "mail/mime_text.h"

#include "mail/charset.h"
#include "mail/html_text.h"

#include <string.h>

#define READ_BYTES ((size_t)32 * 1024)

struct decoder {
	struct bytes *to;
	size_t blanks; /* at the end of the output that stand so in the text */
	bool has_cr;
	/* quoted-printable: what was seen of "=XX" or "= ", the "=" included */
	char held[8];
	size_t held_len;
	/* base64 */
	unsigned bits;
	unsigned bit_count;
};

typedef void decode_function(struct decoder *decoder, char byte);

/* There is room: see decode(). */
static void emit(struct decoder *decoder, char byte)
{
	decoder->to->data[decoder->to->len++] = byte;
}

static void put_plain(struct decoder *decoder, char byte)
{
	if (byte == '\n' && !decoder->has_cr)
		emit(decoder, '\r');
	emit(decoder, byte);
	decoder->has_cr = byte == '\r';
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

/* A byte that stands for itself. Blanks at the end of a line were added on the way. */
static void put_literal(struct decoder *decoder, char byte)
{
	if (byte == '\n') {
		decoder->to->len -= decoder->blanks;
		emit(decoder, '\r');
	}
	emit(decoder, byte);
	decoder->blanks = is_blank(byte) ? decoder->blanks + 1 : 0;
}

/* What was held is no encoded byte after all. */
static void release(struct decoder *decoder)
{
	for (size_t i = 0; i < decoder->held_len; i++)
		put_literal(decoder, decoder->held[i]);
	decoder->held_len = 0;
}

static void put_quoted(struct decoder *decoder, char byte)
{
	size_t held = decoder->held_len;
	if (held > 0 && byte == '\n' && (held == 1 || is_blank(decoder->held[1]))) {
		decoder->held_len = 0;
		decoder->blanks = 0;
		return;
	}
	bool is_more_blank = held > 0 && held < sizeof(decoder->held) && is_blank(byte) &&
	                     (held == 1 || is_blank(decoder->held[1]));
	bool is_first_digit = held == 1 && ascii_hex_value(byte) >= 0;
	bool is_last_digit = held == 2 && !is_blank(decoder->held[1]) && ascii_hex_value(byte) >= 0;
	if (is_last_digit) {
		emit(decoder,
		    (char)(ascii_hex_value(decoder->held[1]) << 4 | ascii_hex_value(byte)));
		decoder->held_len = 0;
		decoder->blanks = 0;
		return;
	}
	if (!is_more_blank && !is_first_digit) {
		release(decoder);
		if (byte != '=') {
			put_literal(decoder, byte);
			return;
		}
	}
	decoder->held[decoder->held_len++] = byte;
}

static int base64_value(char byte)
{
	static const char digits[128] = {['+'] = 63,
	    ['/'] = 64,
	    ['0'] = 53,
	    54,
	    55,
	    56,
	    57,
	    58,
	    59,
	    60,
	    61,
	    62,
	    ['A'] = 1,
	    2,
	    3,
	    4,
	    5,
	    6,
	    7,
	    8,
	    9,
	    10,
	    11,
	    12,
	    13,
	    14,
	    15,
	    16,
	    17,
	    18,
	    19,
	    20,
	    21,
	    22,
	    23,
	    24,
	    25,
	    26,
	    ['a'] = 27,
	    28,
	    29,
	    30,
	    31,
	    32,
	    33,
	    34,
	    35,
	    36,
	    37,
	    38,
	    39,
	    40,
	    41,
	    42,
	    43,
	    44,
	    45,
	    46,
	    47,
	    48,
	    49,
	    50,
	    51,
	    52};
	return (unsigned char)byte < 128 ? digits[(unsigned char)byte] - 1 : -1;
}

static void put_base64(struct decoder *decoder, char byte)
{
	int value = base64_value(byte);
	if (byte == '=') {
		decoder->bits = 0;
		decoder->bit_count = 0;
	}
	if (value < 0)
		return;
	decoder->bits = (decoder->bits << 6 | (unsigned)value) & 0xFFFFFF;
	decoder->bit_count += 6;
	if (decoder->bit_count < 8)
		return;
	decoder->bit_count -= 8;
	emit(decoder, (char)(decoder->bits >> decoder->bit_count & 0xFF));
}

static bool decode(const struct message *message, uint64_t from, uint64_t end, decode_function *put,
    struct bytes *to, struct status *status)
{
	struct decoder decoder = {.to = to};
	size_t limit = to->len + MIME_TEXT_MAX;
	char buffer[READ_BYTES];
	size_t got;
	for (uint64_t offset = from; offset < end && to->len < limit; offset += got) {
		size_t wanted = end - offset < READ_BYTES ? (size_t)(end - offset) : READ_BYTES;
		if (!message_read(message, offset, buffer, wanted, &got, status))
			return false;
		if (got == 0)
			return status_fail(
			    status, CAUSE_INTERNAL, "message is shorter than its size");
		/* A line end becomes two bytes, and what was held may be released. */
		bytes_reserve(to, 2 * got + sizeof(decoder.held));
		for (size_t i = 0; i < got; i++)
			put(&decoder, buffer[i]);
	}
	bytes_reserve(to, sizeof(decoder.held));
	release(&decoder);
	/* Of quoted-printable, at the end of the last line. */
	to->len -= decoder.blanks;
	if (to->len > limit)
		to->len = limit;
	return true;
}

bool mime_text_raw(const struct message *message, uint64_t from, uint64_t end, struct bytes *to,
    struct status *status)
{
	return decode(message, from, end, put_plain, to, status);
}

bool mime_text_content(const struct message *message, const struct mime_part *part,
    struct bytes *to, struct status *status)
{
	struct bytes bytes = {0};
	bool is_quoted = span_is(part->encoding, "quoted-printable");
	bool is_base64 = span_is(part->encoding, "base64");
	decode_function *put = is_quoted ? put_quoted : is_base64 ? put_base64 : put_plain;
	bool is_read = decode(message, part->body_start, part->body_end, put, &bytes, status);
	size_t limit = to->len + MIME_TEXT_MAX;
	bool is_text = span_is(part->type, "text") || part->charset.data != NULL;
	if (is_read && !(is_text && charset_append_utf8(to, part->charset, bytes_span(&bytes))))
		bytes_append_span(to, bytes_span(&bytes));
	if (to->len > limit)
		to->len = limit;
	bytes_clear(&bytes);
	return is_read;
}

static bool is_html(const struct mime_part *part)
{
	return (span_is(part->type, "text") && span_is(part->subtype, "html")) ||
	       (span_is(part->type, "application") && span_is(part->subtype, "xhtml+xml"));
}

bool mime_text_is_text(const struct mime_part *part)
{
	return span_is(part->type, "text") || is_html(part);
}

bool mime_text_visible(const struct message *message, const struct mime_part *part,
    struct bytes *to, struct status *status)
{
	struct bytes content = {0};
	if (!is_html(part))
		return mime_text_content(message, part, to, status);
	bool is_read = mime_text_content(message, part, &content, status);
	if (is_read)
		html_text_append(to, bytes_span(&content));
	bytes_clear(&content);
	return is_read;
}
