/* ext_encoded_character.c - characters by their number in strings (RFC 5228 2.4.2.4).
 *
 *	"${hex:" *blank 1*2HEXDIG *(1*blank 1*2HEXDIG) *blank "}"	bytes
 *	"${unicode:" *blank 1*HEXDIG *(1*blank 1*HEXDIG) *blank "}"	characters
 *
 * Anything that is not exactly that stays as it is; one pass, what was decoded is not looked at
 * again. Only a well-formed number that is no character is an error. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"

#include "base/utf8.h"

#include <string.h>

#define UNICODE_MAX 0x10FFFF

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_blanks(struct span text)
{
	size_t count = 0;
	while (count < text.len && is_blank(text.data[count]))
		count++;
	return count;
}

/* Takes the hexadecimal digits at the start; stops counting where no character can be. */
static size_t take_hex(struct span text, uint32_t *value_out)
{
	size_t len = 0;
	*value_out = 0;
	for (; len < text.len && ascii_hex_value(text.data[len]) >= 0; len++) {
		if (*value_out <= UNICODE_MAX)
			*value_out = *value_out << 4 | (uint32_t)ascii_hex_value(text.data[len]);
	}
	return len;
}

struct sequence {
	bool is_unicode;
	bool is_out_of_range;
};

/* The numbers up to "}" and that. The bytes taken, or 0: not well formed. */
static size_t take_numbers(struct span text, struct sequence *sequence, struct bytes *to)
{
	size_t at = count_blanks(text);
	for (;;) {
		uint32_t value;
		size_t digits = take_hex(span_from(text, at), &value);
		if (digits == 0 || (!sequence->is_unicode && digits > 2))
			return 0;
		if (value > UNICODE_MAX || (value >= 0xD800 && value <= 0xDFFF))
			sequence->is_out_of_range = true;
		else if (sequence->is_unicode)
			utf8_append(to, value);
		else
			bytes_append_byte(to, (char)value);
		at += digits;
		size_t blanks = count_blanks(span_from(text, at));
		at += blanks;
		if (at == text.len)
			return 0;
		if (text.data[at] == '}')
			return at + 1;
		if (blanks == 0)
			return 0;
	}
}

/* One encoding at the start of `text`, which begins with "${". The same result. */
static size_t take_encoding(struct span text, struct sequence *sequence, struct bytes *to)
{
	static const struct {
		const char *prefix;
		bool is_unicode;
	} kinds[] = {{"${hex:", false}, {"${unicode:", true}};
	for (size_t i = 0; i < 2; i++) {
		if (!span_starts_with_nocase(text, kinds[i].prefix))
			continue;
		size_t prefix_len = strlen(kinds[i].prefix);
		size_t before = to->len;
		*sequence = (struct sequence){.is_unicode = kinds[i].is_unicode};
		size_t len = take_numbers(span_from(text, prefix_len), sequence, to);
		if (len > 0)
			return prefix_len + len;
		to->len = before;
	}
	return 0;
}

static size_t find_start(struct span text)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.data[i] == '$' && text.data[i + 1] == '{')
			return i;
	}
	return text.len;
}

static bool check_text(struct checker *checker, struct text *text)
{
	struct span rest = text->literal;
	struct bytes decoded = {0};
	bool is_sound = true;
	if (find_start(rest) == rest.len)
		return true;
	for (size_t start; (start = find_start(rest)) < rest.len;) {
		struct sequence sequence = {0};
		bytes_append(&decoded, rest.data, start);
		rest = span_from(rest, start);
		size_t len = take_encoding(rest, &sequence, &decoded);
		if (len > 0 && sequence.is_out_of_range) {
			problem_error(checker->problems, text->at,
			    "'%s' names no character: expected 0 to D7FF or E000 to 10FFFF",
			    problem_quote(checker->problems, span_first(rest, len)));
			is_sound = false;
		}
		if (len == 0) {
			bytes_append_text(&decoded, "${");
			len = 2;
		}
		rest = span_from(rest, len);
	}
	bytes_append_span(&decoded, rest);
	text->literal = arena_span(checker->arena, bytes_span(&decoded));
	bytes_clear(&decoded);
	return is_sound;
}

const struct extension ext_encoded_character = {
    .name = "encoded-character",
    .document = "RFC 5228",
    .check_text = check_text,
};
