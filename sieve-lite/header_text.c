/* header_text.c - encoded words (RFC 2047) in a header value.
 *
 *	encoded-word = "=?" charset ["*" language] "?" ("B" / "Q") "?" encoded-text "?="
 *
 * Neighbours of one charset are joined before they are converted, because many programs cut a
 * character in two. Lenient where mail is: words longer than 75 bytes, blanks in Q text, words
 * that touch other text. */
#include "sieve-lite/header_text.h"

#include "mail/charset.h"

#include <string.h>

struct encoded_word {
	struct span whole;
	struct span charset;
	char encoding; /* 'b' or 'q' */
	struct span text;
};

/* Up to the next "?". */
static bool take_part(struct span *rest, struct span *part_out)
{
	size_t len = span_find(*rest, '?');
	if (len == rest->len)
		return false;
	*part_out = span_first(*rest, len);
	*rest = span_from(*rest, len + 1);
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* The encoded word that `text` begins with. */
static bool take_word(struct span text, struct encoded_word *word_out)
{
	struct span rest = span_from(text, 2);
	struct span encoding;
	if (!span_starts_with(text, "=?") || !take_part(&rest, &word_out->charset) ||
	    !take_part(&rest, &encoding) || encoding.len != 1)
		return false;
	for (size_t i = 0; i < word_out->charset.len; i++) {
		if (is_blank(word_out->charset.data[i]))
			return false;
	}
	word_out->charset = span_first(word_out->charset, span_find(word_out->charset, '*'));
	word_out->encoding = ascii_lower(encoding.data[0]);
	/* A "?" inside Q text should not be there, but "?=" alone ends the word. */
	for (size_t end = 0; end + 1 < rest.len; end++) {
		if (rest.data[end] != '?' || rest.data[end + 1] != '=')
			continue;
		word_out->text = span_first(rest, end);
		word_out->whole = span_first(text, (size_t)(rest.data - text.data) + end + 2);
		return true;
	}
	return false;
}

static void decode_q(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		if (byte == '=' && text.len - i > 2 && ascii_hex_value(text.data[i + 1]) >= 0 &&
		    ascii_hex_value(text.data[i + 2]) >= 0) {
			byte = (char)(ascii_hex_value(text.data[i + 1]) << 4 |
			              ascii_hex_value(text.data[i + 2]));
			i += 2;
		} else if (byte == '_') {
			byte = ' ';
		}
		bytes_append_byte(to, byte);
	}
}

static int base64_value(char byte)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = byte != '\0' ? strchr(digits, byte) : NULL;
	return found != NULL ? (int)(found - digits) : -1;
}

/* Bytes that are no digits are passed over, as RFC 2045 6.8 has it; "=" ends it. */
static void decode_b(struct bytes *to, struct span text)
{
	unsigned bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < text.len && text.data[i] != '='; i++) {
		int value = base64_value(text.data[i]);
		if (value < 0)
			continue;
		bits = (bits << 6 | (unsigned)value) & 0xFFFFFF;
		count += 6;
		if (count >= 8) {
			count -= 8;
			bytes_append_byte(to, (char)(bits >> count & 0xFF));
		}
	}
}

static bool decode_word(struct bytes *to, const struct encoded_word *word)
{
	if (word->encoding == 'q')
		decode_q(to, word->text);
	else if (word->encoding == 'b')
		decode_b(to, word->text);
	else
		return false;
	return true;
}

/* The next word directly behind, with blanks only between. */
static bool take_neighbour(struct span text, struct encoded_word *word_out, size_t *blanks_out)
{
	size_t blanks = 0;
	while (blanks < text.len && is_blank(text.data[blanks]))
		blanks++;
	*blanks_out = blanks;
	return take_word(span_from(text, blanks), word_out);
}

/* The run of neighbours in one charset that `text` begins with, appended as UTF-8. False: it is
 * to be left as it is. `*len_out` is how far it goes, so that no byte is looked at twice. */
static bool decode_run(struct bytes *to, struct span text, size_t *len_out)
{
	struct encoded_word word;
	struct encoded_word next;
	struct bytes bytes = {0};
	size_t blanks = 0;
	*len_out = 2;
	if (!take_word(text, &word))
		return false;
	bool is_done = decode_word(&bytes, &word);
	*len_out = word.whole.len;
	while (is_done && take_neighbour(span_from(text, *len_out), &next, &blanks) &&
	       span_equals_nocase(next.charset, word.charset) && decode_word(&bytes, &next))
		*len_out += blanks + next.whole.len;
	is_done = is_done && charset_append_utf8(to, word.charset, bytes_span(&bytes));
	bytes_clear(&bytes);
	return is_done;
}

static size_t find_pair(struct span text, char first, char second)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.data[i] == first && text.data[i + 1] == second)
			return i;
	}
	return text.len;
}

/* `words` is the value up to the end of its last word. */
static void decode(struct bytes *to, struct span words)
{
	struct bytes decoded = {0};
	bool is_behind_word = false;
	size_t found;
	while ((found = find_pair(words, '=', '?')) < words.len) {
		struct span gap = span_first(words, found);
		size_t len;
		bytes_reset(&decoded);
		words = span_from(words, found);
		bool is_word = decode_run(&decoded, words, &len);
		/* Blanks between two words, of whatever charset, are no text. */
		if (!is_word || !is_behind_word || span_trim(gap).len > 0)
			bytes_append_span(to, gap);
		bytes_append_span(to, is_word ? bytes_span(&decoded) : span_first(words, len));
		is_behind_word = is_word;
		words = span_from(words, len);
	}
	bytes_append_span(to, words);
	bytes_clear(&decoded);
}

struct span header_text_decode(struct arena *arena, struct span value)
{
	/* Behind the last "?=" there are no words; so each search for one's end finds one. */
	size_t end = value.len;
	while (end >= 2 && (value.data[end - 2] != '?' || value.data[end - 1] != '='))
		end--;
	if (end < 2 || find_pair(value, '=', '?') == value.len)
		return value;
	struct bytes text = {0};
	decode(&text, span_first(value, end));
	bytes_append_span(&text, span_from(value, end));
	struct span decoded = arena_span(arena, bytes_span(&text));
	bytes_clear(&text);
	return decoded;
}
