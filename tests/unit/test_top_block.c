#include "mail/top_block.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct arena *arena;
static struct spool *spool;

static struct message open_text(const char *text)
{
	struct message message;
	struct status status;
	arena = arena_new();
	spool = spool_new("/tmp");
	ck_assert(spool_append(spool, text, strlen(text), &status));
	ck_assert(spool_finish(spool, &status));
	ck_assert(message_open(arena, spool, &message, &status));
	return message;
}

static void done(void)
{
	spool_free(&spool);
	arena_free(&arena);
}

START_TEST(the_run_at_the_top_is_believed_and_what_is_below_is_not)
{
	static const struct {
		const char *text, *head;
		const char *sender, *original; /* null: not said */
		bool is_believed;
	} rows[] = {
	    {"From a@x Mon\nReturn-Path: <b@x>\nX-Original-To: o@x\nDelivered-To: d@x\nTo: t\n\n",
	        "Return-Path: <b@x>\nX-Original-To: o@x\nDelivered-To: d@x\nTo: t\n\n", "b@x",
	        "o@x", true},
	    {"From a@x Mon Jan\nTo: t\n\n", "To: t\n\n", "a@x", NULL, true},
	    {"From MAILER-DAEMON Mon\nTo: t\n\n", "To: t\n\n", "", NULL, true},
	    {"Return-Path: <>\nTo: t\n\n", "Return-Path: <>\nTo: t\n\n", "", NULL, true},
	    {"Return-Path: <MAILER-DAEMON>\n\n", "Return-Path: <MAILER-DAEMON>\n\n", "", NULL,
	        true},
	    {"To: t\nReturn-Path: <evil@x>\nX-Original-To: evil@x\nDelivered-To: e\n\n",
	        "To: t\nDelivered-To: e\n\n", NULL, NULL, true},
	    {"Return-Path: <b@x>\nReturn-Path: <evil@x>\nX-Original-To: evil@x\nTo: t\n\n",
	        "Return-Path: <b@x>\nTo: t\n\n", "b@x", NULL, true},
	    {"Return-Path: <b@x>\nX-Original-To:\n o@x\nTo: t\n\n", "To: t\n\n", NULL, NULL, false},
	    {"From a@x Mon\nTo: t\nreturn-path : <evil>\n folded\n\n", "To: t\n\n", NULL, NULL,
	        false},
	    {"Return-Path: not an address\nTo: t\n\n", "Return-Path: not an address\nTo: t\n\n",
	        NULL, NULL, true},
	    {"no header at all\n", "no header at all\n", NULL, NULL, true},
	    {"To: t\nno field\nReturn-Path: <evil>\nFrom: f\n\n", "To: t\nno field\nFrom: f\n\n",
	        NULL, NULL, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = open_text(rows[i].text);
		struct top_block block;
		struct message below = top_block_take(arena, &message, rows[i].is_believed, &block);
		ck_assert_msg(span_is(below.head, rows[i].head), "row %zu: %.*s", i,
		    (int)below.head.len, below.head.data);
		ck_assert_msg(block.has_sender == (rows[i].sender != NULL), "row %zu sender", i);
		ck_assert(!block.has_sender || span_is(block.sender.text, rows[i].sender));
		ck_assert_msg(block.has_original == (rows[i].original != NULL), "row %zu", i);
		ck_assert(!block.has_original || span_is(block.original.text, rows[i].original));
		done();
	}
}
END_TEST

START_TEST(both_fronts_write_the_same_block)
{
	struct message message = open_text("To: t\n\nbody\n");
	struct envelope envelope = {0};
	struct envelope_recipient recipient = {0};
	struct top_block taken = {0};
	ck_assert(address_parse(arena, SPAN("s@x"), &envelope.sender, NULL));
	ck_assert(address_parse(arena, SPAN("r@x"), &recipient.address, NULL));
	struct message plain =
	    top_block_write(arena, &message, &taken, &envelope, &recipient, "mx", "ID");
	ck_assert(span_is(plain.head, "Return-Path: <s@x>\nDelivered-To: r@x\nTo: t\n\n"));
	ck_assert_uint_eq(plain.size_bytes, message.size_bytes + 19 + 18);

	ck_assert(address_parse(arena, SPAN("o@x"), &recipient.original, NULL));
	envelope.protocol = SPAN("LMTP");
	envelope.client_name = SPAN("client.example");
	struct message lmtp =
	    top_block_write(arena, &message, &taken, &envelope, &recipient, "mx", "ID");
	ck_assert(span_starts_with(lmtp.head,
	    "Return-Path: <s@x>\nX-Original-To: o@x\nDelivered-To: r@x\n"
	    "Received: from client.example\n\tby mx with LMTP id ID\n\tfor <r@x>; "));

	envelope.client_address = SPAN("2001:db8::1");
	struct message inet6 =
	    top_block_write(arena, &message, &taken, &envelope, &recipient, "mx", "ID");
	ck_assert(span_starts_with(
	    span_from(inet6.head, span_find(inet6.head, '(')), "([IPv6:2001:db8::1])\n\tby mx "));

	taken.wrote_return_path = taken.wrote_delivered_to = taken.wrote_original_to = true;
	envelope.protocol = (struct span){NULL, 0};
	struct message none =
	    top_block_write(arena, &message, &taken, &envelope, &recipient, "mx", "ID");
	ck_assert(span_equals(none.head, message.head));
	done();
}
END_TEST

UNIT_TESTS("top block", the_run_at_the_top_is_believed_and_what_is_below_is_not,
    both_fronts_write_the_same_block)
