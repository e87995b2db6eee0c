/* Whole dialogues with the protocol machine: each row is also cut at every byte and fed one byte
 * at a time, and replies and events must be the same. */
#include "tests/unit/lmtp_client.h"
#include "tests/unit/unit.h"

#include "lmtp-bridge/lmtp_reply.h"

#include <stdio.h>
#include <string.h>

#define HI "LHLO c.test\r\n"
#define ME "MAIL FROM:<s@x>\r\n"
#define TO "RCPT TO:<a@x>\r\n"
#define OPEN HI ME TO "DATA\r\n"
#define R_LHLO                                                                       \
	"250-mx.test\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n" \
	"250-PIPELINING\r\n250-SMTPUTF8\r\n250-LIMITS RCPTMAX=5 MAILMAX=3\r\n250 SIZE\r\n"
#define R_HELLO "220 mx.test LMTP Ladle ready\r\n" R_LHLO
#define R_MAIL "250 2.1.0 OK\r\n"
#define R_RCPT "250 2.1.5 OK\r\n"
#define R_SAVED "250 2.0.0 <a@x> id1 Saved\r\n"
#define R_OK "250 2.0.0 OK\r\n"
#define R_READY "220 mx.test LMTP Ladle ready\r\n"
#define R_FIRST "503 5.5.1 MAIL needed first\r\n"
#define R_BEGUN "503 5.5.1 BDAT has begun the message\r\n"
#define R_OPEN R_HELLO R_MAIL R_RCPT "354 OK\r\n"

