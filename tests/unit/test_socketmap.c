#include "lmtp-bridge/socketmap.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(requests)
{
	static const struct {
		const char *in;
		enum socketmap_answer answer;
		const char *key;
		size_t used;
	} rows[] = {
	    {"11:srs a@b.test,", SOCKETMAP_WRONG, NULL, 0},
	    {"13:srs a@b.test,", SOCKETMAP_NONE, NULL, 0},
	    {"12:srs a@b.test,7:srs x y,", SOCKETMAP_ASK, "a@b.test", 16},
	    {"7:srs x y,", SOCKETMAP_ASK, "x y", 10},
	    {"3:srs,", SOCKETMAP_ASK, "", 6},
	    {"0:,", SOCKETMAP_ASK, "", 3},
	    {"", SOCKETMAP_NONE, NULL, 0},
	    {"1", SOCKETMAP_NONE, NULL, 0},
	    {"10000", SOCKETMAP_NONE, NULL, 0},
	    {"10000:", SOCKETMAP_NONE, NULL, 0},
	    {"10001:", SOCKETMAP_WRONG, NULL, 0},
	    {"100000:", SOCKETMAP_WRONG, NULL, 0},
	    {":", SOCKETMAP_WRONG, NULL, 0},
	    {"-1:x,", SOCKETMAP_WRONG, NULL, 0},
	    {"EHLO x", SOCKETMAP_WRONG, NULL, 0},
	    {"3:srs;", SOCKETMAP_WRONG, NULL, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span key;
		size_t used = 0;
		struct span in = span_of(rows[i].in);
		enum socketmap_answer answer = socketmap_take(in, &key, &used);
		ck_assert_msg(answer == rows[i].answer, "%s: %d", rows[i].in, (int)answer);
		if (answer != SOCKETMAP_ASK)
			continue;
		ck_assert_msg(span_is(key, rows[i].key), "%s", rows[i].in);
		ck_assert_uint_eq(used, rows[i].used);
		/* Cut anywhere before its end it is not whole. */
		for (size_t cut = 0; cut < used; cut++)
			ck_assert_int_eq(
			    socketmap_take(span_first(in, cut), &key, &used), SOCKETMAP_NONE);
	}
}
END_TEST

START_TEST(replies)
{
	struct bytes out = {0};
	socketmap_reply(&out, SPAN("a@b"));
	socketmap_reply(&out, SPAN(""));
	ck_assert_str_eq(bytes_terminate(&out), "6:OK a@b,9:NOTFOUND ,");
	bytes_clear(&out);
}
END_TEST

UNIT_TESTS("socketmap", requests, replies)
