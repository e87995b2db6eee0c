/* Dialogues of Postfix's policy protocol, whole and cut at every byte. */
#include "lmtp-bridge/policy.h"
#include "tests/unit/unit.h"

#include <string.h>

#define RCPT "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=s@x\n"

/* The recipient's name chooses the status. */
static const struct {
	const char *name;
	enum cause cause;
} causes[] = {
    {"full", CAUSE_MAILBOX_FULL},
    {"later", CAUSE_MAILBOX_FULL_FOR_NOW},
    {"never", CAUSE_MESSAGE_TOO_LARGE},
    {"unknown", CAUSE_USER_UNKNOWN},
    {"disabled", CAUSE_USER_DISABLED},
    {"trouble", CAUSE_CANNOT_TELL},
    {"fine", CAUSE_DELIVERED},
};

static const struct row {
	const char *in;
	const char *out;
	bool is_closed;
} rows[] = {
    {RCPT "recipient=full@x\n\n", "action=552 5.2.2 Mailbox is full\n\n", false},
    {RCPT "recipient=later@x\n\n", "action=452 4.2.2 Mailbox is full\n\n", false},
    {RCPT "recipient=never@x\nsize=12\n\n",
        "action=552 5.2.3 Message is larger than this mailbox can hold\n\n", false},
    {RCPT "recipient=unknown@x\n\n", "action=DUNNO\n\n", false},
    {RCPT "recipient=disabled@x\n\n", "action=DUNNO\n\n", false},
    {RCPT "recipient=trouble@x\n\n", "action=DUNNO\n\n", false},
    {RCPT "recipient=fine@x\nfoo==bar\n\n", "action=DUNNO\n\n", false},
    {"protocol_state=DATA\nrecipient=full@x\n\n", "action=DUNNO\n\n", false},
    {"protocol_state=END-OF-MESSAGE\nrecipient=\nrecipient_count=2\nsize=9\n\n", "action=DUNNO\n\n",
        false},
    {"protocol_state=END-OF-MESSAGE\nrecipient=never@x\nrecipient_count=1\nsize=9\n\n",
        "action=552 5.2.3 Message is larger than this mailbox can hold\n\n", false},
    {RCPT "recipient=full@x\nstress=yes\npolicy_context=inbound\nx\xC3\xA4=\xFF\nstress=\n\n",
        "action=552 5.2.2 Mailbox is full\n\n", false},
    {RCPT "recipient=full@x\nrecipient=fine@x\n\n", "action=DUNNO\n\n", false},
    {RCPT "recipient=a b\n\n", "action=DUNNO\n\n", false},
    {RCPT "recipient=full@x\n\n" RCPT "recipient=fine@x\n\n" RCPT "\n",
        "action=552 5.2.2 Mailbox is full\n\naction=DUNNO\n\naction=DUNNO\n\n", false},
    {"LHLO x\r\n", "", true},
    {"\n", "", true},
};

static void answer(struct policy *policy)
{
	struct status status;
	struct span name = policy_recipient(policy)->address.local;
	status_set(&status, CAUSE_INTERNAL, NULL);
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (span_is(name, causes[i].name))
			status_set(&status, causes[i].cause, NULL);
	}
	ck_assert_int_ne(status.cause, CAUSE_INTERNAL);
	policy_answer(policy, &status);
}

static bool feed(struct policy *policy, const char *in, size_t len)
{
	enum policy_event event;
	do {
		size_t taken = policy_step(policy, in, len, &event);
		in += taken;
		len -= taken;
		if (event == POLICY_EVENT_ASK)
			answer(policy);
	} while (event == POLICY_EVENT_ASK);
	return event == POLICY_EVENT_CLOSE;
}

START_TEST(requests_are_answered_however_they_are_cut)
{
	const struct row *row = &rows[_i];
	size_t len = strlen(row->in);
	for (size_t cut = 0; cut < len; cut++) {
		struct policy *policy = policy_new(false);
		bool is_closed =
		    feed(policy, row->in, cut) || feed(policy, row->in + cut, len - cut);
		ck_assert_msg(span_is(bytes_span(policy_output(policy)), row->out), "%s: %.*s",
		    row->in, (int)policy_output(policy)->len, policy_output(policy)->data);
		ck_assert_msg(is_closed == row->is_closed, "%s", row->in);
		policy_free(&policy);
	}
}
END_TEST

START_TEST(a_client_cannot_make_us_grow)
{
	char line[1000];
	struct policy *policy = policy_new(false);
	bool is_closed = false;
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 100 && !is_closed; i++)
		is_closed = feed(policy, line, sizeof(line));
	ck_assert(is_closed);
	policy_free(&policy);
	policy = policy_new(false);
	is_closed = false;
	for (int i = 0; i < 2000 && !is_closed; i++)
		is_closed = feed(policy, "recipient=x@y\n", 14);
	ck_assert(is_closed);
	policy_free(&policy);
}
END_TEST

START_TEST(unknown_is_refused_where_a_site_wants_it)
{
	struct policy *policy = policy_new(true);
	const char *in = RCPT "recipient=unknown@x\n\n" RCPT "recipient=disabled@x\n\n" RCPT
	                      "recipient=trouble@x\n\n";
	feed(policy, in, strlen(in));
	struct bytes *out = policy_output(policy);
	bytes_terminate(out);
	ck_assert_ptr_nonnull(strstr(out->data, "action=550 5.1.1 "));
	ck_assert_ptr_nonnull(strstr(out->data, "action=550 5.2.1 "));
	ck_assert_str_eq(out->data + out->len - strlen("action=DUNNO\n\n"), "action=DUNNO\n\n");
	policy_free(&policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policy");
	tcase_add_loop_test(tc, requests_are_answered_however_they_are_cut, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, a_client_cannot_make_us_grow);
	tcase_add_test(tc, unknown_is_refused_where_a_site_wants_it);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
