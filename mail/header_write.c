#include "mail/header_write.h"

#include "base/utf8.h"

#include <string.h>

#define LINE_BYTES 76         /* RFC 5322 2.1.1 wants 78 */
#define ENCODED_WORD_BYTES 75 /* RFC 2047 section 2 */
#define WORD_BYTES 500        /* a longer one cannot be folded: encoded words can */

static bool is_plain(struct span text)
{
	size_t word = 0;
	for (size_t i = 0; i < text.len; i++) {
		word = text.data[i] == ' ' ? 0 : word + 1;
		if (word > WORD_BYTES)
			return false;
		unsigned char byte = (unsigned char)text.data[i];
		if ((byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n') || byte >= 0x7F)
			return false;
	}
	return true;
}

/* A run of blanks and line ends is one place to fold at; it becomes a line end when the word behind
 * it would be too long for the line. */
static void write_plain(struct bytes *to, struct span value, size_t column)
{
	value = span_trim(value);
	for (size_t i = 0; i < value.len;) {
		size_t blanks = 0;
		size_t word = 0;
		bool is_fold = false;
		while (i + blanks < value.len && strchr(" \t\r\n", value.data[i + blanks]) != NULL)
			is_fold = value.data[i + blanks++] == '\n' || is_fold;
		while (i + blanks + word < value.len &&
		       strchr(" \t\r\n", value.data[i + blanks + word]) == NULL)
			word++;
		if (blanks > 0 && (is_fold || column + blanks + word > LINE_BYTES)) {
			bytes_append_text(to, "\n ");
			column = 1;
		} else {
			bytes_append(to, value.data + i, blanks);
			column += blanks;
		}
		bytes_append(to, value.data + i + blanks, word);
		column += word;
		i += blanks + word;
	}
}

static bool is_safe_in_q(char byte)
{
	return (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') ||
	       (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!*+-/", byte) != NULL);
}

/* One character as Q text, in `out` of at least 13 bytes. */
static size_t encode_character(struct span character, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;
	for (size_t i = 0; i < character.len; i++) {
		unsigned char byte = (unsigned char)character.data[i];
		if (is_safe_in_q(character.data[i])) {
			out[len++] = character.data[i];
		} else if (byte == ' ') {
			out[len++] = '_';
		} else {
			out[len++] = '=';
			out[len++] = digits[byte >> 4];
			out[len++] = digits[byte & 0xF];
		}
	}
	return len;
}

/* Words that hold whole characters, one on a line. */
static void write_encoded(struct bytes *to, struct span value, size_t column)
{
	static const char start[] = "=?utf-8?Q?";
	size_t used = 0;        /* of the word, with its start */
	size_t beside = column; /* what stands before the first word on its line */
	value = span_trim(value);
	while (value.len > 0) {
		struct span rest = value;
		uint32_t character;
		char encoded[16];
		utf8_next(&rest, &character);
		/* Folds are no text. */
		if (character == '\r' || character == '\n') {
			value = rest;
			continue;
		}
		size_t len = encode_character(span_first(value, value.len - rest.len), encoded);
		if (used > 0 && beside + used + len + 2 > ENCODED_WORD_BYTES) {
			bytes_append_text(to, "?=\n ");
			used = 0;
			beside = 0;
		}
		if (used == 0) {
			bytes_append_text(to, start);
			used = sizeof(start) - 1;
		}
		bytes_append(to, encoded, len);
		used += len;
		value = rest;
	}
	bytes_append_text(to, "?=");
}

bool header_value_is_valid(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.data[i];
		if (byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n')
			return false;
	}
	return utf8_is_valid(value);
}

bool header_write(struct bytes *to, struct span name, struct span value)
{
	if (!utf8_is_valid(value) || span_find(value, '\0') != value.len)
		return false;
	bytes_append_span(to, name);
	bytes_append_text(to, ": ");
	if (is_plain(value)) {
		write_plain(to, value, name.len + 2);
	} else {
		write_encoded(to, value, name.len + 2);
	}
	bytes_append_byte(to, '\n');
	return true;
}