static const struct dialogue {
	const char *name;
	const char *in;
	const char *replies;
	const char *events;
} dialogues[] = {
    {"one message", OPEN "Subject: x\r\n\r\n..y\r\n.\r\nQUIT\r\n",
        R_OPEN R_SAVED "221 2.0.0 Bye\r\n",
        "RCPT a@x\nDATA\nSubject: x\r\n\r\n.y\r\nEND 1\nCLOSE\n"},
    {"an empty message", OPEN ".\r\nNOOP\r\n", R_OPEN R_SAVED "250 2.0.0 OK\r\n",
        "RCPT a@x\nDATA\nEND 1\n"},
    {"each recipient has its own reply",
        HI ME "RCPT TO:<late@x>\r\nRCPT TO:<no@x>\r\nRCPT TO:<full@x>\r\n"
              "RCPT TO:<reject@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nx\r\n.\r\n",
        R_HELLO R_MAIL R_RCPT
        "550 5.1.1 <no@x> User doesn't exist: no@x\r\n552 5.2.2 <full@x> Mailbox is full\r\n" R_RCPT
            R_RCPT "354 OK\r\n"
        "451 4.2.0 <late@x> Temporary trouble with the mailbox\r\n"
        "550-5.7.1 <reject@x> not\r\n550 5.7.1 wanted\r\n250 2.0.0 <b@x> id1 Saved\r\n",
        "RCPT late@x\nRCPT no@x\nRCPT full@x\nRCPT reject@x\nRCPT b@x\nDATA\nx\r\nEND 3\n"},
    {"a recipient named twice is delivered once and answered twice",
        HI ME TO "RCPT TO:<late@x>\r\n" TO "RCPT TO:<a@X>\r\nDATA\r\n.\r\n",
        R_HELLO R_MAIL R_RCPT R_RCPT R_RCPT R_RCPT
        "354 OK\r\n" R_SAVED
        "451 4.2.0 <late@x> Temporary trouble with the mailbox\r\n" R_SAVED R_SAVED,
        "RCPT a@x\nRCPT late@x\nDATA\nEND 2\n"},
    {"two transactions, the second reset", OPEN "x\r\n.\r\n" ME TO "RSET\r\nDATA\r\n",
        R_OPEN R_SAVED R_MAIL R_RCPT "250 2.0.0 OK\r\n503 5.5.1 No valid recipients\r\n",
        "RCPT a@x\nDATA\nx\r\nEND 1\nRCPT a@x\n"},
    {"DATA without recipients", HI ME "RCPT TO:<no@x>\r\nDATA\r\nRSET\r\n",
        R_HELLO R_MAIL "550 5.1.1 <no@x> User doesn't exist: no@x\r\n"
                       "503 5.5.1 No valid recipients\r\n250 2.0.0 OK\r\n",
        "RCPT no@x\n"},
    {"nothing before LHLO", "NOOP\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<a>\r\n" HI,
        "220 mx.test LMTP Ladle ready\r\n250 2.0.0 OK\r\n503 5.5.1 LHLO needed first\r\n"
        "250 2.0.0 OK\r\n503 5.5.1 LHLO needed first\r\n" R_LHLO,
        ""},
    {"out of order", HI TO ME ME "VRFY a\r\nHELP\r\n",
        R_HELLO "503 5.5.1 MAIL needed first\r\n" R_MAIL "503 5.5.1 MAIL already given\r\n"
                "252 2.3.3 Try RCPT to attempt delivery\r\n"
                "214 2.0.0 LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT, see RFC 2033\r\n",
        ""},
    {"SMTP clients and unknown words are told", "HELO x\r\nEHLO x\r\nHALO\r\n",
        "220 mx.test LMTP Ladle ready\r\n500 5.5.1 This is an LMTP server, use LHLO\r\n"
        "500 5.5.1 This is an LMTP server, use LHLO\r\n500 5.5.1 Unknown command\r\n",
        ""},
    {"too many bad commands end it", "A\r\nB\r\n\r\nC\r\nNOOP\r\n",
        "220 mx.test LMTP Ladle ready\r\n500 5.5.1 Unknown command\r\n"
        "500 5.5.1 Unknown command\r\n500 5.5.1 Unknown command\r\n"
        "500 5.5.1 Unknown command\r\n421 4.7.0 Too many bad commands\r\n",
        "CLOSE\n"},
    {"too many recipients", HI ME TO TO TO TO TO "RCPT TO:<b>\r\n",
        R_HELLO R_MAIL R_RCPT R_RCPT R_RCPT R_RCPT R_RCPT "452 4.5.3 Too many recipients\r\n",
        "RCPT a@x\n"},
    {"paths", HI "MAIL FROM: <>\r\nRCPT TO:<>\r\nRCPT TO:<\"a> b\"@x>\r\nRCPT TO:<@r:c@x>\r\n",
        R_HELLO R_MAIL "550 5.1.1 Unacceptable TO: Empty path not allowed\r\n" R_RCPT R_RCPT,
        "RCPT \"a> b\"@x\nRCPT c@x\n"},
    {"bad paths", HI "MAIL FROM:s@x\r\nMAIL TO:<s>\r\nMAIL FROM:<s\x01>\r\n",
        R_HELLO "501 5.5.4 Invalid FROM: path in angle brackets wanted\r\n"
                "501 5.5.4 Invalid parameters\r\n"
                "501 5.5.4 Invalid FROM: address contains a control character\r\n",
        ""},
    {"parameters", HI "MAIL FROM:<s@x> SIZE=12 body=8bitmime SMTPUTF8\r\n", R_HELLO R_MAIL, ""},
    {"parameters that were not offered", HI "MAIL FROM:<s> RET=HDRS\r\nMAIL FROM:<s> AUTH=<>\r\n",
        R_HELLO "555 5.5.4 Unsupported parameter\r\n555 5.5.4 Unsupported parameter\r\n", ""},
    {"parameters with bad values",
        HI
        "MAIL FROM:<s> SIZE=x\r\nMAIL FROM:<s> SIZE=1 SIZE=1\r\nMAIL FROM:<s> BODY=BINARYMIME\r\n",
        R_HELLO "501 5.5.4 Invalid SIZE parameter\r\n501 5.5.4 Invalid SIZE parameter\r\n"
                "501 5.5.4 Invalid BODY parameter\r\n",
        ""},
    {"UTF-8 in replies only when it was asked for",
        HI ME
        "RCPT TO:<no\xC3\xA4@x>\r\nRSET\r\nMAIL FROM:<s> SMTPUTF8\r\nRCPT TO:<no\xC3\xA4@x>\r\n",
        R_HELLO R_MAIL "550 5.1.1 <no?\?@x> User doesn't exist: no?\?@x\r\n250 2.0.0 OK\r\n" R_MAIL
                       "550 5.1.1 <no\xC3\xA4@x> User doesn't exist: no\xC3\xA4@x\r\n",
        "RCPT no\xC3\xA4@x\nRCPT no\xC3\xA4@x\n"},
    {"a bare LF in a command ends the connection", "NOOP\nRCPT TO:<a>\r\n",
        "220 mx.test LMTP Ladle ready\r\n500 5.5.2 Lines must end in CR LF\r\n", "CLOSE\n"},
    /* What other servers take for the end of data is text here. */
    {"LF . LF", OPEN "a\n.\nb\r\n.\r\n", R_OPEN R_SAVED, "RCPT a@x\nDATA\na\n.\nb\r\nEND 1\n"},
    {"LF . CRLF", OPEN "a\n.\r\nb\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\n.\r\nb\r\nEND 1\n"},
    {"CRLF . LF", OPEN "a\r\n.\nb\r\n.\r\n", R_OPEN R_SAVED, "RCPT a@x\nDATA\na\r\n\nb\r\nEND 1\n"},
    {"CR . CR", OPEN "a\r.\rb\r\n.\r\n", R_OPEN R_SAVED, "RCPT a@x\nDATA\na\r.\rb\r\nEND 1\n"},
    {"CRLF . CR", OPEN "a\r\n.\rb\r\n.\r\n", R_OPEN R_SAVED, "RCPT a@x\nDATA\na\r\n\rb\r\nEND 1\n"},
    {"CR . CRLF", OPEN "a\r.\r\nb\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\r.\r\nb\r\nEND 1\n"},
    {"CRLF . CR CR LF", OPEN "a\r\n.\r\r\nb\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\r\n\r\r\nb\r\nEND 1\n"},
    {"CR CRLF . CRLF is one", OPEN "a\r\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\r\r\nEND 1\n"},
    {"LF CR . CRLF", OPEN "a\n\r.\r\nb\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\n\r.\r\nb\r\nEND 1\n"},
    {"dots", OPEN "..\r\n...\r\n.a\r\nb.\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\n.\r\n..\r\na\r\nb.\r\nEND 1\n"},
    {"smuggled commands stay text", OPEN "a\n.\nMAIL FROM:<evil>\r\n.\r\n", R_OPEN R_SAVED,
        "RCPT a@x\nDATA\na\n.\nMAIL FROM:<evil>\r\nEND 1\n"},
    {"one chunk", HI ME TO "BDAT 3 LAST\r\na\r\nNOOP\r\n", R_HELLO R_MAIL R_RCPT R_SAVED R_OK,
        "RCPT a@x\nDATA\na\r\nEND 1\n"},
    {"chunks, the last one empty; nothing in them is looked at",
        HI ME TO "bdat 7\r\n\r\n.\r\n..BDAT 6\r\nQUIT\r\nBDAT 0 last\r\n",
        R_HELLO R_MAIL R_RCPT R_OK R_OK R_SAVED, "RCPT a@x\nDATA\n\r\n.\r\n..QUIT\r\nEND 1\n"},
    {"an empty message by chunk", HI ME TO "BDAT 0 LAST\r\n", R_HELLO R_MAIL R_RCPT R_SAVED,
        "RCPT a@x\nDATA\nEND 1\n"},
    {"the last chunk has a reply for each RCPT",
        HI ME TO "RCPT TO:<late@x>\r\nRCPT TO:<no@x>\r\n" TO "BDAT 1\r\nxBDAT 1 LAST\r\ny",
        R_HELLO R_MAIL R_RCPT R_RCPT
        "550 5.1.1 <no@x> User doesn't exist: no@x\r\n" R_RCPT R_OK R_SAVED
        "451 4.2.0 <late@x> Temporary trouble with the mailbox\r\n" R_SAVED,
        "RCPT a@x\nRCPT late@x\nRCPT no@x\nDATA\nxyEND 2\n"},
    {"chunks without recipients are taken and refused",
        HI ME "BDAT 6\r\nNOOP\r\nBDAT 2 LAST\r\n\r\nRSET\r\nBDAT 0 LAST\r\n",
        R_HELLO R_MAIL "503 5.5.1 No valid recipients\r\n503 5.5.1 No valid recipients\r\n" R_OK
                       "503 5.5.1 No valid recipients\r\n",
        ""},
    {"a chunk before LHLO", "BDAT 6\r\nQUIT\r\nNOOP\r\n",
        R_READY "503 5.5.1 LHLO needed first\r\n" R_OK, ""},
    {"RSET between chunks", HI ME TO "BDAT 1\r\nxRSET\r\n" ME TO "BDAT 1 LAST\r\ny",
        R_HELLO R_MAIL R_RCPT R_OK R_OK R_MAIL R_RCPT R_SAVED,
        "RCPT a@x\nDATA\nxRCPT a@x\nDATA\nyEND 1\n"},
    {"LHLO between chunks", HI ME TO "BDAT 1\r\nx" HI "BDAT 1 LAST\r\ny",
        R_HELLO R_MAIL R_RCPT R_OK R_LHLO "503 5.5.1 No valid recipients\r\n", "RCPT a@x\nDATA\nx"},
    {"nothing else fits between chunks",
        HI ME TO "BDAT 1\r\nxDATA\r\n" TO ME "NOOP\r\nBDAT 1 LAST\r\ny",
        R_HELLO R_MAIL R_RCPT R_OK R_BEGUN R_BEGUN R_BEGUN R_OK R_SAVED,
        "RCPT a@x\nDATA\nxyEND 1\n"},
    {"BDAT after DATA, and DATA after BDAT",
        OPEN ".\r\nBDAT 1 LAST\r\nx" ME TO "BDAT 0 LAST\r\n" ME TO "DATA\r\n.\r\n",
        R_OPEN R_SAVED "503 5.5.1 No valid recipients\r\n" R_MAIL R_RCPT R_SAVED R_MAIL R_RCPT
                       "354 OK\r\n" R_SAVED,
        "RCPT a@x\nDATA\nEND 1\nRCPT a@x\nDATA\nEND 1\nRCPT a@x\nDATA\nEND 1\n"},
    {"a chunk of unknown size ends it", HI ME TO "BDAT x\r\nNOOP\r\n",
        R_HELLO R_MAIL R_RCPT "501 5.5.4 Invalid BDAT\r\n", "RCPT a@x\nCLOSE\n"},
    {"BDAT alone", HI "BDAT\r\n", R_HELLO "501 5.5.4 Invalid BDAT\r\n", "CLOSE\n"},
    {"BDAT with more than LAST", HI "BDAT 1 LAST LAST\r\n", R_HELLO "501 5.5.4 Invalid BDAT\r\n",
        "CLOSE\n"},
    {"BDAT with a sign", HI "BDAT -1 LAST\r\n", R_HELLO "501 5.5.4 Invalid BDAT\r\n", "CLOSE\n"},
    {"what a client pipelines behind a refused MAIL is no bad command",
        HI "MAIL FROM:<s> X=1\r\n" TO TO TO TO TO "DATA\r\nNOOP\r\n",
        R_HELLO "555 5.5.4 Unsupported parameter\r\n" R_FIRST R_FIRST R_FIRST R_FIRST R_FIRST
                "503 5.5.1 No valid recipients\r\n" R_OK,
        ""},
    {"too many messages end it", OPEN ".\r\n" ME "RSET\r\n" ME "RSET\r\n" ME "NOOP\r\n",
        R_OPEN R_SAVED R_MAIL R_OK R_MAIL R_OK "421 4.5.3 Too many messages, connect again\r\n",
        "RCPT a@x\nDATA\nEND 1\nCLOSE\n"},
};
#define DIALOGUE_COUNT ((int)(sizeof(dialogues) / sizeof(dialogues[0])))

