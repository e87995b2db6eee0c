#include "mail/html_text.h"
#include "mail/mime.h"
#include "mail/mime_text.h"
#include "mail/mime_value.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/resource.h>

static struct status status;

static struct spool *spool_with(struct span text)
{
	struct spool *spool = spool_new("/tmp");
	ck_assert(spool_append(spool, text.data, text.len, &status));
	ck_assert(spool_finish(spool, &status));
	return spool;
}

/* "kind depth type/subtype [body]" of each part: "M" multipart, "R" message, "-" neither. */
static void describe(struct arena *arena, const struct message *message, struct bytes *to)
{
	struct mime_tree tree;
	ck_assert(mime_parse(arena, message, &tree, &status));
	for (size_t i = 0; i < tree.count; i++) {
		const struct mime_part *part = &tree.parts[i];
		struct bytes body = {0};
		uint64_t end = part->kind == MIME_MULTIPART ? part->prologue_end : part->body_end;
		if (part->kind != MIME_MESSAGE)
			ck_assert(mime_text_raw(message, part->body_start, end, &body, &status));
		bytes_appendf(to, "%c%u %.*s/%.*s [%.*s]\n", "-MR"[part->kind], part -> depth,
		    (int)part -> type.len, part->type.data, (int)part->subtype.len,
		    part->subtype.data, (int)body.len, body.data == NULL ? "" : body.data);
		bytes_clear(&body);
	}
}

