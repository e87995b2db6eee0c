/* XFORWARD and XCLIENT: what they mean, who may say them, and how long it holds. */
#include "lmtp-bridge/lmtp_forward.h"
#include "tests/unit/lmtp_client.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct row {
	bool is_xclient;
	const char *argument;
	const char *name; /* null: not told */
	const char *address;
	const char *ident;
	const char *login;
	const char *why; /* null: it is good */
} rows[] = {
    {false, "NAME=c.test ADDR=192.0.2.1 PORT=1 PROTO=ESMTP HELO=h.test IDENT=4AB SOURCE=REMOTE",
        "c.test", "192.0.2.1", "4AB", NULL, NULL},
    {false, "addr=IPv6:2001:db8::1  name=[unavailable]", "", "2001:db8::1", NULL, NULL, NULL},
    {false, "ADDR=[TEMPUNAVAIL] IDENT=[UNAVAILABLE]", NULL, "", "", NULL, NULL},
    {false, "NAME=a+28b+29+0A+3D", "a?b?\?=", NULL, NULL, NULL, NULL},
    {true, "LOGIN=user+20name+40x NAME=c", "c", NULL, NULL, "user name@x", NULL},
    {true, "DESTADDR=127.0.0.1 DESTPORT=24", NULL, NULL, NULL, NULL, NULL},
    {false, "LOGIN=x", NULL, NULL, NULL, NULL, "Bad attribute name"},
    {true, "IDENT=x", NULL, NULL, NULL, NULL, "Bad attribute name"},
    {false, "", NULL, NULL, NULL, NULL, "Attributes wanted"},
    {false, "NAME", NULL, NULL, NULL, NULL, "Bad NAME value"},
    {false, "NAME=c ADDR=localhost", NULL, NULL, NULL, NULL, "Bad ADDR value"},
    {false, "NAME=c ADDR=", NULL, NULL, NULL, NULL, "Bad ADDR value"},
    {false, "PORT=65536", NULL, NULL, NULL, NULL, "Bad PORT value"},
    {false, "NAME=a+2", NULL, NULL, NULL, NULL, "Bad NAME value"},
    {false, "NAME=a+2g", NULL, NULL, NULL, NULL, "Bad NAME value"},
};

static void check_text(struct span got, const char *wanted, const char *argument)
{
	bool is_same = wanted == NULL ? got.data == NULL : got.data != NULL && span_is(got, wanted);
	ck_assert_msg(is_same, "%s: %.*s", argument, (int)got.len, got.data);
}

START_TEST(attributes_are_decoded)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct arena *arena = arena_new();
		struct lmtp_forward got = {0};
		const char *why = NULL;
		bool is_good =
		    lmtp_forward_parse(arena, span_of(row->argument), row->is_xclient, &got, &why);
		ck_assert_msg(is_good == (row->why == NULL), "%s", row->argument);
		if (!is_good)
			ck_assert_str_eq(why, row->why);
		check_text(got.name, row->name, row->argument);
		check_text(got.address, row->address, row->argument);
		check_text(got.ident, row->ident, row->argument);
		check_text(got.login, row->login, row->argument);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(a_value_has_a_limit)
{
	struct bytes argument = {0};
	struct lmtp_forward got = {0};
	struct arena *arena = arena_new();
	const char *why;
	bytes_append_text(&argument, "NAME=");
	for (int i = 0; i < 255; i++)
		bytes_append_text(&argument, "+41");
	ck_assert(lmtp_forward_parse(arena, bytes_span(&argument), false, &got, &why));
	bytes_append_text(&argument, "+41");
	ck_assert(!lmtp_forward_parse(arena, bytes_span(&argument), false, &got, &why));
	bytes_clear(&argument);
	arena_free(&arena);
}
END_TEST

static void say(struct talk *talk, const char *in)
{
	talk_feed(talk, in, strlen(in));
}

static bool ends_with(struct bytes *replies, const char *end)
{
	size_t len = strlen(end);
	return replies->len >= len && memcmp(replies->data + replies->len - len, end, len) == 0;
}

