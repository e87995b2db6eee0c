/* ext_comparator_numeric.c - i;ascii-numeric (RFC 4790 9.1): decimal numbers of any size. Anything
 * from the first byte that is no digit is ignored; what begins with none is infinite. */
#include "sieve-lite/features.h"

#include <string.h>

/* The digits that count, without leading zeroes; null data for infinity. */
static struct span digits_of(struct span text)
{
	size_t len = 0;
	size_t zeroes = 0;
	while (len < text.len && text.data[len] >= '0' && text.data[len] <= '9')
		len++;
	if (len == 0)
		return (struct span){NULL, 0};
	while (zeroes < len && text.data[zeroes] == '0')
		zeroes++;
	return span_from(span_first(text, len), zeroes);
}

static bool compare_numbers(struct span a, struct span b, int *order_out)
{
	a = digits_of(a);
	b = digits_of(b);
	if (a.data == NULL || b.data == NULL)
		*order_out = (a.data == NULL) - (b.data == NULL);
	else if (a.len != b.len)
		*order_out = a.len > b.len ? 1 : -1;
	else
		*order_out = a.len > 0 ? memcmp(a.data, b.data, a.len) : 0;
	return true;
}

static const struct comparator comparators[] = {
    {.name = "i;ascii-numeric", .compare = compare_numbers},
    {.name = NULL},
};

const struct extension ext_comparator_numeric = {
    .name = "comparator-i;ascii-numeric",
    .document = "RFC 4790",
    .comparators = comparators,
};
