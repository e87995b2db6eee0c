#include "store/mutf7.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The modified base64 of what lies between '&' and '-': six bits a letter, big end first. */
struct shift {
	uint32_t bits;
	unsigned bit_count; /* of `bits` not yet written, under 6 between calls */
	bool is_open;
};

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void put_letter(struct bytes *to, uint32_t six_bits)
{
	bytes_append_byte(to, letters[six_bits & 63]);
}

static void put_unit(struct bytes *to, struct shift *shift, uint32_t utf16)
{
	if (!shift->is_open)
		bytes_append_byte(to, '&');
	shift->is_open = true;
	shift->bits = shift->bits << 16 | utf16;
	shift->bit_count += 16;
	while (shift->bit_count >= 6) {
		shift->bit_count -= 6;
		put_letter(to, shift->bits >> shift->bit_count);
	}
	shift->bits &= (1U << shift->bit_count) - 1;
}

static void end_shift(struct bytes *to, struct shift *shift)
{
	if (!shift->is_open)
		return;
	if (shift->bit_count > 0)
		put_letter(to, shift->bits << (6 - shift->bit_count));
	bytes_append_byte(to, '-');
	*shift = (struct shift){0};
}

bool mutf7_append(struct bytes *to, struct span text)
{
	struct shift shift = {0};
	uint32_t character;
	if (!utf8_is_valid(text))
		return false;
	while (utf8_next(&text, &character)) {
		if (character >= 0x20 && character <= 0x7E) {
			end_shift(to, &shift);
			bytes_append_byte(to, (char)character);
			if (character == '&')
				bytes_append_byte(to, '-');
		} else if (character > 0xFFFF) {
			put_unit(to, &shift, 0xD800 + ((character - 0x10000) >> 10));
			put_unit(to, &shift, 0xDC00 + ((character - 0x10000) & 0x3FF));
		} else {
			put_unit(to, &shift, character);
		}
	}
	end_shift(to, &shift);
	return true;
}

/* Half a character (a surrogate) is kept in `high` until the other half comes. */
static bool take_unit(struct bytes *to, uint32_t unit, uint32_t *high)
{
	bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
	if ((*high != 0) != is_low)
		return false;
	if (unit >= 0xD800 && unit <= 0xDBFF) {
		*high = unit;
		return true;
	}
	utf8_append(to, is_low ? 0x10000 + ((*high - 0xD800) << 10) + (unit - 0xDC00) : unit);
	*high = 0;
	return true;
}

/* The letters between '&' and '-'. */
static bool take_letters(struct bytes *to, struct span shifted)
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	uint32_t high = 0;
	for (size_t i = 0; i < shifted.len; i++) {
		const char *letter = memchr(letters, shifted.data[i], sizeof(letters) - 1);
		if (letter == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(letter - letters);
		bit_count += 6;
		if (bit_count < 16)
			continue;
		bit_count -= 16;
		if (!take_unit(to, bits >> bit_count & 0xFFFF, &high))
			return false;
		bits &= (1U << bit_count) - 1;
	}
	return high == 0;
}

static bool decode(struct bytes *to, struct span name)
{
	while (name.len > 0) {
		size_t shift = span_find(name, '&');
		bytes_append_span(to, span_first(name, shift));
		if (shift == name.len)
			break;
		name = span_from(name, shift + 1);
		size_t end = span_find(name, '-');
		if (end == name.len)
			return false;
		if (end == 0)
			bytes_append_byte(to, '&');
		else if (!take_letters(to, span_first(name, end)))
			return false;
		name = span_from(name, end + 1);
	}
	return true;
}

/* There are several ways to write a name, and only one that we look for. */
bool mutf7_decode(struct bytes *to, struct span name)
{
	struct bytes again = {0};
	size_t before = to->len;
	bool is_same = decode(to, name) &&
	               mutf7_append(&again, span_from(bytes_span(to), before)) &&
	               span_equals(bytes_span(&again), name);
	bytes_clear(&again);
	return is_same;
}
