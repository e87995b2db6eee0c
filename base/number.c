#include "base/number.h"

#include <string.h>

bool number_parse(struct span text, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;
	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text.data[i] - '0');
		if (digit > max || value > max / 10 || value * 10 > max - digit)
			return false;
		value = value * 10 + digit;
	}
	*value_out = value;
	return true;
}

/* A number followed by one letter of `units`, which stands for the factor of the same index. */
static bool parse_with_unit(
    struct span text, const char *units, const uint64_t factors[], uint64_t *value_out)
{
	uint64_t value;
	if (text.len == 0)
		return false;
	char last = text.data[text.len - 1];
	const char *unit = last == '\0' ? NULL : strchr(units, last);
	if (unit == NULL)
		return false;
	uint64_t factor = factors[unit - units];
	if (!number_parse(span_first(text, text.len - 1), UINT64_MAX / factor, &value))
		return false;
	*value_out = value * factor;
	return true;
}

bool number_parse_bytes(struct span text, uint64_t *bytes_out)
{
	static const uint64_t factors[] = {1, 1ULL << 10, 1ULL << 20, 1ULL << 30, 1ULL << 40,
	    1ULL << 10, 1ULL << 20, 1ULL << 30, 1ULL << 40};
	return number_parse(text, UINT64_MAX, bytes_out) ||
	       parse_with_unit(text, "BKMGTkmgt", factors, bytes_out);
}

bool number_parse_seconds(struct span text, uint64_t *seconds_out)
{
	static const uint64_t factors[] = {1, 60, 3600, 86400};
	if (span_is(text, "0")) {
		*seconds_out = 0;
		return true;
	}
	return parse_with_unit(text, "smhd", factors, seconds_out);
}

uint64_t number_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t number_multiply(uint64_t a, uint64_t b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}
