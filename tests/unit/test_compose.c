#include "mail/compose.h"
#include "mail/mdn.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	const char *name;
	const char *text;
	const char *written;
} texts[] = {
    {"plain", "Hello", "Subject: Hello\n"},
    {"no new field", "a\r\nBcc: b@example.org", "Subject: a  Bcc: b@example.org\n"},
    {"no body", "a\n\nb", "Subject: a  b\n"},
    {"not ASCII",
        "Gr\xC3\xBC\xC3\x9F"
        "e",
        "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"},
    {"broken UTF-8 is left out",
        "a\xFF"
        "b",
        "Subject: ab\n"},
    {"folded at blanks",
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
        "Subject: one two three four five six seven eight nine ten eleven twelve\n"
        " thirteen fourteen\n"},
};

START_TEST(unstructured_text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bytes to = {0};
		compose_text(&to, "Subject", span_of(texts[i].text));
		ck_assert_str_eq(bytes_terminate(&to), texts[i].written);
		bytes_clear(&to);
	}
}
END_TEST

START_TEST(endless_word)
{
	struct bytes to = {0};
	struct bytes word = {0};
	struct span line;
	for (int i = 0; i < 3000; i++)
		bytes_append_byte(&word, 'a');
	compose_text(&to, "Subject", bytes_span(&word));
	for (struct span rest = bytes_span(&to); span_next_line(&rest, &line);)
		ck_assert_uint_le(line.len, 998);
	bytes_clear(&to);
	bytes_clear(&word);
}
END_TEST

#define SPAN_OF(text)                    \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct {
	const char *name;
	struct compose_mailbox mailboxes[2];
	size_t count;
	const char *written;
} lists[] = {
    {"bare", {{.address = SPAN_OF("a@example.org")}}, 1, "To: a@example.org\n"},
    {"in brackets", {{.address = SPAN_OF("a@example.org"), .is_bracketed = true}}, 1,
        "To: <a@example.org>\n"},
    {"atoms", {{.name = SPAN_OF("Anna B"), .address = SPAN_OF("a@example.org")}}, 1,
        "To: Anna B <a@example.org>\n"},
    {"quoted", {{.name = SPAN_OF("Anna B"), .address = SPAN_OF("a@b"), .is_quoted = true}}, 1,
        "To: \"Anna B\" <a@b>\n"},
    {"specials", {{.name = SPAN_OF("B, \"Anna\""), .address = SPAN_OF("a@example.org")}}, 1,
        "To: \"B, \\\"Anna\\\"\" <a@example.org>\n"},
    {"not ASCII", {{.name = SPAN_OF("J\xC3\xBCrgen"), .address = SPAN_OF("j@example.org")}}, 1,
        "To: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\n"},
    {"two",
        {{.name = SPAN_OF("A"), .address = SPAN_OF("a@example.org")},
            {.address = SPAN_OF("b@example.org")}},
        2, "To: A <a@example.org>, b@example.org\n"},
    {"no line can end in it",
        {{.name = SPAN_OF("A\nBcc: x"), .address = SPAN_OF("a@example.org\nX: y")}}, 1,
        "To: \"A Bcc: x\" <a@example.orgX: y>\n"},
};

START_TEST(mailboxes)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct bytes to = {0};
		compose_mailboxes(&to, "To", lists[i].mailboxes, lists[i].count);
		ck_assert_str_eq(bytes_terminate(&to), lists[i].written);
		bytes_clear(&to);
	}
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	const char *encoding;
	const char *body;
} bodies[] = {
    {"ASCII", "a\r\nb", "7bit", "a\nb\n"},
    {"UTF-8", "\xC3\xBC\r\n", "8bit", "\xC3\xBC\n"},
    {"empty", "", "7bit", "\n"},
    {"CR and LF alone", "\r\n", "7bit", "\n"},
    {"bare CR", "a\rb", "7bit", "a\nb\n"},
};

START_TEST(plain_body)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct bytes to = {0};
		compose_body(&to, span_of(bodies[i].text));
		const char *text = bytes_terminate(&to);
		ck_assert_ptr_nonnull(strstr(text, bodies[i].encoding));
		ck_assert_str_eq(strstr(text, "\n\n") + 2, bodies[i].body);
		bytes_clear(&to);
	}
}
END_TEST

START_TEST(long_lines_are_quoted)
{
	struct bytes text = {0};
	struct bytes to = {0};
	struct span line;
	for (int i = 0; i < 999; i++)
		bytes_append_text(&text, "=");
	bytes_append_text(&text, " ");
	compose_body(&to, bytes_span(&text));
	ck_assert_ptr_nonnull(strstr(bytes_terminate(&to), "quoted-printable"));
	for (struct span rest = bytes_span(&to); span_next_line(&rest, &line);) {
		ck_assert_uint_le(line.len, 76);
		ck_assert(line.len == 0 || line.data[line.len - 1] != ' ');
	}
	bytes_clear(&text);
	bytes_clear(&to);
}
END_TEST