static void expect(const struct dialogue *row, const struct talk *talk, const char *how)
{
	struct span replies = span_of(row->replies);
	struct span events = span_of(row->events);
	ck_assert_msg(span_equals(bytes_span(&talk->replies), replies), "%s, %s: replies\n%.*s",
	    row->name, how, (int)talk->replies.len, talk->replies.data);
	ck_assert_msg(span_equals(bytes_span(&talk->events), events), "%s, %s: events\n%.*s",
	    row->name, how, (int)talk->events.len, talk->events.data);
}

static void run(const struct dialogue *row, size_t cut, size_t step, const char *how)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	size_t len = strlen(row->in);
	options.max_transactions = 3;
	talk_start(&talk, &options);
	for (size_t at = 0; at < len && !talk.is_closed;) {
		size_t part = at < cut ? cut - at : step;
		part = part < len - at ? part : len - at;
		talk_feed(&talk, row->in + at, part);
		at += part;
	}
	expect(row, &talk, how);
	talk_clear(&talk);
}

START_TEST(dialogues_are_the_same_however_they_are_cut)
{
	const struct dialogue *row = &dialogues[_i];
	size_t len = strlen(row->in);
	run(row, 0, len, "whole");
	run(row, 0, 1, "byte by byte");
	for (size_t cut = 1; cut < len; cut++)
		run(row, cut, len, "cut");
}
END_TEST

