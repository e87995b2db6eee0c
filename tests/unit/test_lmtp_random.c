/* Random pipelined sessions: what a client may send in any order, cut anywhere. A simple count
 * kept beside the machine knows how many replies RFC 2033 wants: one for each command, and after
 * the text one for each RCPT that was accepted. LMTP_SESSIONS in the environment sets how many. */
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

/* What the count knows of the session. */
struct count {
	struct bytes in;
	size_t replies; /* wanted */
	size_t accepted;
	unsigned bad;
	bool has_lhlo, has_mail, is_over;
	size_t max_recipients;
	unsigned max_bad;
};

static void bad(struct count *count)
{
	count->replies++;
	if (++count->bad > count->max_bad) {
		count->replies++; /* 421 */
		count->is_over = true;
	}
}

static void add_mail(struct count *count)
{
	static const char *const senders[] = {
	    "<>", "<s@x>", "<s@x> SIZE=5", "<\"q q\"@x> BODY=7BIT"};
	bytes_appendf(&count->in, "mAIL FROM:%s\r\n", senders[pick(4)]);
	if (!count->has_lhlo || count->has_mail) {
		bad(count);
		return;
	}
	count->has_mail = true;
	count->replies++;
}

static void add_rcpt(struct count *count)
{
	static const char *const names[] = {"a", "b", "no", "full", "late", "reject", "c@x"};
	const char *name = names[pick(7)];
	bytes_appendf(&count->in, "RCPT TO:<%s>\r\n", name);
	if (!count->has_mail) {
		bad(count);
		return;
	}
	count->replies++;
	if (strcmp(name, "no") != 0 && strcmp(name, "full") != 0 &&
	    count->accepted < count->max_recipients)
		count->accepted++;
}

static void add_data(struct count *count)
{
	static const char *const pieces[] = {"\r\n", "\r", "\n", "..", "x", "\n.\n", "\n.\r\n",
	    "\r.\r", "QUIT\r\n", "\r\n..\r\n", "\r\n..\n", "\r\r\n", "\xC3\xA4",
	    "MAIL FROM:<>\r\n"};
	count->replies++;
	bytes_append_text(&count->in, "DATA\r\n");
	if (count->accepted == 0)
		return;
	bytes_append_text(&count->in, "S: x\r\n");
	for (unsigned i = pick(12); i > 0; i--) {
		const char *piece = pieces[pick(14)];
		struct span so_far = bytes_span(&count->in);
		bool is_line_start =
		    so_far.len > 1 && memcmp(so_far.data + so_far.len - 2, "\r\n", 2) == 0;
		/* As a client stuffs. */
		if (is_line_start && piece[0] == '.' && piece[1] != '.')
			bytes_append_byte(&count->in, '.');
		/* "\n.\r\n" behind a CR would be the end. */
		if (so_far.data[so_far.len - 1] == '\r' && piece[0] == '\n')
			bytes_append_byte(&count->in, 'y');
		bytes_append_text(&count->in, piece);
	}
	bytes_append_text(&count->in, "z\r\n.\r\n");
	count->replies += count->accepted;
	count->accepted = 0;
	count->has_mail = false;
	count->bad = 0;
}

static void reset(struct count *count)
{
	count->has_mail = false;
	count->accepted = 0;
	count->replies++;
}

static void add_other(struct count *count)
{
	switch (pick(8)) {
	case 0:
		bytes_append_text(&count->in, "LHLO c\r\n");
		count->has_lhlo = true;
		reset(count);
		break;
	case 1:
		bytes_append_text(&count->in, "RSET\r\n");
		reset(count);
		break;
	case 2:
		bytes_append_text(&count->in, "NOOP x\r\n");
		count->replies++;
		break;
	case 3:
		bytes_append_text(&count->in, "VRFY x\r\n");
		count->replies++;
		break;
	case 4:
		bytes_append_text(&count->in, "HELO x\r\n");
		bad(count);
		break;
	case 5:
		bytes_append_text(&count->in, "MAIL FROM:<x> X=y\r\n");
		bad(count);
		break;
	case 6:
		bytes_append_text(&count->in, "RCPT TO:x\r\n");
		bad(count);
		break;
	default:
		if (pick(6) == 0) {
			bytes_append_text(&count->in, "QUIT\r\n");
			count->replies++;
			count->is_over = true;
		}
	}
}

static void make_session(struct count *count)
{
	count->replies = 1;
	if (pick(8) != 0) {
		bytes_append_text(&count->in, "LHLO c\r\n");
		count->replies++;
		count->has_lhlo = true;
	}
	for (unsigned commands = 3 + pick(20); commands > 0 && !count->is_over; commands--) {
		unsigned what = pick(10);
		if (what < 3)
			add_mail(count);
		else if (what < 7)
			add_rcpt(count);
		else if (what < 8)
			add_data(count);
		else
			add_other(count);
	}
}

static size_t count_replies(struct span out)
{
	size_t replies = 0;
	struct span line;
	while (span_next_line(&out, &line)) {
		ck_assert(line.len >= 5 && line.len < 512 && line.data[line.len - 1] == '\r');
		ck_assert(line.data[0] >= '2' && line.data[0] <= '5');
		replies += line.data[3] == ' ';
	}
	return replies;
}

START_TEST(every_session_has_its_replies)
{
	const char *wanted = getenv("LMTP_SESSIONS");
	long sessions = wanted == NULL ? 100000 : atol(wanted);
	struct lmtp_options options = talk_options();
	for (long i = 0; i < sessions; i++) {
		struct count count = {.max_recipients = options.max_recipients,
		    .max_bad = (unsigned)options.max_bad_commands};
		struct talk talk;
		uint64_t began = seed;
		make_session(&count);
		talk_start(&talk, &options);
		for (size_t at = 0; at < count.in.len;) {
			size_t part = 1 + pick(pick(4) == 0 ? 3 : 200);
			part = part < count.in.len - at ? part : count.in.len - at;
			if (!talk.is_closed)
				talk_feed(&talk, count.in.data + at, part);
			at += part;
		}
		size_t got = count_replies(bytes_span(&talk.replies));
		ck_assert_msg(got == count.replies && talk.is_closed == count.is_over,
		    "seed %llu: %zu replies instead of %zu\n%.*s\n--\n%.*s",
		    (unsigned long long)began, got, count.replies, (int)count.in.len, count.in.data,
		    (int)talk.replies.len, talk.replies.data);
		bytes_clear(&count.in);
		talk_clear(&talk);
	}
}
END_TEST

UNIT_TESTS("lmtp sessions at random", every_session_has_its_replies)
