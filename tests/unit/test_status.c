#include "mail/status.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

START_TEST(every_cause_has_a_row_of_one_class)
{
	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		struct status status;
		status_set(&status, (enum cause)cause, NULL);
		int reply = status_reply(&status);
		int exit_status = status_exit(&status);
		ck_assert_msg(cause_name((enum cause)cause) != NULL, "cause %d has no row", cause);
		ck_assert_int_eq(status_enhanced(&status)[0] - '0', reply / 100);
		ck_assert(exit_status == 0 || exit_status == 67 || exit_status == 75 ||
		          exit_status == 77);
		ck_assert_int_eq(exit_status == 0, reply == 250);
		ck_assert_int_eq(exit_status == 75, reply / 100 == 4);
	}
}
END_TEST

START_TEST(a_relayed_answer_keeps_its_code)
{
	struct status status;
	status_set(&status, CAUSE_REJECTED, "no\tway\nsecond line");
	status.reply = 554;
	strcpy(status.enhanced, "5.6.0");
	ck_assert_int_eq(status_reply(&status), 554);
	ck_assert_str_eq(status_enhanced(&status), "5.6.0");
	ck_assert_int_eq(status_exit(&status), 77);
	ck_assert_str_eq(status.text, "no way\nsecond line");
	status.reply = 451;
	ck_assert_int_eq(status_exit(&status), 75);
	ck_assert(!status_is_permanent(&status));
}
END_TEST

START_TEST(errno_becomes_a_temporary_cause_and_stays_out_of_the_senders_text)
{
	struct status status;
	static const int errors[] = {EACCES, EIO, ENOSPC, EDQUOT, ENOENT, ESTALE, EMFILE, ENOMEM};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		ck_assert(!status_errno(&status, CAUSE_MAILBOX, errors[i], "open %s", "/secret"));
		ck_assert_int_eq(status_exit(&status), 75);
		ck_assert_ptr_null(strstr(status.text, "secret"));
		ck_assert_ptr_nonnull(strstr(status.detail, "open /secret: "));
	}
}
END_TEST

UNIT_TESTS("status", every_cause_has_a_row_of_one_class, a_relayed_answer_keeps_its_code,
    errno_becomes_a_temporary_cause_and_stays_out_of_the_senders_text)
