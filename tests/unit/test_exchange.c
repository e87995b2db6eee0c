/* Requests and answers between processes: what goes in comes out, and nothing else is accepted. */
#include "lmtp-bridge/exchange.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct address address(struct arena *arena, const char *text)
{
	struct address parsed;
	ck_assert(address_parse(arena, span_of(text), &parsed, NULL));
	return parsed;
}

static void make(struct arena *arena, struct bytes *to)
{
	struct envelope_recipient recipients[2] = {
	    {.address = address(arena, "a@x"), .notify = ENVELOPE_NOTIFY_NEVER},
	    {.address = address(arena, "\"b c\"@x"),
	        .original = address(arena, "alias@x"),
	        .orcpt = SPAN("rfc822;alias@x")},
	};
	struct exchange_request request = {
	    .kind = EXCHANGE_DELIVER,
	    .is_probe = true,
	    .id = "00ff",
	    .deadline_ms = 12345,
	    .envelope = {.sender = address(arena, ""),
	        .size_bytes = 7,
	        .body = ENVELOPE_BODY_8BITMIME,
	        .ret = ENVELOPE_RET_HDRS,
	        .smtputf8 = true,
	        .envid = SPAN("e"),
	        .client_name = SPAN("c.test"),
	        .client_address = SPAN("127.0.0.9"),
	        .protocol = SPAN("LMTP"),
	        .queue_id = SPAN("4AB"),
	        .origin_name = SPAN("o.test"),
	        .origin_address = SPAN("192.0.2.9")},
	    .recipients = recipients,
	    .recipient_count = 2,
	    .line_count = 3,
	    .message = {"te\0xt\n", 6},
	};
	exchange_write(&request, to);
}

static struct span body(const struct bytes *request)
{
	return span_from(bytes_span(request), EXCHANGE_LENGTH_BYTES);
}

START_TEST(a_request_arrives_as_it_was)
{
	struct arena *arena = arena_new();
	struct bytes bytes = {0};
	struct exchange_request got;
	make(arena, &bytes);
	ck_assert_uint_eq(exchange_length(bytes.data), bytes.len - EXCHANGE_LENGTH_BYTES);
	ck_assert(exchange_read(arena, body(&bytes), &got));
	ck_assert_int_eq(got.kind, EXCHANGE_DELIVER);
	ck_assert(got.is_probe && got.envelope.smtputf8 && !got.has_file);
	ck_assert_str_eq(got.id, "00ff");
	ck_assert_int_eq(got.deadline_ms, 12345);
	ck_assert(got.envelope.sender.text.data != NULL && got.envelope.sender.text.len == 0);
	ck_assert_uint_eq(got.envelope.size_bytes, 7);
	ck_assert_int_eq(got.envelope.body, ENVELOPE_BODY_8BITMIME);
	ck_assert_int_eq(got.envelope.ret, ENVELOPE_RET_HDRS);
	ck_assert(span_is(got.envelope.envid, "e") && span_is(got.envelope.client_name, "c.test"));
	ck_assert(span_is(got.envelope.client_address, "127.0.0.9"));
	ck_assert(span_is(got.envelope.queue_id, "4AB"));
	ck_assert(span_is(got.envelope.origin_name, "o.test"));
	ck_assert(span_is(got.envelope.origin_address, "192.0.2.9"));
	ck_assert_ptr_null(got.recipients[0].orcpt.data);
	ck_assert(span_is(got.envelope.protocol, "LMTP"));
	ck_assert_uint_eq(got.recipient_count, 2);
	ck_assert(span_is(got.recipients[0].address.text, "a@x"));
	ck_assert_ptr_null(got.recipients[0].original.text.data);
	ck_assert_uint_eq(got.recipients[0].notify, ENVELOPE_NOTIFY_NEVER);
	ck_assert(span_is(got.recipients[1].address.local, "b c"));
	ck_assert(span_is(got.recipients[1].original.domain, "x"));
	ck_assert(span_is(got.recipients[1].orcpt, "rfc822;alias@x"));
	ck_assert_uint_eq(got.line_count, 3);
	ck_assert(span_equals(got.message, (struct span){"te\0xt\n", 6}));
	bytes_clear(&bytes);
	arena_free(&arena);
}
END_TEST