static void test_dialogues(TCase *tc)
{
	tcase_add_loop_test(tc, dialogues_are_the_same_however_they_are_cut, 0, DIALOGUE_COUNT);
}

/* NUL, 8-bit and very long lines, which the rows cannot hold. */
START_TEST(any_byte_is_text)
{
	struct lmtp_options options = talk_options();
	struct bytes text = {0};
	struct talk talk;
	for (int i = 0; i < 70000; i++)
		bytes_append_byte(&text, (char)(i % 256 == '\r' ? 'r' : i % 256));
	talk_start(&talk, &options);
	talk_feed(&talk, OPEN, strlen(OPEN));
	bytes_reset(&talk.events);
	talk_feed(&talk, text.data, text.len);
	ck_assert(span_equals(bytes_span(&talk.events), bytes_span(&text)));
	talk_feed(&talk, "\r\n.\r\n", 5);
	ck_assert(talk.replies.len > strlen(R_SAVED));
	ck_assert_mem_eq(
	    talk.replies.data + talk.replies.len - strlen(R_SAVED), R_SAVED, strlen(R_SAVED));
	bytes_clear(&text);
	talk_clear(&talk);
}
END_TEST

START_TEST(a_long_line_is_refused_and_forgotten)
{
	struct lmtp_options options = talk_options();
	struct bytes line = {0};
	for (size_t step = 1; step < 9000; step = step * 3) {
		struct talk talk;
		bytes_reset(&line);
		bytes_append_text(&line, "NOOP ");
		for (int i = 0; i < 9000; i++)
			bytes_append_byte(&line, 'x');
		bytes_append_text(&line, "\r\nNOOP\r\n");
		talk_start(&talk, &options);
		for (size_t at = 0; at < line.len; at += step)
			talk_feed(
			    &talk, line.data + at, step < line.len - at ? step : line.len - at);
		ck_assert(span_is(bytes_span(&talk.replies),
		    "220 mx.test LMTP Ladle ready\r\n500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n"));
		talk_clear(&talk);
	}
	bytes_clear(&line);
}
END_TEST

