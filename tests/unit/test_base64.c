#include "base/base64.h"
#include "tests/unit/unit.h"

/* RFC 4648 10, and what is none. */
static const struct row {
	const char *plain; /* null: `text` is not base 64 */
	const char *text;
} rows[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFF\xFE\xFD\xFB", "//79+w=="},
    {NULL, "Z"},
    {NULL, "Zg"},
    {NULL, "Zg="},
    {NULL, "Zh=="},
    {NULL, "Zm9="},
    {NULL, "Zg==Zg=="},
    {NULL, "Z==="},
    {NULL, "===="},
    {NULL, "Zm 9"},
    {NULL, "Zm9v\n"},
    {NULL, "Zm9-"},
};

START_TEST(rows_go_both_ways)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct bytes out = {0};
		ck_assert_msg(base64_decode(span_of(row->text), &out) == (row->plain != NULL), "%s",
		    row->text);
		if (row->plain != NULL) {
			ck_assert_msg(span_is(bytes_span(&out), row->plain), "%s", row->text);
			bytes_reset(&out);
			base64_encode(span_of(row->plain), &out);
			ck_assert_msg(span_is(bytes_span(&out), row->text), "%s", row->text);
		}
		bytes_clear(&out);
	}
}
END_TEST

START_TEST(nul_survives)
{
	struct bytes text = {0};
	struct bytes back = {0};
	base64_encode(SPAN("\0user\0secret"), &text);
	ck_assert(base64_decode(bytes_span(&text), &back));
	ck_assert(span_equals(bytes_span(&back), SPAN("\0user\0secret")));
	bytes_clear(&text);
	bytes_clear(&back);
}
END_TEST

UNIT_TESTS("base64", rows_go_both_ways, nul_survives)
