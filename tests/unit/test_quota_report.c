#include "quota/report.h"
#include "tests/unit/unit.h"

START_TEST(sizes_have_four_digits_at_most)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0"}, {1023, "1023"}, {1024, "1.0K"}, {1536, "1.5K"}, {10239, "9.9K"},
	    {10240, "10K"}, {1048575, "1023K"}, {1048576, "1.0M"}, {UINT64_C(5) << 30, "5.0G"},
	    {UINT64_C(2000) << 40, "1.9P"}, {UINT64_MAX, "15E"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		quota_report_size(&text, rows[i].bytes);
		ck_assert_str_eq(bytes_terminate(&text), rows[i].text);
		bytes_clear(&text);
	}
}
END_TEST

static const struct quota_report_row rows[] = {
    {{"anna@example.org", 16}, true, {1 << 20, 12}, {1 << 30, 100}, {NULL, 0}},
    {{"b\033[1m\"\\", 7}, true, {5, 1}, {0, 0}, {NULL, 0}},
    {{"gone", 4}, false, {0, 0}, {0, 0}, {"User doesn't exist", 18}},
    {{"h\303\251", 3}, true, {UINT64_MAX, UINT64_MAX}, {UINT64_MAX, 1}, {NULL, 0}},
    {{"\377", 1}, false, {0, 0}, {0, 0}, {NULL, 0}},
};

START_TEST(people_get_a_table)
{
	struct bytes text = {0};
	quota_report_table(&text, rows, 5);
	ck_assert_str_eq(bytes_terminate(&text),
	    "USER               STORAGE     LIMIT        MESSAGES     LIMIT\n"
	    "anna@example.org      1.0M      1.0G    0%        12       100   12%\n"
	    "b?[1m\"\\                  5  no limit               1  no limit\n"
	    "h\303\251                     15E       15E  100% 18446744073709551615         1"
	    "18446744073709551615%\n");
	bytes_reset(&text);
	quota_report_table(&text, &rows[2], 1);
	ck_assert_uint_eq(text.len, 0);
	bytes_clear(&text);
}
END_TEST

START_TEST(programs_get_objects)
{
	struct bytes text = {0};
	for (size_t i = 0; i < 5; i++)
		quota_report_json(&text, &rows[i]);
	ck_assert_str_eq(bytes_terminate(&text),
	    "{\"user\":\"anna@example.org\",\"storage_bytes\":1048576,"
	    "\"storage_limit_bytes\":1073741824,\"message_count\":12,\"message_limit\":100}\n"
	    "{\"user\":\"b\\u001b[1m\\\"\\\\\",\"storage_bytes\":5,\"storage_limit_bytes\":null,"
	    "\"message_count\":1,\"message_limit\":null}\n"
	    "{\"user\":\"gone\",\"error\":\"User doesn't exist\"}\n"
	    "{\"user\":\"h\303\251\",\"storage_bytes\":18446744073709551615,"
	    "\"storage_limit_bytes\":18446744073709551615,"
	    "\"message_count\":18446744073709551615,\"message_limit\":1}\n"
	    "{\"user\":\"\\ufffd\",\"error\":\"\"}\n");
	bytes_clear(&text);
}
END_TEST

UNIT_TESTS("quota report", sizes_have_four_digits_at_most, people_get_a_table, programs_get_objects)