START_TEST(too_much_text_is_dropped_and_told)
{
	struct lmtp_options options = talk_options();
	const char *in = HI "MAIL FROM:<> SIZE=11\r\n" ME TO "DATA\r\n0123456789\r\n.\r\n";
	options.max_message_bytes = 10;
	for (size_t step = 1; step < 100; step += 7) {
		struct talk talk;
		talk_start(&talk, &options);
		for (size_t at = 0; at < strlen(in); at += step)
			talk_feed(&talk, in + at, step < strlen(in) - at ? step : strlen(in) - at);
		ck_assert(span_is(
		    bytes_span(&talk.events), "RCPT a@x\nDATA\n0123456789TOO LARGE\nEND 1\n"));
		bytes_terminate(&talk.replies);
		ck_assert_ptr_nonnull(
		    strstr(talk.replies.data, "250 SIZE 10\r\n552 5.2.3 Message size exceeds "
		                              "administrative limit\r\n" R_MAIL));
		talk_clear(&talk);
	}
}
END_TEST

START_TEST(too_large_by_chunks_is_told_at_once)
{
	struct lmtp_options options = talk_options();
	const char *in = HI ME TO TO "BDAT 10\r\n0123456789BDAT 1\r\nxBDAT 1\r\nyBDAT 0 LAST\r\n";
	options.max_message_bytes = 10;
	for (size_t step = 1; step < 100; step += 7) {
		struct talk talk;
		talk_start(&talk, &options);
		for (size_t at = 0; at < strlen(in); at += step)
			talk_feed(&talk, in + at, step < strlen(in) - at ? step : strlen(in) - at);
		ck_assert(span_is(
		    bytes_span(&talk.events), "RCPT a@x\nDATA\n0123456789TOO LARGE\nEND 1\n"));
		bytes_terminate(&talk.replies);
		ck_assert_ptr_nonnull(strstr(talk.replies.data, R_RCPT R_RCPT R_OK
		    "552 5.2.3 Message size exceeds administrative limit\r\n"
		    "552 5.2.3 Message size exceeds administrative limit\r\n" R_SAVED R_SAVED));
		talk_clear(&talk);
	}
}
END_TEST

/* -- TLS and AUTH ---------------------------------------------------------------------------- */

#define R_TLS "220 2.0.0 Ready to start TLS\r\n"
#define R_AUTH "235 2.7.0 Authentication succeeded\r\n"
#define R_WHO "334 d2hvPw==\r\n"
#define R_BAD "535 5.7.8 Authentication failed\r\n"
#define GOOD "Z29vZA=="
#define MORE "bW9yZQ=="