static const struct {
	const char *name;
	const char *head;
	const char *written;
} heads[] = {
    {"none", "Subject: x\n\n", ""},
    {"first", "Message-ID: <a@b>\n\n", "In-Reply-To: <a@b>\nReferences: <a@b>\n"},
    {"later", "References: <x@y>\n <z@y>\nMessage-ID: <a@b>\n\n",
        "In-Reply-To: <a@b>\nReferences: <x@y> <z@y> <a@b>\n"},
    {"In-Reply-To stands in", "In-Reply-To: your mail <x@y>\nMessage-ID: <a@b>\n\n",
        "In-Reply-To: <a@b>\nReferences: <x@y> <a@b>\n"},
    {"broken", "Message-ID: no id\n\n", ""},
};

START_TEST(threading)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct bytes to = {0};
		compose_threading(&to, span_of(heads[i].head));
		ck_assert_str_eq(to.len > 0 ? bytes_terminate(&to) : "", heads[i].written);
		bytes_clear(&to);
	}
}
END_TEST

START_TEST(long_threads_are_cut)
{
	struct bytes head = {0};
	struct bytes to = {0};
	bytes_append_text(&head, "Message-ID: <last@x>\nReferences:");
	for (int i = 0; i < 1000; i++)
		bytes_appendf(&head, " <%d@x>", i);
	bytes_append_text(&head, "\n\n");
	compose_threading(&to, bytes_span(&head));
	const char *text = bytes_terminate(&to);
	ck_assert_uint_lt(to.len, 600);
	ck_assert_ptr_nonnull(strstr(text, "References: <0@x> <980@x>"));
	ck_assert_ptr_nonnull(strstr(text, "<999@x> <last@x>\n"));
	bytes_clear(&head);
	bytes_clear(&to);
}
END_TEST

START_TEST(message_ids)
{
	struct arena *arena = arena_new();
	const struct span ab[] = {SPAN("a"), SPAN("b")};
	const struct span a_b[] = {SPAN("ab"), SPAN("")};
	struct span one = compose_message_id(arena, "vacation", ab, 2, SPAN("example.org"));
	ck_assert(
	    span_equals(one, compose_message_id(arena, "vacation", ab, 2, SPAN("example.org"))));
	ck_assert(
	    !span_equals(one, compose_message_id(arena, "vacation", a_b, 2, SPAN("example.org"))));
	ck_assert(
	    !span_equals(one, compose_message_id(arena, "notify", ab, 2, SPAN("example.org"))));
	struct span odd = compose_message_id(arena, "vacation", ab, 2, SPAN("[1.2.3.4]\n"));
	ck_assert_ptr_nonnull(strstr(odd.data, "@localhost>"));
	arena_free(&arena);
}
END_TEST

START_TEST(foreign_text_ends_no_part)
{
	struct bytes to = {0};
	compose_foreign(&to, SPAN("<12.x@y>"), SPAN("a\n--12.x--\n--12\nb"));
	ck_assert_str_eq(bytes_terminate(&to), "a\n --12.x--\n--12\nb\n");
	bytes_clear(&to);
}
END_TEST

START_TEST(notice_of_refusal)
{
	struct arena *arena = arena_new();
	struct message refused = message_of_text(
	    arena, SPAN("Message-ID: <a@b>\nSubject: x\nTo: <bert@example.net>\n\n"));
	struct envelope envelope = {.sender.text = SPAN("anna@example.org")};
	struct envelope_recipient recipient = {
	    .address = {SPAN("bert@example.net"), SPAN("bert"), SPAN("example.net")}};
	const struct mdn mdn = {.message = &refused,
	    .envelope = &envelope,
	    .recipient = &recipient,
	    .reason = SPAN("No, thanks.\r\n"),
	    .old_subject = SPAN("x"),
	    .now = 1795255200};
	const struct message *notice = mdn_compose(arena, &mdn);
	static const char *const lines[] = {
	    "\nFrom: Mail Delivery Subsystem <postmaster@example.net>\nTo: <anna@example.org>\n"
	    "Subject: Rejected: x\nIn-Reply-To: <a@b>\n",
	    "\nAuto-Submitted: auto-replied (rejected)\n",
	    "Content-Type: multipart/report; report-type=disposition-notification;\n boundary=\"",
	    "charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nYour message to <bert@example.net> "
	    "was refused by the "
	    "recipient's mail filter:\n\nNo, thanks.\n\n--",
	    "\nFinal-Recipient: rfc822; bert@example.net\nOriginal-Message-ID: <a@b>\n"
	    "Disposition: automatic-action/MDN-sent-automatically; deleted\n\n--",
	    "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: 8bit\n\nMessage-ID: "
	    "<a@b>\nSubject: x\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(notice->head.data, lines[i]) != NULL, "%s\nis not in\n%s",
		    lines[i], notice->head.data);
	ck_assert_uint_eq(notice->size_bytes, strlen(notice->head.data));
	/* The same refusal told again. */
	const struct message *again = mdn_compose(arena, &mdn);
	ck_assert_str_eq(notice->head.data, again->head.data);
	char buffer[16];
	size_t got;
	struct status status;
	ck_assert(message_read(notice, notice->size_bytes - 3, buffer, 16, &got, &status));
	ck_assert_uint_eq(got, 3);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("compose", unstructured_text, mailboxes, plain_body, threading, endless_word,
    long_lines_are_quoted, long_threads_are_cut, message_ids, foreign_text_ends_no_part,
    notice_of_refusal)
