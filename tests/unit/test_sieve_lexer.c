#include "sieve-lite/lexer.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct arena *arena;
static struct sieve_errors errors;

/* The tokens as one string: names bare, strings in quotes, tags with their colon. */
static const char *lex(struct span source)
{
	struct problems problems = {arena, "t", &errors};
	struct lexer lexer;
	struct bytes text = {0};
	struct token token;
	memset(&errors, 0, sizeof(errors));
	lexer_init(&lexer, arena, source, &problems);
	while ((token = lexer_next(&lexer)).kind != TOKEN_END) {
		if (text.len > 0)
			bytes_append_byte(&text, ' ');
		switch (token.kind) {
		case TOKEN_IDENTIFIER:
			bytes_append_span(&text, token.text);
			break;
		case TOKEN_TAG:
			bytes_append_byte(&text, ':');
			bytes_append_span(&text, token.text);
			break;
		case TOKEN_NUMBER:
			bytes_appendf(&text, "%ju", (uintmax_t)token.number);
			break;
		case TOKEN_STRING:
			bytes_append_byte(&text, '"');
			bytes_append_span(&text, token.text);
			bytes_append_byte(&text, '"');
			break;
		case TOKEN_GARBAGE:
		case TOKEN_BROKEN:
			bytes_append_byte(&text, '!');
			break;
		default:
			bytes_append_byte(&text, token_name(token.kind)[1]);
		}
	}
	if (errors.first != NULL)
		bytes_appendf(&text, " | %u:%u %s", errors.first->line, errors.first->column,
		    errors.first->message);
	const char *copy = arena_text(arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

START_TEST(scripts_become_tokens)
{
	static const struct {
		struct span source;
		const char *tokens;
	} rows[] = {
	    {SPAN(""), ""},
	    {SPAN("\xEF\xBB\xBFkeep;"), "keep ;"},
	    {SPAN("keep ; { } ( ) [ ] ,"), "keep ; { } ( ) [ ] ,"},
	    {SPAN("_a1:b2 text :c"), "_a1 :b2 text :c"},
	    {SPAN("0 10 2K 3m 1G"), "0 10 2048 3145728 1073741824"},
	    {SPAN("18446744073709551615"), "18446744073709551615"},
	    {SPAN("18446744073709551616"), "! | 1:1 this number is too large"},
	    {SPAN("99999999999999999999999"), "! | 1:1 this number is too large"},
	    {SPAN("\n 17179869184G"), "! | 2:2 this number is too large"},
	    {SPAN("10X 10KB 1a:b"), "10 X 10240 B 1 a :b"},
	    /* comments */
	    {SPAN("a # b\nc"), "a c"},
	    {SPAN("a # b"), "a"},
	    {SPAN("a/* b\n c */d"), "a d"},
	    {SPAN("/**/ a /***/ b /* * / **/ c"), "a b c"},
	    {SPAN("/* /* */ a"), "a"},
	    {SPAN("a\n /* b"), "a ! | 2:2 this comment is never closed: expected */"},
	    {SPAN("/*/"), "! | 1:1 this comment is never closed: expected */"},
	    {SPAN("a # b\0c\nd"), "a ! d | 1:3 this comment contains a NUL"},
	    {SPAN("/*\0*/ a"), "! a | 1:1 this comment contains a NUL"},
	    {SPAN("a / b"), "a / b"},
	    {SPAN("a\rb"), "a b"},
	    /* quoted strings */
	    {SPAN("\"\" \"a b\""), "\"\" \"a b\""},
	    {SPAN("\"a\\\"b\\\\c\\d\""), "\"a\"b\\cd\""},
	    {SPAN("\"a\nb\r\nc\""), "\"a\r\nb\r\nc\""},
	    {SPAN("\"a\\\nb\""), "\"a\r\nb\""},
	    {SPAN("\"# /* no comment\""), "\"# /* no comment\""},
	    {SPAN("\"gr\xC3\xBC\xC3\x9F\""), "\"gr\xC3\xBC\xC3\x9F\""},
	    {SPAN("\"a\xFF\""), "\"a\xFF\" | 1:1 this string is not valid UTF-8"},
	    {SPAN("a\n  \"b"), "a ! | 2:3 this string is never closed: expected '\"'"},
	    {SPAN("\"b\\"), "! | 1:1 this string is never closed: expected '\"'"},
	    {SPAN("\"a\0b\" c"), "! c | 1:1 this string contains a NUL or a carriage return alone"},
	    {SPAN("\"a\rb\" c"), "! c | 1:1 this string contains a NUL or a carriage return alone"},
	    /* multi-line strings */
	    {SPAN("text:\nhello\n.\n;"), "\"hello\r\n\" ;"},
	    {SPAN("TEXT: \t# why\r\n..a\r\n.b\r\n\r\n.\r\n;"), "\".a\r\n.b\r\n\r\n\" ;"},
	    {SPAN("text:\n.\n"), "\"\""},
	    {SPAN("text:\n\"quoted\" # kept \\\n.\n"), "\"\"quoted\" # kept \\\r\n\""},
	    {SPAN("text: a\n.\n"),
	        "! a ! | 1:1 a multi-line string begins on the line behind 'text:'"},
	    {SPAN("text:\na\n."), "! | 1:1 this multi-line string is never closed: expected a "
	                          "line with '.' alone"},
	    /* what begins no token */
	    {SPAN("a \x01\x02\x03 b"), "a ! b | 1:3 unexpected byte 0x01"},
	    {SPAN("a:1 : b"), "a : 1 : b"},
	    {SPAN("aaaaaaaaaabbbbbbbbbbccccccccccdd"), "aaaaaaaaaabbbbbbbbbbccccccccccdd"},
	    {SPAN("aaaaaaaaaabbbbbbbbbbccccccccccddd"),
	        "! | 1:1 'aaaaaaaaaabbbbbbbbbbccccccccccddd' is too long: at most 32 characters"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arena = arena_new();
		ck_assert_str_eq(lex(rows[i].source), rows[i].tokens);
		arena_free(&arena);
	}
}
END_TEST

/* Whatever is cut off, the lexer ends, and every byte it reads is inside. */
START_TEST(every_prefix_ends)
{
	static const char script[] = "\"a\\\"\" text:\n..a\n.\n 12K :tag /* c */ # d\n\0 ;";
	for (size_t len = 0; len < sizeof(script); len++) {
		arena = arena_new();
		char *exact = malloc(len + 1);
		memcpy(exact, script, len);
		lex((struct span){exact, len});
		free(exact);
		arena_free(&arena);
	}
}
END_TEST

UNIT_TESTS("sieve lexer", scripts_become_tokens, every_prefix_ends)