/* The greeting and the extensions are not part of these rows. */
static const struct secure_row {
	const char *name;
	bool needs_tls, needs_auth;
	const char *in;
	const char *replies;
	const char *events;
} secure_rows[] = {
    {"STARTTLS forgets LHLO", false, false, HI "STARTTLS\r\n" ME HI ME,
        R_TLS "503 5.5.1 LHLO "
              "needed first\r\n" R_MAIL,
        "TLS\n"},
    {"STARTTLS before LHLO, within a transaction, with an argument, twice", false, false,
        "STARTTLS\r\n" HI "STARTTLS x\r\n" ME "STARTTLS\r\nRSET\r\nSTARTTLS\r\n" HI "STARTTLS\r\n",
        "503 5.5.1 LHLO needed first\r\n501 5.5.4 No argument wanted\r\n" R_MAIL
        "503 5.5.1 Not within a transaction\r\n" R_OK R_TLS
        "502 5.5.1 TLS is not offered\r\n421 4.7.0 Too many bad commands\r\n",
        "TLS\nCLOSE\n"},
    {"no mail before TLS where it is needed", true, false, HI ME TO "STARTTLS\r\n" HI ME,
        "430 4.7.0 Must issue a STARTTLS command first\r\n" R_FIRST R_TLS R_MAIL, "TLS\n"},
    {"no mail before AUTH where it is needed", false, true, HI ME "AUTH PLAIN " GOOD "\r\n" ME,
        "430 4.7.0 Authentication required\r\n" R_AUTH R_MAIL, "AUTH PLAIN:good\n"},
    {"AUTH is forgotten by TLS", false, true, HI "AUTH PLAIN " GOOD "\r\nSTARTTLS\r\n" HI ME,
        R_AUTH R_TLS "430 4.7.0 Authentication required\r\n", "AUTH PLAIN:good\nTLS\n"},
    {"AUTH in steps", false, true, HI "auth login\r\n" MORE "\r\n" GOOD "\r\n" ME,
        R_WHO R_WHO R_AUTH R_MAIL, "AUTH LOGIN\nAUTH :more\nAUTH :good\n"},
    {"an empty response is one", false, true, HI "AUTH PLAIN =\r\nAUTH LOGIN\r\n\r\n",
        R_BAD R_WHO R_BAD, "AUTH PLAIN:\nAUTH LOGIN\nAUTH :\n"},
    {"AUTH cancelled; what follows is a command", false, true,
        HI "AUTH LOGIN\r\n*\r\nNOOP\r\nAUTH LOGIN\r\nNOOP\r\n*\r\n",
        R_WHO "501 5.7.0 Authentication cancelled\r\n" R_OK R_WHO R_BAD
              "500 5.5.1 Unknown command\r\n",
        "AUTH LOGIN\nAUTH LOGIN\nAUTH :4\xE3\x8F\n"},
    {"no base 64", false, true, HI "AUTH PLAIN x\r\nAUTH LOGIN\r\nx y\r\nNOOP\r\n",
        "501 5.5.2 Not base 64\r\n" R_WHO "501 5.5.2 Not base 64\r\n" R_OK, "AUTH LOGIN\n"},
    {"an unknown mechanism, AUTH within a transaction and AUTH again", false, false,
        HI "AUTH CRAM-MD5\r\n" ME "AUTH PLAIN\r\nRSET\r\nAUTH PLAIN " GOOD "\r\nAUTH PLAIN\r\n",
        "504 5.5.4 This mechanism is not offered\r\n" R_MAIL
        "503 5.5.1 Not within a transaction\r\n" R_OK R_AUTH "503 5.5.1 Authenticated already\r\n",
        "AUTH PLAIN:good\n"},
    {"our trouble is temporary", false, true, HI "AUTH PLAIN bGF0ZXI=\r\n" ME,
        "454 4.7.0 Cannot authenticate now\r\n430 4.7.0 Authentication required\r\n",
        "AUTH PLAIN:later\n"},
    {"three failures end it", false, true,
        HI "AUTH PLAIN eA==\r\nAUTH PLAIN eA==\r\nAUTH PLAIN eA==\r\nNOOP\r\n",
        R_BAD R_BAD R_BAD "421 4.7.0 Too many failures\r\n",
        "AUTH PLAIN:x\nAUTH PLAIN:x\nAUTH PLAIN:x\nCLOSE\n"},
    {"MAIL with AUTH", false, false,
        HI
        "MAIL FROM:<> AUTH=<>\r\nRSET\r\nMAIL FROM:<> AUTH=a+40b\r\nRSET\r\nMAIL FROM:<> AUTH=\r\n",
        R_MAIL R_OK R_MAIL R_OK "501 5.5.4 Invalid AUTH parameter\r\n", ""},
};

static void run_secure(const struct secure_row *row, size_t step)
{
	struct lmtp_options options = talk_options();
	struct bytes seen = {0};
	struct talk talk;
	struct span rest, line;
	size_t len = strlen(row->in);
	options.offers_tls = true;
	options.needs_tls = row->needs_tls;
	options.needs_auth = row->needs_auth;
	options.mechanisms = "PLAIN LOGIN";
	talk_start(&talk, &options);
	for (size_t at = 0; at < len && !talk.is_closed; at += step)
		talk_feed(&talk, row->in + at, step < len - at ? step : len - at);
	rest = bytes_span(&talk.replies);
	while (span_next_line(&rest, &line)) {
		if (line.data[3] == '-' || span_is(line, "250 SIZE\r") ||
		    span_starts_with(line, "220 mx"))
			continue;
		bytes_append_span(&seen, line);
		bytes_append_byte(&seen, '\n');
	}
	ck_assert_msg(span_is(bytes_span(&seen), row->replies), "%s: replies\n%.*s", row->name,
	    (int)seen.len, seen.data);
	ck_assert_msg(span_is(bytes_span(&talk.events), row->events), "%s: events\n%.*s", row->name,
	    (int)talk.events.len, talk.events.data);
	bytes_clear(&seen);
	talk_clear(&talk);
}

START_TEST(tls_and_auth)
{
	for (size_t i = 0; i < sizeof(secure_rows) / sizeof(secure_rows[0]); i++) {
		run_secure(&secure_rows[i], strlen(secure_rows[i].in));
		run_secure(&secure_rows[i], 1);
		run_secure(&secure_rows[i], 7);
	}
}
END_TEST

/* RFC 4954 4: 12288 octets. */
START_TEST(a_response_may_be_long)
{
	struct lmtp_options options = talk_options();
	options.mechanisms = "PLAIN";
	for (int extra = 0; extra < 2; extra++) {
		struct talk talk;
		struct bytes line = {0};
		talk_start(&talk, &options);
		bytes_append_text(&line, HI "AUTH PLAIN\r\n");
		for (int i = 0; i < 12288 / 4 + extra; i++)
			bytes_append_text(&line, "AAAA");
		bytes_append_text(&line, "\r\nNOOP\r\n");
		talk_feed(&talk, line.data, line.len);
		bytes_terminate(&talk.replies);
		ck_assert_ptr_nonnull(strstr(talk.replies.data,
		    extra ? R_WHO "500 5.5.2 Line too long\r\n" R_OK : R_WHO R_BAD R_OK));
		bytes_clear(&line);
		talk_clear(&talk);
	}
}
END_TEST

