#include "mail/smtp_client.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct arena *arena;

/* Plays the server's lines one after the other, `step` bytes at a time; all we said is joined. */
static struct smtp_client *play(
    const struct smtp_client_options *options, const char *server, size_t step, struct bytes *said)
{
	struct smtp_client *client = smtp_client_new(arena, options);
	struct span rest = span_of(server);
	for (;;) {
		struct span out = smtp_client_output(client);
		switch (smtp_client_want(client)) {
		case SMTP_CLIENT_SEND:
			bytes_append_span(said, out);
			smtp_client_sent(client, out.len);
			break;
		case SMTP_CLIENT_READ:
			if (rest.len == 0) {
				smtp_client_fail(client, "connection lost");
				break;
			}
			smtp_client_receive(client, rest.data, span_first(rest, step).len);
			rest = span_from(rest, step);
			break;
		case SMTP_CLIENT_TEXT:
			smtp_client_text(client, "A: b\n\n.dot", 10);
			smtp_client_text(client, "\n.", 2);
			smtp_client_text(client, "\nend", 4);
			smtp_client_text_end(client);
			break;
		case SMTP_CLIENT_DONE:
			return client;
		}
	}
}

static struct envelope_recipient recipient(const char *text)
{
	struct envelope_recipient to = {0};
	ck_assert(address_parse(arena, span_of(text), &to.address, NULL));
	return to;
}

#define TEXT "A: b\r\n\r\n..dot\r\n..\r\nend\r\n.\r\n"

START_TEST(transactions)
{
	static const struct {
		const char *name;
		bool is_lmtp, smtputf8;
		const char *server, *said;
		int replies[2];
		const char *enhanced[2];
	} rows[] = {
	    {"lmtp, each its own answer", true, false,
	        "220 hi\r\n250-me\r\n250-SIZE 100\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n250 ok\r\n"
	        "354 go\r\n250 2.0.0 saved\r\n552 5.2.2 full\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x> SIZE=99 BODY=8BITMIME\r\nRCPT TO:<a@x>\r\nRCPT "
	        "TO:<b@x>\r\n"
	        "DATA\r\n" TEXT "QUIT\r\n",
	        {250, 552}, {"2.0.0", "5.2.2"}},
	    {"smtp, one answer for all", false, false,
	        "220 hi\r\n250 me\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n451 4.3.0 later\r\n",
	        "EHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" TEXT
	        "QUIT\r\n",
	        {451, 451}, {"4.3.0", "4.3.0"}},
	    {"one unknown", true, false,
	        "220 hi\r\n250 me\r\n250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250 ok\r\n354 "
	        "go\r\n"
	        "250 ok\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" TEXT
	        "QUIT\r\n",
	        {550, 250}, {"5.1.1", "2.0.0"}},
	    {"all refused", true, false, "220 hi\r\n250 me\r\n250 ok\r\n550 no\r\n450 no\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nQUIT\r\n",
	        {550, 450}, {"5.0.0", "4.0.0"}},
	    {"sender refused", true, false, "220 hi\r\n250 me\r\n550 5.7.1 not you\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nQUIT\r\n", {550, 550}, {"5.7.1", "5.7.1"}},
	    {"busy", true, false, "421 4.3.2 busy\r\n", "QUIT\r\n", {451, 451}, {"4.3.2", "4.3.2"}},
	    {"no service for us", true, false, "554 5.3.2 go away\r\n", "QUIT\r\n", {451, 451},
	        {"4.0.0", "4.0.0"}},
	    {"no LHLO", true, false, "220 hi\r\n500 5.5.1 what\r\n", "LHLO us\r\nQUIT\r\n",
	        {451, 451}, {"4.0.0", "4.0.0"}},
	    {"replies out of place", true, false,
	        "220 hi\r\n250 me\r\n250 ok\r\n354 go\r\n250 ok\r\n354 go\r\n354 go\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" TEXT
	        "QUIT\r\n",
	        {451, 451}, {"4.0.0", "4.0.0"}},
	    {"lost after the dot", true, false,
	        "220 hi\r\n250 me\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" TEXT,
	        {250, 451}, {"2.0.0", "4.2.0"}},
	    {"no reply at all", true, false, "HTTP/1.1 400 Bad\r\n", "", {451, 451},
	        {"4.2.0", "4.2.0"}},
	    {"data refused", true, false,
	        "220 hi\r\n250 me\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 what\r\n",
	        "LHLO us\r\nMAIL FROM:<s@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nQUIT\r\n",
	        {451, 451}, {"4.0.0", "4.0.0"}},
	    {"smtputf8 not offered", true, true, "220 hi\r\n250 me\r\n", "LHLO us\r\nQUIT\r\n",
	        {550, 550}, {"5.6.7", "5.6.7"}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step < 500; step = step * 5 + 1) {
			arena = arena_new();
			struct envelope envelope = {.smtputf8 = rows[i].smtputf8};
			ck_assert(address_parse(arena, SPAN("s@x"), &envelope.sender, NULL));
			struct envelope_recipient to[2] = {recipient("a@x"), recipient("b@x")};
			struct smtp_client_options options = {.is_lmtp = rows[i].is_lmtp,
			    .hello = "us",
			    .envelope = &envelope,
			    .recipients = to,
			    .recipient_count = 2,
			    .size_bytes = 99,
			    .is_8bit = true};
			struct bytes said = {0};
			struct smtp_client *client = play(&options, rows[i].server, step, &said);
			ck_assert_msg(span_is(bytes_span(&said), rows[i].said), "%s: said %s",
			    rows[i].name, bytes_terminate(&said));
			for (size_t k = 0; k < 2; k++) {
				const struct status *status = smtp_client_status(client, k);
				ck_assert_msg(status_reply(status) == rows[i].replies[k], "%s: %d",
				    rows[i].name, status_reply(status));
				ck_assert_msg(
				    strcmp(status_enhanced(status), rows[i].enhanced[k]) == 0,
				    "%s: %s", rows[i].name, status_enhanced(status));
			}
			smtp_client_clear(client);
			bytes_clear(&said);
			arena_free(&arena);
		}
	}
}
END_TEST

START_TEST(a_relayed_text_keeps_its_lines_without_codes)
{
	struct status status;
	smtp_client_translate(550, SPAN("5.7.1 first\n5.7.1 second"), &status);
	ck_assert_str_eq(status.text, "first\nsecond");
	ck_assert_int_eq(status.cause, CAUSE_REJECTED);
	smtp_client_translate(550, SPAN("4.7.1 wrong class"), &status);
	ck_assert_str_eq(status_enhanced(&status), "5.0.0");
	ck_assert_str_eq(status.text, "4.7.1 wrong class");
	/* As Cyrus does it. */
	smtp_client_translate(550, SPAN("Mailbox unknown.\n5.1.1 User unknown"), &status);
	ck_assert_str_eq(status.enhanced, "5.1.1");
	ck_assert_int_eq(status.cause, CAUSE_USER_UNKNOWN);
	ck_assert_str_eq(status.text, "Mailbox unknown.\nUser unknown");
}
END_TEST

UNIT_TESTS("smtp client", transactions, a_relayed_text_keeps_its_lines_without_codes)