/* Cut anywhere it is refused; with any byte changed it is refused or still within bounds, which
 * the sanitizers watch. */
START_TEST(a_broken_request_does_no_harm)
{
	struct arena *arena = arena_new();
	struct bytes bytes = {0};
	struct exchange_request got;
	make(arena, &bytes);
	struct span whole = body(&bytes);
	for (size_t len = 0; len < whole.len; len++) {
		char *copy = arena_text(arena, span_first(whole, len));
		ck_assert(!exchange_read(arena, (struct span){copy, len}, &got));
	}
	for (size_t i = 0; i < whole.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct arena *scratch = arena_new();
			char *copy = arena_text(scratch, whole);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			if (exchange_read(scratch, (struct span){copy, whole.len}, &got)) {
				ck_assert_uint_gt(got.recipient_count, 0);
				ck_assert_ptr_nonnull(got.recipients[0].address.text.data);
			}
			arena_free(&scratch);
		}
	}
	bytes_clear(&bytes);
	arena_free(&arena);
}
END_TEST

/* A session that was taken over speaks to servers behind us by what these hold. */
START_TEST(words_hold_no_line_end)
{
	static const char *const words[] = {
	    "e", "c.test", "LMTP", "127.0.0.9", "4AB", "o.test", "192.0.2.9", "rfc822;alias@x"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (const char *bad = "\r\n\t \x7F"; *bad != '\0'; bad++) {
			struct arena *arena = arena_new();
			struct bytes bytes = {0};
			struct exchange_request got;
			make(arena, &bytes);
			char *at = memmem(bytes.data, bytes.len, words[i], strlen(words[i]));
			ck_assert_msg(at != NULL, "%s", words[i]);
			at[strlen(words[i]) - 1] = *bad;
			ck_assert_msg(!exchange_read(arena, body(&bytes), &got), "%s", words[i]);
			bytes_clear(&bytes);
			arena_free(&arena);
		}
	}
}
END_TEST

START_TEST(an_answer_is_checked)
{
	struct exchange_answer answer = {.index = 1};
	status_set(&answer.status, CAUSE_REJECTED, "no");
	ck_assert(exchange_is_answer(&answer, 2));
	ck_assert(!exchange_is_answer(&answer, 1));
	struct exchange_answer bad = answer;
	memset(bad.status.text, 'x', sizeof(bad.status.text));
	ck_assert(!exchange_is_answer(&bad, 2));
	bad = answer;
	memset(bad.status.enhanced, '5', sizeof(bad.status.enhanced));
	ck_assert(!exchange_is_answer(&bad, 2));
	bad = answer;
	bad.status.cause = CAUSE_COUNT;
	ck_assert(!exchange_is_answer(&bad, 2));
	bad = answer;
	bad.status.reply = 99;
	ck_assert(!exchange_is_answer(&bad, 2));
}
END_TEST

START_TEST(the_session_waits_longest)
{
	for (uint64_t timeout_s = 1; timeout_s < 1000; timeout_s++) {
		struct exchange_times times = exchange_times(1000000, timeout_s);
		ck_assert_int_lt(times.pipeline_ms, times.kill_ms);
		ck_assert_int_lt(times.kill_ms, 1000000);
		ck_assert_int_gt(times.pipeline_ms, 1000000 - (int64_t)timeout_s * 1000);
	}
}
END_TEST

UNIT_TESTS("exchange", a_request_arrives_as_it_was, a_broken_request_does_no_harm,
    words_hold_no_line_end, an_answer_is_checked, the_session_waits_longest)