START_TEST(received_says_how_it_came)
{
	struct lmtp_options options = talk_options();
	struct talk talk;
	const char *in = HI "STARTTLS\r\n" HI "AUTH PLAIN " GOOD "\r\n" ME;
	options.offers_tls = true;
	options.mechanisms = "PLAIN";
	talk_start(&talk, &options);
	talk_feed(&talk, in, strlen(in));
	ck_assert(span_is(lmtp_envelope(talk.lmtp)->protocol, "LMTPSA"));
	talk_clear(&talk);
}
END_TEST

/* -- DSN ------------------------------------------------------------------------------------- */

static const struct dsn_row {
	const char *parameters;
	bool is_good;
	unsigned notify;
	const char *original;
	const char *orcpt;
} dsn_rows[] = {
    {"NOTIFY=SUCCESS,delay", true, ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY, NULL, NULL},
    {"NOTIFY=NEVER", true, ENVELOPE_NOTIFY_NEVER, NULL, NULL},
    {"NOTIFY=NEVER,SUCCESS", false, 0, NULL, NULL},
    {"NOTIFY=", false, 0, NULL, NULL},
    {"NOTIFY", false, 0, NULL, NULL},
    {"ORCPT=rfc822;al+2Bias@example.org", true, 0, "al+ias@example.org",
        "rfc822;al+2Bias@example.org"},
    {"orcpt=RFC822;a@b NOTIFY=FAILURE", true, ENVELOPE_NOTIFY_FAILURE, "a@b", "RFC822;a@b"},
    {"ORCPT=utf-8;m\\x{FC}ller@b", true, 0, "m\xC3\xBCller@b", "utf-8;m\\x{FC}ller@b"},
    {"ORCPT=utf-8;m\xC3\xBCller@b", true, 0, "m\xC3\xBCller@b", "utf-8;m\xC3\xBCller@b"},
    {"ORCPT=x400;c=us", false, 0, NULL, NULL},
    {"ORCPT=x400;c+3Dus", true, 0, NULL, "x400;c+3Dus"},
    {"ORCPT=rfc822;a+0Ab", true, 0, NULL, "rfc822;a+0Ab"},
    {"ORCPT=rfc822;a+2b", false, 0, NULL, NULL},
    {"ORCPT=rfc822;a+2", false, 0, NULL, NULL},
    {"ORCPT=rfc822;", false, 0, NULL, NULL},
    {"ORCPT=rfc822", false, 0, NULL, NULL},
    {"ORCPT=utf-8;\\x{}", false, 0, NULL, NULL},
    {"ORCPT=utf-8;\\x{1234567}", false, 0, NULL, NULL},
    {"ORCPT=rfc822;a ORCPT=rfc822;a", false, 0, NULL, NULL},
    /* It is said again to servers behind us: nothing in it may end a line or a word there. */
    {"ORCPT=utf-8;a\rRSET", false, 0, NULL, NULL},
    {"ORCPT=utf-8;a\tb", false, 0, NULL, NULL},
    {"ORCPT=utf-8;a\x7F", false, 0, NULL, NULL},
    {"ORCPT=utf-8;a\xC3(", false, 0, NULL, NULL},
    {"ORCPT=rfc\r822;a@b", false, 0, NULL, NULL},
    {"ORCPT=rfc\xC3\xBC;a@b", false, 0, NULL, NULL},
};

static bool is_text(struct span a, const char *wanted)
{
	return wanted == NULL ? a.data == NULL : span_is(a, wanted);
}

START_TEST(dsn_parameters_are_decoded)
{
	struct lmtp_options options = talk_options();
	options.has_dsn = true;
	for (size_t i = 0; i < sizeof(dsn_rows) / sizeof(dsn_rows[0]); i++) {
		const struct dsn_row *row = &dsn_rows[i];
		struct arena *arena = arena_new();
		struct lmtp_command command;
		struct lmtp_reply why;
		struct span line = arena_spanf(arena, "RCPT TO:<a> %s", row->parameters);
		bool is_good =
		    lmtp_command_parse(arena, line, LMTP_STATE_MAIL, &options, &command, &why);
		ck_assert_msg(is_good == row->is_good, "%s", row->parameters);
		if (is_good) {
			const struct envelope_recipient *got = &command.recipient;
			ck_assert_msg(got->notify == row->notify, "%s", row->parameters);
			ck_assert_msg(
			    is_text(got->original.text, row->original), "%s", row->parameters);
			ck_assert_msg(is_text(got->orcpt, row->orcpt), "%s", row->parameters);
		}
		arena_free(&arena);
	}
}
END_TEST

