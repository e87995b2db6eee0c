#include "store/mutf7.h"

#include "base/utf8.h"

#include <stdint.h>

/* The modified base64 of what lies between '&' and '-': six bits a letter, big end first. */
struct shift {
	uint32_t bits;
	unsigned bit_count; /* of `bits` not yet written, under 6 between calls */
	bool is_open;
};

static void put_letter(struct bytes *to, uint32_t six_bits)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
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
