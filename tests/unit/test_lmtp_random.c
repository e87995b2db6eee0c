/* Random pipelined sessions: what a client may send in any order, cut anywhere. A simple model
 * kept beside the machine knows the code of every reply RFC 2033 wants, in order: one for each
 * command and chunk, and after the text one for each RCPT that was accepted. Each session is fed
 * whole and again in pieces; nothing may differ. LMTP_SESSIONS in the environment sets how many. */
#include "tests/unit/lmtp_client.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t seed = 1;

static unsigned pick(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

#define ACCEPTED_MAX 32

/* What the model knows of the session. */
struct model {
	struct bytes in;
	struct bytes codes;                 /* of the replies wanted, "220 250 " */
	const char *accepted[ACCEPTED_MAX]; /* names, one for each RCPT */
	size_t accepted_count;
	uint64_t chunk_bytes;
	uint64_t transactions;
	unsigned bad;
	unsigned auth_failures;
	bool has_lhlo, has_mail, is_chunked, is_over;
	bool is_secure, is_authenticated;
	const struct lmtp_options *options;
};

static void want(struct model *model, int code)
{
	bytes_appendf(&model->codes, "%d ", code);
}

static void bad(struct model *model, int code)
{
	want(model, code);
	if (++model->bad > model->options->max_bad_commands) {
		want(model, 421);
		model->is_over = true;
	}
}

/* Out of order. What a pipelining client cannot know yet does not count as bad. */
static void refuse(struct model *model, bool is_pipelined)
{
	if (model->has_lhlo && is_pipelined)
		want(model, 503);
	else
		bad(model, 503);
}

static void forget(struct model *model)
{
	model->has_mail = model->is_chunked = false;
	model->accepted_count = 0;
	model->chunk_bytes = 0;
}

static void end_message(struct model *model)
{
	for (size_t i = 0; i < model->accepted_count; i++) {
		const char *name = model->accepted[i];
		bool is_late = strcmp(name, "late") == 0;
		want(model, is_late ? 451 : strcmp(name, "reject") == 0 ? 550 : 250);
	}
	forget(model);
	model->bad = 0;
}

static void add_mail(struct model *model)
{
	static const char *const senders[] = {
	    "<>", "<s@x>", "<s@x> SIZE=5", "<\"q q\"@x> BODY=7BIT"};
	uint64_t max = model->options->max_transactions;
	bytes_appendf(&model->in, "mAIL FROM:%s\r\n", senders[pick(4)]);
	if (!model->has_lhlo || model->has_mail) {
		bad(model, 503);
	} else if (max != 0 && model->transactions >= max) {
		want(model, 421);
		model->is_over = true;
	} else {
		model->transactions++;
		model->has_mail = true;
		want(model, 250);
	}
}

static void add_rcpt(struct model *model)
{
	static const char *const names[] = {"a", "b", "no", "full", "late", "reject", "c@x"};
	const char *name = names[pick(7)];
	bytes_appendf(&model->in, "RCPT TO:<%s>\r\n", name);
	if (!model->has_mail || model->is_chunked) {
		refuse(model, true);
	} else if (model->accepted_count >= model->options->max_recipients) {
		want(model, 452);
	} else if (strcmp(name, "no") == 0 || strcmp(name, "full") == 0) {
		want(model, name[0] == 'n' ? 550 : 552);
	} else {
		model->accepted[model->accepted_count++] = name;
		want(model, 250);
	}
}

static const char *const pieces[] = {"\r\n", "\r", "\n", "..", "x", "\n.\n", "\n.\r\n", "\r.\r",
    "QUIT\r\n", "\r\n..\r\n", "\r\n..\n", "\r\r\n", "\xC3\xA4", "MAIL FROM:<>\r\n"};

static void add_data(struct model *model)
{
	bytes_append_text(&model->in, "DATA\r\n");
	if (model->accepted_count == 0 || model->is_chunked) {
		refuse(model, true);
		return;
	}
	want(model, 354);
	bytes_append_text(&model->in, "S: x\r\n");
	for (unsigned i = pick(12); i > 0; i--) {
		const char *piece = pieces[pick(14)];
		struct span so_far = bytes_span(&model->in);
		bool is_line_start =
		    so_far.len > 1 && memcmp(so_far.data + so_far.len - 2, "\r\n", 2) == 0;
		/* As a client stuffs. */
		if (is_line_start && piece[0] == '.' && piece[1] != '.')
			bytes_append_byte(&model->in, '.');
		/* "\n.\r\n" behind a CR would be the end. */
		if (so_far.data[so_far.len - 1] == '\r' && piece[0] == '\n')
			bytes_append_byte(&model->in, 'y');
		bytes_append_text(&model->in, piece);
	}
	bytes_append_text(&model->in, "z\r\n.\r\n");
	end_message(model);
}

static void answer_chunk(struct model *model, size_t len, bool is_last)
{
	uint64_t max = model->options->max_message_bytes;
	if (model->accepted_count == 0) {
		refuse(model, true);
		return;
	}
	model->is_chunked = true;
	model->chunk_bytes += len;
	if (is_last)
		end_message(model);
	else
		want(model, max != 0 && model->chunk_bytes > max ? 552 : 250);
}

/* Now and then one whose length nobody can read. */
static void add_chunk(struct model *model)
{
	struct bytes chunk = {0};
	bool is_last = pick(2) == 0;
	for (unsigned i = pick(6); i > 0; i--)
		bytes_append_text(&chunk, pieces[pick(14)]);
	if (pick(20) == 0) {
		bytes_append_text(&model->in, pick(2) == 0 ? "BDAT x\r\n" : "BDAT 3 FIRST\r\nabc");
		want(model, 501);
		model->is_over = true;
	} else {
		bytes_appendf(
		    &model->in, "%s %zu%s\r\n", "bDAT", chunk.len, is_last ? " LAST" : "");
		bytes_append_span(&model->in, bytes_span(&chunk));
		answer_chunk(model, chunk.len, is_last);
	}
	bytes_clear(&chunk);
}

static void add_other(struct model *model)
{
	switch (pick(8)) {
	case 0:
		bytes_append_text(&model->in, "LHLO c\r\n");
		model->has_lhlo = true;
		forget(model);
		want(model, 250);
		break;
	case 1:
		bytes_append_text(&model->in, "RSET\r\n");
		forget(model);
		want(model, 250);
		break;
	case 2:
		bytes_append_text(&model->in, "NOOP x\r\n");
		want(model, 250);
		break;
	case 3:
		bytes_append_text(&model->in, "VRFY x\r\n");
		want(model, 252);
		break;
	case 4:
		bytes_append_text(&model->in, "HELO x\r\n");
		bad(model, 500);
		break;
	case 5:
		bytes_append_text(&model->in, "MAIL FROM:<x> X=y\r\n");
		bad(model, model->has_lhlo && !model->has_mail ? 555 : 503);
		break;
	case 6:
		bytes_append_text(&model->in, "RCPT TO:x\r\n");
		if (model->has_mail && !model->is_chunked)
			bad(model, 501);
		else
			refuse(model, true);
		break;
	default:
		if (pick(6) == 0) {
			bytes_append_text(&model->in, "QUIT\r\n");
			want(model, 221);
			model->is_over = true;
		}
	}
}

/* Commands that only fit where there is no transaction. */
static bool is_out_of_order(struct model *model)
{
	if (model->has_lhlo && !model->has_mail)
		return false;
	bad(model, 503);
	return true;
}

static void add_xforward(struct model *model)
{
	bytes_append_text(&model->in, "XFORWARD NAME=c.test IDENT=4A\r\n");
	if (is_out_of_order(model))
		return;
	if (model->options->is_trusted)
		want(model, 250);
	else
		bad(model, 550);
}

static void add_xclient(struct model *model)
{
	bytes_append_text(&model->in, "XCLIENT NAME=c.test ADDR=192.0.2.1\r\n");
	if (model->has_mail) {
		bad(model, 503);
	} else if (!model->options->is_trusted) {
		bad(model, 550);
	} else {
		want(model, 220);
		model->has_lhlo = false;
	}
}

static void add_starttls(struct model *model)
{
	bytes_append_text(&model->in, "STARTTLS\r\n");
	if (is_out_of_order(model))
		return;
	if (!model->options->offers_tls || model->is_secure) {
		bad(model, 502);
		return;
	}
	want(model, 220);
	model->is_secure = true;
	model->has_lhlo = model->is_authenticated = false;
}

/* Whether the exchange begins. */
static bool may_authenticate(struct model *model)
{
	if (is_out_of_order(model))
		return false;
	if (model->options->mechanisms[0] != '\0' && !model->is_authenticated)
		return true;
	bad(model, model->is_authenticated ? 503 : 502);
	return false;
}

static void fail_auth(struct model *model)
{
	want(model, 535);
	if (++model->auth_failures < 3)
		return;
	want(model, 421);
	model->is_over = true;
}

static void add_auth(struct model *model)
{
	static const char *const responses[] = {"*", "eA==", "Z29vZA==", "x"};
	unsigned which = pick(4);
	bytes_append_text(&model->in, "AUTH PLAIN\r\n");
	bool has_begun = may_authenticate(model);
	if (model->is_over)
		return;
	bytes_appendf(&model->in, "%s\r\n", responses[which]);
	if (!has_begun) {
		bad(model, 500);
		return;
	}
	want(model, 334);
	if (which == 0)
		want(model, 501);
	else if (which == 1)
		fail_auth(model);
	else if (which == 3)
		bad(model, 501);
	else
		want(model, 235);
	model->is_authenticated = which == 2;
}

static void add_extension(struct model *model)
{
	static void (*const adds[])(struct model *) = {
	    add_xforward, add_xclient, add_starttls, add_auth};
	adds[pick(4)](model);
}

static void make_session(struct model *model)
{
	want(model, 220);
	if (pick(8) != 0) {
		bytes_append_text(&model->in, "LHLO c\r\n");
		want(model, 250);
		model->has_lhlo = true;
	}
	for (unsigned commands = 3 + pick(20); commands > 0 && !model->is_over; commands--) {
		unsigned what = pick(12);
		if (what < 3)
			add_mail(model);
		else if (what < 7)
			add_rcpt(model);
		else if (what < 8)
			add_data(model);
		else if (what < 10)
			add_chunk(model);
		else if (what < 11 && pick(2) == 0)
			add_extension(model);
		else
			add_other(model);
	}
}

static void read_codes(struct span replies, struct bytes *codes)
{
	struct span line;
	while (span_next_line(&replies, &line)) {
		ck_assert(line.len >= 5 && line.len < 512 && line.data[line.len - 1] == '\r');
		ck_assert(line.data[3] == ' ' || line.data[3] == '-');
		if (line.data[3] == ' ')
			bytes_append(codes, line.data, 4);
	}
}

static void run_in_pieces(struct talk *talk, const struct model *model, unsigned size)
{
	talk_start(talk, model->options);
	for (size_t at = 0; at < model->in.len && !talk->is_closed;) {
		size_t part = size == 0 ? 1 + pick(pick(4) == 0 ? 3 : 200) : size;
		part = part < model->in.len - at ? part : model->in.len - at;
		talk_feed(talk, model->in.data + at, part);
		at += part;
	}
}

static void compare(
    const struct model *model, const struct talk *talk, const char *what, uint64_t began)
{
	struct bytes codes = {0};
	read_codes(bytes_span(&talk->replies), &codes);
	ck_assert_msg(span_equals(bytes_span(&codes), bytes_span(&model->codes)) &&
	                  talk->is_closed == model->is_over,
	    "seed %llu, %s: %.*s instead of %.*s\n%.*s\n--\n%.*s", (unsigned long long)began, what,
	    (int)codes.len, codes.data, (int)model->codes.len, model->codes.data,
	    (int)model->in.len, model->in.data, (int)talk->replies.len, talk->replies.data);
	bytes_clear(&codes);
}

static void run_session(struct lmtp_options *options)
{
	struct model model = {.options = options};
	struct talk whole, cut;
	uint64_t began = seed;
	options->max_message_bytes = pick(3) == 0 ? 20 : 0;
	options->max_transactions = pick(4) == 0 ? 2 : 0;
	options->is_trusted = pick(2) == 0;
	options->offers_tls = pick(2) == 0;
	options->mechanisms = pick(2) == 0 ? "PLAIN" : "";
	make_session(&model);
	run_in_pieces(&whole, &model, (unsigned)model.in.len + 1);
	run_in_pieces(&cut, &model, pick(8) == 0 ? 1 : 0);
	compare(&model, &whole, "whole", began);
	compare(&model, &cut, "in pieces", began);
	ck_assert_msg(span_equals(bytes_span(&whole.replies), bytes_span(&cut.replies)) &&
	                  span_equals(bytes_span(&whole.events), bytes_span(&cut.events)),
	    "seed %llu: it matters how it is cut", (unsigned long long)began);
	bytes_clear(&model.in);
	bytes_clear(&model.codes);
	talk_clear(&whole);
	talk_clear(&cut);
}

START_TEST(every_session_has_its_replies)
{
	const char *wanted = getenv("LMTP_SESSIONS");
	long sessions = wanted == NULL ? 50000 : atol(wanted);
	struct lmtp_options options = talk_options();
	for (long i = 0; i < sessions; i++)
		run_session(&options);
}
END_TEST

UNIT_TESTS("lmtp sessions at random", every_session_has_its_replies)