START_TEST(the_envelope_is_kept_until_the_end)
{
	struct lmtp_options options = talk_options();
	const char *in =
	    "LHLO odd(name)\r\nMAIL FROM:<s@x> SIZE=7 RET=HDRS ENVID=q+2B1 SMTPUTF8\r\n"
	    "RCPT TO:<a@x> ORCPT=rfc822;o@x\r\nNOOP\r\n";
	struct talk talk;
	size_t count;
	options.has_dsn = true;
	options.client_address = SPAN("192.0.2.1");
	talk_start(&talk, &options);
	talk_feed(&talk, in, strlen(in));
	const struct envelope *envelope = lmtp_envelope(talk.lmtp);
	const struct envelope_recipient *recipients = lmtp_recipients(talk.lmtp, &count);
	ck_assert(span_is(envelope->sender.text, "s@x"));
	ck_assert(span_is(envelope->envid, "q+1"));
	ck_assert(span_is(envelope->client_name, "odd?name?"));
	ck_assert(span_is(envelope->client_address, "192.0.2.1"));
	ck_assert(span_is(envelope->protocol, "UTF8LMTP"));
	ck_assert_int_eq(envelope->ret, ENVELOPE_RET_HDRS);
	ck_assert_uint_eq(envelope->size_bytes, 7);
	ck_assert_uint_eq(count, 1);
	ck_assert(span_is(recipients[0].original.text, "o@x"));
	ck_assert(!lmtp_is_idle(talk.lmtp));
	talk_feed(&talk, "RSET\r\n", 6);
	ck_assert(lmtp_is_idle(talk.lmtp));
	talk_clear(&talk);
}
END_TEST

/* -- replies --------------------------------------------------------------------------------- */

START_TEST(long_replies_become_lines)
{
	struct bytes text = {0};
	struct bytes out = {0};
	for (size_t len = 0; len < 2100; len += 37) {
		for (int has_blanks = 0; has_blanks < 2; has_blanks++) {
			bytes_reset(&text);
			bytes_reset(&out);
			for (size_t i = 0; i < len; i++)
				bytes_append_text(
				    &text, has_blanks && i % 9 == 0 ? " " : "\xC3\xA4");
			lmtp_reply_append(&out, 550, "5.7.1", bytes_span(&text), true);
			struct span rest = bytes_span(&out);
			struct span line;
			struct bytes joined = {0};
			while (span_next_line(&rest, &line)) {
				ck_assert_uint_lt(line.len, LMTP_REPLY_LINE_MAX);
				ck_assert(
				    span_starts_with(line, rest.len ? "550-5.7.1 " : "550 5.7.1 "));
				ck_assert_int_eq(line.data[line.len - 1], '\r');
				bytes_append(&joined, line.data + 10, line.len - 11);
			}
			ck_assert(span_equals(bytes_span(&joined), bytes_span(&text)));
			bytes_clear(&joined);
		}
	}
	bytes_clear(&text);
	bytes_clear(&out);
}
END_TEST

START_TEST(goodbyes_are_421)
{
	static const struct {
		enum lmtp_goodbye why;
		const char *said;
	} rows[] = {
	    {LMTP_GOODBYE_TIMEOUT, "421 4.4.2 Timed out waiting for the client\r\n"},
	    {LMTP_GOODBYE_SHUTDOWN, "421 4.3.2 Shutting down\r\n"},
	    {LMTP_GOODBYE_AGE, "421 4.3.2 This session has lasted long enough, connect again\r\n"},
	};
	struct lmtp_options options = talk_options();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk;
		talk_start(&talk, &options);
		lmtp_close(talk.lmtp, rows[i].why);
		talk_feed(&talk, "NOOP\r\n", 6);
		struct span said = bytes_span(&talk.replies);
		ck_assert(span_starts_with(said, "220 "));
		ck_assert(span_is(span_from(said, span_find(said, '\n') + 1), rows[i].said));
		ck_assert(talk.is_closed);
		talk_clear(&talk);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lmtp protocol");
	TCase *tc = tcase_create("lmtp");
	test_dialogues(tc);
	tcase_add_test(tc, any_byte_is_text);
	tcase_add_test(tc, a_long_line_is_refused_and_forgotten);
	tcase_add_test(tc, too_much_text_is_dropped_and_told);
	tcase_add_test(tc, too_large_by_chunks_is_told_at_once);
	tcase_add_test(tc, tls_and_auth);
	tcase_add_test(tc, a_response_may_be_long);
	tcase_add_test(tc, received_says_how_it_came);
	tcase_add_test(tc, dsn_parameters_are_decoded);
	tcase_add_test(tc, the_envelope_is_kept_until_the_end);
	tcase_add_test(tc, long_replies_become_lines);
	tcase_add_test(tc, goodbyes_are_421);
	tcase_set_timeout(tc, 300);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
