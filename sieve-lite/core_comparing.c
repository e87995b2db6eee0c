/* core_comparing.c - :is, :contains, :matches; i;octet, i;ascii-casemap; :all, :localpart, :domain
 * (RFC 5228 2.7). */
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"

#include <string.h>

/* -- Comparators (RFC 4790 9.2, 9.3) -- */

static char fold_case(char byte)
{
	return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

static bool compare_folded(struct span a, struct span b, int *order_out)
{
	size_t common = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < common; i++) {
		unsigned char left = (unsigned char)fold_case(a.data[i]);
		unsigned char right = (unsigned char)fold_case(b.data[i]);
		*order_out = (left > right) - (left < right);
		if (*order_out != 0)
			return true;
	}
	*order_out = (a.len > b.len) - (a.len < b.len);
	return true;
}

#define OCTET                                                                            \
	{                                                                                \
		.name = "i;octet", .is_substring = true, .compare = match_compare_octets \
	}
#define CASEMAP                                                                     \
	{                                                                           \
		.name = "i;ascii-casemap", .is_substring = true, .fold = fold_case, \
		.compare = compare_folded                                           \
	}

static const struct comparator octet[] = {OCTET, {.name = NULL}};
static const struct comparator casemap[] = {CASEMAP, {.name = NULL}};
static const struct comparator comparators[] = {OCTET, CASEMAP, {.name = NULL}};

/* -- Match types -- */

static bool matches_is(struct match *match, struct span value, struct span key)
{
	int order;
	return match->how->comparator->compare(value, key, &order) && order == 0;
}

static bool matches_contains(struct match *match, struct span value, struct span key)
{
	const struct comparator *comparator = match->how->comparator;
	int order;
	if (key.len > value.len)
		return false;
	for (size_t i = 0; i <= value.len - key.len; i++) {
		if (i % 64 == 0)
			run_spend(match->run, 1 + key.len / 32);
		if (match->run->unwind != UNWIND_NONE)
			return false;
		if (comparator->compare(span_first(span_from(value, i), key.len), key, &order) &&
		    order == 0)
			return true;
	}
	return false;
}

static bool matches_matches(struct match *match, struct span value, struct span key)
{
	struct span parts[LIMIT_MATCHES];
	size_t count;
	if (!match_glob(match, value, key, parts, LIMIT_MATCHES, &count))
		return false;
	run_set_matches(match->run, match->original, parts, count);
	return true;
}

static const struct match_type match_types[] = {
    {.name = "is", .on_prepared = true, .matches = matches_is},
    {.name = "contains", .is_substring = true, .on_prepared = true, .matches = matches_contains},
    {.name = "matches",
        .is_substring = true,
        .on_prepared = true,
        .is_pattern = true,
        .matches = matches_matches},
    {.name = NULL},
};

/* -- Address parts -- */

static bool part_all(struct run *run, const struct address *address, struct span *part_out)
{
	(void)run;
	*part_out = address->text;
	return true;
}

static bool part_localpart(struct run *run, const struct address *address, struct span *part_out)
{
	(void)run;
	*part_out = address->local;
	return true;
}

static bool part_domain(struct run *run, const struct address *address, struct span *part_out)
{
	(void)run;
	*part_out = address->domain;
	return true;
}

static const struct address_part address_parts[] = {
    {.name = "all", .is_whole = true, .part = part_all},
    {.name = "localpart", .part = part_localpart},
    {.name = "domain", .part = part_domain},
    {.name = NULL},
};

const struct extension core_comparing = {
    .document = "RFC 5228",
    .match_types = match_types,
    .comparators = comparators,
    .address_parts = address_parts,
};

/* Always there, but a script may require them all the same. */
const struct extension ext_comparator_octet = {
    .name = "comparator-i;octet",
    .document = "RFC 4790",
    .comparators = octet,
};

const struct extension ext_comparator_casemap = {
    .name = "comparator-i;ascii-casemap",
    .document = "RFC 4790",
    .comparators = casemap,
};