START_TEST(parts_are_found)
{
	static const struct {
		const char *text, *parts;
	} rows[] = {
	    {"A: b\n\nbody\n", "-0 text/plain [body\r\n]\n"},
	    {"A: b", "-0 text/plain []\n"},
	    {"", "-0 text/plain []\n"},
	    {"Content-Type: Multipart/X; boundary=b\n\npro\n--b\n\none\n--b "
	     "\t\n\n--b--\nepi\n--b\n\nno",
	        "M0 multipart/x [pro]\n-1 text/plain [one]\n-1 text/plain []\n"},
	    {"Content-Type: multipart/x; boundary=\"b \"\n\n--b\nContent-Type: a/b\n--b\n--b--",
	        "M0 multipart/x []\n-1 a/b []\n-1 text/plain []\n"},
	    /* a line that is no field in the header of a part, and no end of it */
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nno field\nContent-Type: "
	     "a/b\n\nbody\n--b\n"
	     "A: b\nno field\n--b--\n",
	        "M0 multipart/x []\n-1 a/b [body]\n-1 text/plain []\n"},
	    /* the outer boundary ends inner parts, longer ones are others */
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: multipart/y; "
	     "boundary=bb\n\n"
	     "--bb\n\n--bbb\n--b--x\n--b\n\nlast",
	        "M0 multipart/x []\nM1 multipart/y []\n-2 text/plain [--bbb\r\n--b--x]\n"
	        "-1 text/plain [last]\n"},
	    /* one boundary for both: the innermost takes it */
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: multipart/y; "
	     "boundary=b\n\n"
	     "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
	        "M0 multipart/x []\nM1 multipart/y []\n-2 text/plain [one]\n-1 text/plain [two]\n"},
	    {"Content-Type: message/rfc822\n\nA: b\nContent-Type: c/d\n\nbody",
	        "R0 message/rfc822 []\n-1 c/d [body]\n"},
	    {"Content-Type: message/rfc822\n\nno header",
	        "R0 message/rfc822 []\n-1 text/plain []\n"},
	    {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYg==",
	        "-0 message/rfc822 [QTogYg==]\n"},
	    {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nbody\n--b--",
	        "M0 multipart/digest []\nR1 message/rfc822 []\n-2 text/plain [body]\n"},
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: message/rfc822\n--b--",
	        "M0 multipart/x []\nR1 message/rfc822 []\n-2 text/plain []\n"},
	    {"Content-Type: multipart/mixed\n\nbody", "-0 multipart/mixed [body]\n"},
	    {"Content-Type: text\n\nbody", "-0 text/plain [body]\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct spool *spool = spool_with(span_of(rows[i].text));
		struct message message;
		struct bytes parts = {0};
		ck_assert(message_open(arena, spool, &message, &status));
		describe(arena, &message, &parts);
		ck_assert_msg(span_is(bytes_span(&parts), rows[i].parts), "row %zu: %s", i,
		    bytes_terminate(&parts));
		bytes_clear(&parts);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

/* Lines that are cut by the reader's buffer anywhere are the same lines. */
START_TEST(a_boundary_is_found_wherever_it_lies)
{
	for (size_t filler = 32768 - 80; filler < 32768 + 8; filler++) {
		struct arena *arena = arena_new();
		struct bytes text = {0};
		struct message message;
		struct mime_tree tree;
		bytes_append_text(
		    &text, "Content-Type: multipart/x; boundary=bound\n\n--bound\n\n");
		for (size_t i = 0; i < filler; i++)
			bytes_append_byte(&text, 'x');
		bytes_append_text(&text, "\n--bound\nContent-Type: a/b\n\nlast\n--bound--\n");
		struct spool *spool = spool_with(bytes_span(&text));
		ck_assert(message_open(arena, spool, &message, &status));
		ck_assert(mime_parse(arena, &message, &tree, &status));
		ck_assert_uint_eq(tree.count, 3);
		ck_assert_uint_eq(tree.parts[1].body_end - tree.parts[1].body_start, filler);
		ck_assert(span_is(tree.parts[2].subtype, "b"));
		bytes_clear(&text);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

/* What an attacker repeats costs neither depth nor memory. */
START_TEST(there_are_limits)
{
	static const struct {
		const char *start, *repeated;
		size_t count;
		size_t parts;
	} rows[] = {
	    {"Content-Type: multipart/x; boundary=b\n\n", "--b\n\n", 300000, MIME_PARTS_MAX},
	    {"Content-Type: multipart/x; boundary=b\n\n",
	        "--b\nContent-Type: multipart/x; boundary=b\n\n", 50000, MIME_DEPTH_MAX + 1},
	    {"Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n", 50000,
	        MIME_DEPTH_MAX + 1},
	    {"Content-Type: multipart/x; boundary=b\n\n--b\n", "X-Header: of a part\n", 500000, 2},
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nX: ", "\"(\\x", 500000, 2},
	    {"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: a/b; c=", "\"\"\"",
	        500000, 2},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct bytes text = {0};
		struct message message;
		struct mime_tree tree;
		struct rusage before;
		struct rusage after;
		bytes_append_text(&text, rows[i].start);
		for (size_t j = 0; j < rows[i].count; j++)
			bytes_append_text(&text, rows[i].repeated);
		struct spool *spool = spool_with(bytes_span(&text));
		ck_assert(message_open(arena, spool, &message, &status));
		getrusage(RUSAGE_SELF, &before);
		ck_assert(mime_parse(arena, &message, &tree, &status));
		getrusage(RUSAGE_SELF, &after);
		ck_assert_msg(tree.count == rows[i].parts, "row %zu: %zu", i, tree.count);
		ck_assert_int_le(after.ru_maxrss - before.ru_maxrss, 16 * 1024);
		bytes_clear(&text);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(transfer_encodings_are_undone)
{
	static const struct {
		const char *type, *encoding, *body;
		struct span content;
	} rows[] = {
	    {"text/plain", "7bit", "a\nb\n", SPAN("a\r\nb\r\n")},
	    {"text/plain", "quoted-printable", "a=3Db=3d \t\nc=\nd= \ne=ZZ=4",
	        SPAN("a=b=\r\ncde=ZZ=4")},
	    {"text/plain", "Quoted-Printable ; x", "=00=FF=", SPAN("\0\xFF=")},
	    {"text/plain", "quoted-printable", "==41=\t x", SPAN("=A=\t x")},
	    {"a/b", "base64", "AAEC\n/w=\n=\nQUJD",
	        SPAN("\0\1\2\xFF"
	             "ABC")},
	    {"a/b", "BASE64 (x)", "QU-JD\xFFRA", SPAN("ABCD")},
	    {"a/b", "x-none", "=41\n", SPAN("=41\r\n")},
	    {"text/plain; charset=iso-8859-1", "8bit", "\xFC", SPAN("\xC3\xBC")},
	    {"text/plain; charset=utf-8", "8bit", "\xFC", SPAN("\xFC")},
	    {"text/plain; charset=shift_jis", "8bit", "\x82\xA0\xFF",
	        SPAN("\xE3\x81\x82\xEF\xBF\xBD")},
	    {"text/plain; charset=iso-2022-jp", "7bit", "\x1B$B$\"\x1B(B", SPAN("\xE3\x81\x82")},
	    {"text/plain; charset=none", "8bit", "\xFC", SPAN("\xFC")},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct bytes text = {0};
		struct bytes content = {0};
		struct message message;
		struct mime_tree tree;
		bytes_appendf(&text, "Content-Type: %s\nContent-Transfer-Encoding: %s\n\n%s",
		    rows[i].type, rows[i].encoding, rows[i].body);
		struct spool *spool = spool_with(bytes_span(&text));
		ck_assert(message_open(arena, spool, &message, &status));
		ck_assert(mime_parse(arena, &message, &tree, &status));
		ck_assert(mime_text_content(&message, tree.parts, &content, &status));
		ck_assert_msg(span_equals(bytes_span(&content), rows[i].content), "row %zu: '%s'",
		    i, bytes_terminate(&content));
		bytes_clear(&text);
		bytes_clear(&content);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(content_is_cut_at_its_limit)
{
	static const char *const encodings[] = {"7bit", "base64", "quoted-printable"};
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		struct arena *arena = arena_new();
		struct bytes text = {0};
		struct bytes content = {0};
		struct message message;
		struct mime_tree tree;
		bytes_appendf(&text, "Content-Transfer-Encoding: %s\n\n", encodings[i]);
		while (text.len < 3 * MIME_TEXT_MAX)
			bytes_append_text(
			    &text, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlq\n");
		struct spool *spool = spool_with(bytes_span(&text));
		ck_assert(message_open(arena, spool, &message, &status));
		ck_assert(mime_parse(arena, &message, &tree, &status));
		ck_assert(mime_text_content(&message, tree.parts, &content, &status));
		ck_assert_uint_eq(content.len, MIME_TEXT_MAX);
		bytes_clear(&text);
		bytes_clear(&content);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(values_are_parsed)
{
	static const struct {
		const char *text, *parsed; /* null: it is none */
	} rows[] = {
	    {" Text / HTML (c;x) ; Charset = \"a\\\"b\" ; x=y", "text/html charset=a\"b x=y"},
	    {"text/plain;;; =x; a; b=; c=d e", "text/plain b= c=d"},
	    {"text/plain charset=x", NULL},
	    {"text", NULL},
	    {"text/", NULL},
	    {"/plain", NULL},
	    {"", NULL},
	    {"a/b; n*=utf-8'de'%C3%BC%2; m*0=x; m*1*=%20y; m*3=no", "a/b n=\xC3\xBC%2 m=x y"},
	    {"a/b; n*1*=b; n*0*=iso-8859-1''%FC", "a/b n=\xC3\xBC"
	                                          "b"},
	    {"a/b; n*0=one; n*0=two; n*00000000000000000=x", "a/b n=one n=two n=x"},
	    {"a/b; x=\"not closed", "a/b x=not closed"},
	    {"a/b; x=\"fold\n ed\\", "a/b x=fold ed\\"},
	    {"a/b; x=a/b=c", "a/b x=a/b=c"},
	    {"(((", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct mime_value value;
		struct bytes parsed = {0};
		bool is_valid = mime_value_type(arena, span_of(rows[i].text), &value);
		ck_assert_msg(is_valid == (rows[i].parsed != NULL), "row %zu", i);
		if (is_valid) {
			bytes_append_span(&parsed, value.type);
			bytes_append_byte(&parsed, '/');
			bytes_append_span(&parsed, value.subtype);
			for (const struct mime_parameter *p = value.parameters; p != NULL;
			     p = p->next)
				bytes_appendf(&parsed, " %.*s=%.*s", (int)p->name.len, p->name.data,
				    (int)p->value.len, p->value.data);
			ck_assert_msg(span_is(bytes_span(&parsed), rows[i].parsed), "row %zu: %s",
			    i, bytes_terminate(&parsed));
		}
		bytes_clear(&parsed);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(html_becomes_what_is_read)
{
	static const struct {
		const char *html, *text;
	} rows[] = {
	    {"plain  text\n", "plain text"},
	    {"V<b>i</b>a<span x='>'>g</span>ra", "Viagra"},
	    {"<p>one</p>\n<p>two<br/>three", "one\r\ntwo\r\nthree"},
	    {"a &lt; b &amp;&#65;&#x42;&nbsp;c &auml; &bogus; & &#xFFFFFFFFF;",
	        "a < b &AB c \xC3\xA4 &bogus; & &#xFFFFFFFFF;"},
	    {"1 < 2 <3", "1 < 2 <3"},
	    {"<script>if (a < b) { \"</p>\" }</script>x<STYLE>y</style >z", "xz"},
	    {"a<!-- > -- -->b<!doctype x>c<?php ?>d", "abcd"},
	    {"<td>a</td><td>b</td>", "a b"},
	    {"<a title=\"it's\" alt='\"'>x</a>", "x"},
	    {"<don't>x", "x"},
	    {"<never closed", ""},
	    {"<!-- never closed", ""},
	    {"<script>never closed", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		html_text_append(&text, span_of(rows[i].html));
		ck_assert_msg(span_is(bytes_span(&text), rows[i].text), "row %zu: '%s'", i,
		    bytes_terminate(&text));
		bytes_clear(&text);
	}
}
END_TEST

UNIT_TESTS("MIME", parts_are_found, a_boundary_is_found_wherever_it_lies, there_are_limits,
    transfer_encodings_are_undone, content_is_cut_at_its_limit, values_are_parsed,
    html_becomes_what_is_read)