START_TEST(only_trusted_clients_are_believed)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	talk_start(&talk, &options);
	say(&talk, "LHLO c\r\nXFORWARD NAME=x\r\nXCLIENT NAME=x\r\n");
	ck_assert(ends_with(&talk.replies,
	    "250 SIZE\r\n550 5.7.0 Not for this client\r\n550 5.7.0 Not for this client\r\n"));
	bytes_terminate(&talk.replies);
	ck_assert_ptr_null(strstr(talk.replies.data, "250-X"));
	talk_clear(&talk);
}
END_TEST

START_TEST(xforward_holds_for_one_transaction)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	options.is_trusted = true;
	options.client_address = SPAN("127.0.0.1");
	talk_start(&talk, &options);
	const struct envelope *envelope = lmtp_envelope(talk.lmtp);
	say(&talk, "XFORWARD NAME=x\r\nLHLO mta\r\nXFORWARD NAME=old ADDR=192.0.2.1\r\n"
	           "XFORWARD NAME=c.test HELO=h IDENT=4AB\r\nMAIL FROM:<>\r\nXFORWARD NAME=x\r\n");
	bytes_terminate(&talk.replies);
	ck_assert_ptr_nonnull(strstr(talk.replies.data, "503 5.5.1 LHLO needed first\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(talk.replies.data, "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"));
	ck_assert(ends_with(&talk.replies, "503 5.5.1 Not within a transaction\r\n"));
	ck_assert(span_is(envelope->client_name, "mta"));
	ck_assert(span_is(envelope->client_address, "127.0.0.1"));
	ck_assert(span_is(envelope->origin_name, "c.test"));
	ck_assert(span_is(envelope->origin_address, "192.0.2.1"));
	ck_assert(span_is(envelope->queue_id, "4AB"));
	say(&talk, "RSET\r\nMAIL FROM:<>\r\n");
	ck_assert_ptr_null(envelope->origin_name.data);
	ck_assert_ptr_null(envelope->queue_id.data);
	talk_clear(&talk);
}
END_TEST

START_TEST(xclient_makes_another_client_of_it)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	options.is_trusted = true;
	options.client_address = SPAN("127.0.0.1");
	talk_start(&talk, &options);
	const struct envelope *envelope = lmtp_envelope(talk.lmtp);
	say(&talk, "LHLO proxy\r\nXCLIENT NAME=c.test ADDR=192.0.2.1 HELO=helo.test\r\n");
	ck_assert(ends_with(&talk.replies, "220 mx.test LMTP Ladle ready\r\n"));
	say(&talk, "MAIL FROM:<>\r\n");
	ck_assert(ends_with(&talk.replies, "503 5.5.1 LHLO needed first\r\n"));
	for (int i = 0; i < 2; i++) {
		say(&talk, "LHLO proxy\r\nMAIL FROM:<>\r\n");
		ck_assert(span_is(envelope->client_name, "helo.test"));
		ck_assert(span_is(envelope->client_address, "192.0.2.1"));
		ck_assert(span_is(envelope->origin_name, "c.test"));
		say(&talk, "XCLIENT NAME=x\r\n");
		ck_assert(ends_with(&talk.replies, "503 5.5.1 Not within a transaction\r\n"));
	}
	talk_clear(&talk);
}
END_TEST

/* RFC 3207 4.2: nothing that came in the clear counts behind TLS. */
START_TEST(xclient_is_forgotten_by_tls)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	options.is_trusted = true;
	options.offers_tls = true;
	options.client_address = SPAN("127.0.0.1");
	talk_start(&talk, &options);
	say(&talk, "LHLO p\r\nXCLIENT NAME=c.test ADDR=192.0.2.1 HELO=h.test LOGIN=u\r\n");
	say(&talk, "LHLO p\r\nSTARTTLS\r\nLHLO p\r\nMAIL FROM:<>\r\n");
	const struct envelope *envelope = lmtp_envelope(talk.lmtp);
	ck_assert(span_is(envelope->client_name, "p"));
	ck_assert(span_is(envelope->client_address, "127.0.0.1"));
	ck_assert_ptr_null(envelope->origin_name.data);
	ck_assert(span_is(envelope->protocol, "LMTPS"));
	talk_clear(&talk);
}
END_TEST

UNIT_TESTS("XFORWARD and XCLIENT", attributes_are_decoded, a_value_has_a_limit,
    only_trusted_clients_are_believed, xforward_holds_for_one_transaction,
    xclient_makes_another_client_of_it, xclient_is_forgotten_by_tls)
