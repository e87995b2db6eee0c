#include "deliver/queue_id.h"
#include "deliver/record.h"
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <string.h>

static struct arena *arena;
static struct pipeline_call call = {.front = "lmtp", .id = "0123abcd"};
static struct pipeline_recipient recipient;
static struct envelope envelope;
static struct delivery delivery;

static void set_up(void)
{
	arena = arena_new();
	envelope = (struct envelope){.sender.text = SPAN(""), .queue_id = SPAN("4ABC")};
	recipient = (struct pipeline_recipient){.envelope.address.text = SPAN("anna+x@example.org"),
	    .envelope.original.text = SPAN("info@example.org")};
	delivery = (struct delivery){.arena = arena,
	    .call = &call,
	    .recipient = &recipient,
	    .envelope = &envelope,
	    .started_ms = clock_monotonic_ms() + 1000, /* so that ms is not by chance */
	    .has_user = true,
	    .user.name = SPAN("anna"),
	    .has_message = true,
	    .message = {.head = SPAN("Message-ID: <1@x>\n\n"), .size_bytes = 1234}};
	struct action *fileinto = action_add(arena, &delivery.actions, ACTION_FILEINTO);
	fileinto->folder = SPAN("Lists \"a\"");
	fileinto->origin = (struct action_origin){"/s.sieve", 3, 1};
	struct action *keep = action_add(arena, &delivery.actions, ACTION_KEEP);
	keep->is_implicit = true;
	status_delivered(&delivery.status);
}

/* Without its last key, the time it took. */
static const char *formatted(enum record_format format)
{
	struct bytes to = {0};
	record_format(&to, format, "T", &delivery);
	const char *text = arena_text(arena, bytes_span(&to));
	*strstr(text, format == RECORD_JSON ? ",\"ms\":" : " ms=") = '\0';
	bytes_clear(&to);
	return text;
}

START_TEST(both_formats_tell_the_same)
{
	set_up();
	ck_assert_str_eq(formatted(RECORD_JSON),
	    "{\"time\":\"T\",\"id\":\"0123abcd\",\"front\":\"lmtp\",\"queue_id\":\"4ABC\","
	    "\"message_id\":\"<1@x>\",\"client\":null,\"sender\":\"\",\"recipient\":\"anna+x@example.org\","
	    "\"original\":\"info@example.org\",\"user\":\"anna\",\"bytes\":1234,\"actions\":["
	    "{\"action\":\"fileinto\",\"folder\":\"Lists \\\"a\\\"\",\"script\":\"/s.sieve\","
	    "\"line\":3},{\"action\":\"keep\",\"implicit\":true}],\"mailbox\":null,"
	    "\"cause\":\"delivered\",\"code\":\"2.0.0\",\"detail\":null,\"note\":null");
	ck_assert_str_eq(formatted(RECORD_TEXT),
	    "time=T id=0123abcd front=lmtp queue_id=4ABC message_id=<1@x> sender=\"\" "
	    "recipient=anna+x@example.org original=info@example.org user=anna bytes=1234 "
	    "actions=fileinto(\"Lists \\\"a\\\"\")@/s.sieve:3,implicit-keep cause=delivered "
	    "code=2.0.0");
	arena_free(&arena);
}
END_TEST

START_TEST(foreign_bytes_cannot_break_an_entry)
{
	set_up();
	envelope.sender.text = SPAN("a\nb\xFF\xC3\xA4\"\\@x");
	delivery.has_user = false;
	status_fail(&delivery.status, CAUSE_MAILBOX, "rename %s", "new/x: EIO");
	ck_assert(strstr(formatted(RECORD_JSON),
	              "\"sender\":\"a\\u000ab\\ufffd\xC3\xA4\\\"\\\\@x\"") != NULL);
	ck_assert(strstr(formatted(RECORD_JSON), "\"user\":null") != NULL);
	ck_assert(strstr(formatted(RECORD_JSON), "\"detail\":\"rename new/x: EIO\"") != NULL);
	ck_assert(
	    strstr(formatted(RECORD_TEXT), " sender=\"a\\x0ab\xFF\xC3\xA4\\\"\\\\@x\" ") != NULL);
	ck_assert(strstr(formatted(RECORD_TEXT), " user=") == NULL);
	arena_free(&arena);
}
END_TEST

START_TEST(the_queue_id_is_the_last_mtas)
{
	static const struct {
		const char *head;
		const char *id; /* null: none */
	} rows[] = {
	    {"Received: from a (b [::1])\n\tby mx (Postfix) with ESMTPS id 4XyZ12\n\tfor <a@b>; "
	     "Sat\n",
	        "4XyZ12"},
	    {"Received: by mx (Postfix, from userid 0)\n\tid A1B2C3; Sat, 21 Nov 2026\n", "A1B2C3"},
	    {"Subject: x\nReceived: from a by mx with esmtp (Exim 4.96)\n id 1rAbCd-0001-2X\n for "
	     "a\n",
	        "1rAbCd-0001-2X"},
	    {"Received: from a by b (Sendmail) id 123\nReceived: by c (Postfix) id 456\n", NULL},
	    {"Received: by mx (Postfix) id <bad>; x\n", NULL},
	    {"Received: by mx (Postfix) id\n", NULL},
	    {"Subject: no trace\n", NULL},
	};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span id = queue_id_find(arena, span_of(rows[i].head));
		if (rows[i].id == NULL)
			ck_assert_msg(id.data == NULL, "%s", rows[i].head);
		else
			ck_assert_msg(span_is(id, rows[i].id), "%s", rows[i].head);
	}
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("record", both_formats_tell_the_same, foreign_bytes_cannot_break_an_entry,
    the_queue_id_is_the_last_mtas)
