#include "base/number.h"
#include "tests/unit/unit.h"

START_TEST(numbers_are_whole_and_bounded)
{
	uint64_t value = 7;
	ck_assert(number_parse(SPAN("18446744073709551615"), UINT64_MAX, &value));
	ck_assert(value == UINT64_MAX);
	value = 7;
	ck_assert(!number_parse(SPAN("18446744073709551616"), UINT64_MAX, &value));
	ck_assert(!number_parse(SPAN("11"), 10, &value));
	ck_assert(!number_parse(SPAN("9"), 5, &value));
	ck_assert(!number_parse(SPAN(""), 10, &value));
	ck_assert(!number_parse(SPAN("-1"), 10, &value));
	ck_assert(!number_parse(SPAN(" 1"), 10, &value));
	ck_assert(value == 7);
}
END_TEST

START_TEST(sizes_and_times_have_units)
{
	uint64_t value;
	ck_assert(number_parse_bytes(SPAN("10M"), &value) && value == 10485760);
	ck_assert(number_parse_bytes(SPAN("1k"), &value) && value == 1024);
	ck_assert(number_parse_bytes(SPAN("42"), &value) && value == 42);
	ck_assert(!number_parse_bytes(SPAN("99999999999T"), &value));
	ck_assert(!number_parse_bytes(SPAN("M"), &value));
	ck_assert(!number_parse_bytes(SPAN("1MB"), &value));
	ck_assert(number_parse_seconds(SPAN("240s"), &value) && value == 240);
	ck_assert(number_parse_seconds(SPAN("2d"), &value) && value == 172800);
	ck_assert(number_parse_seconds(SPAN("0"), &value) && value == 0);
	ck_assert(!number_parse_seconds(SPAN("10"), &value));
}
END_TEST

UNIT_TESTS("number", numbers_are_whole_and_bounded, sizes_and_times_have_units)
