#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span from, struct bytes *to)
{
	for (size_t i = 0; i < from.len; i += 3) {
		size_t count = from.len - i < 3 ? from.len - i : 3;
		uint32_t group = 0;
		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < count ? (unsigned char)from.data[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			bytes_append_byte(to, k > count ? '=' : digits[group >> (18 - 6 * k) & 63]);
	}
}

static int value_of(char digit)
{
	const char *at = digit == '\0' ? NULL : strchr(digits, digit);
	return at == NULL ? -1 : (int)(at - digits);
}

/* Four digits, of which the last two may be "=" where it is the last group. */
static bool decode_group(const char *text, bool is_last, struct bytes *to)
{
	size_t count = !is_last || text[3] != '=' ? 4 : text[2] == '=' ? 2 : 3;
	uint32_t group = 0;
	for (size_t k = 0; k < 4; k++) {
		int value = k < count ? value_of(text[k]) : 0;
		if (value < 0)
			return false;
		group = group << 6 | (uint32_t)value;
	}
	for (size_t k = 0; k < 3; k++) {
		char byte = (char)(group >> (16 - 8 * k) & 0xFF);
		if (k < count - 1)
			bytes_append_byte(to, byte);
		else if (byte != 0)
			return false;
	}
	return true;
}

bool base64_decode(struct span text, struct bytes *to)
{
	for (size_t i = 0; i < text.len; i += 4) {
		if (text.len - i < 4 || !decode_group(text.data + i, text.len - i == 4, to))
			return false;
	}
	return true;
}
