/* lexer.c - bytes of a script to tokens.
 *
 *	identifier = (ALPHA / "_") *(ALPHA / DIGIT / "_")	tag = ":" identifier
 *	number     = 1*DIGIT [ "K" / "M" / "G" ]
 *	comment    = "#" to the end of the line  /  "/" "*" to the first "*" "/"
 *	string     = DQUOTE ... DQUOTE  /  "text:" [blanks] [# comment] CRLF lines "." CRLF
 *
 * Where the RFC has CRLF a bare LF is taken too, and strings get CR LF for either: one value
 * whatever system the script was written on. NUL is nowhere allowed. Knows no grammar. */
#include "sieve-lite/lexer.h"

#include "base/number.h"
#include "base/utf8.h"
#include "sieve-lite/limits.h"

#include <string.h>

#define AT_END (-1)

void lexer_init(
    struct lexer *lexer, struct arena *arena, struct span source, struct problems *problems)
{
	*lexer =
	    (struct lexer){.arena = arena, .problems = problems, .source = source, .at = {1, 1}};
	if (span_starts_with(source, "\xEF\xBB\xBF"))
		lexer->offset = 3; /* a byte order mark, as some editors write it */
}

static int peek(const struct lexer *lexer, size_t ahead)
{
	size_t offset = lexer->offset + ahead;
	return offset < lexer->source.len ? (unsigned char)lexer->source.data[offset] : AT_END;
}

static void advance(struct lexer *lexer)
{
	if (lexer->source.data[lexer->offset++] == '\n')
		lexer->at = (struct place){lexer->at.line + 1, 1};
	else
		lexer->at.column++;
}

static void advance_by(struct lexer *lexer, size_t count)
{
	while (count-- > 0)
		advance(lexer);
}

/* The same within a line; gives the bytes. */
static struct span pass_over(struct lexer *lexer, size_t count)
{
	struct span passed = {lexer->source.data + lexer->offset, count};
	lexer->offset += count;
	lexer->at.column += (unsigned)count;
	return passed;
}

/* The bytes of a line end at the cursor: 1, 2, or 0 for none. */
static size_t line_end(const struct lexer *lexer)
{
	if (peek(lexer, 0) == '\n')
		return 1;
	return peek(lexer, 0) == '\r' && peek(lexer, 1) == '\n' ? 2 : 0;
}

static bool is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_name_start(int byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_name(int byte)
{
	return is_name_start(byte) || is_digit(byte);
}

/* These two: false where it was reported that the comment is broken. */
static bool skip_line(struct lexer *lexer)
{
	struct place start = lexer->at;
	bool is_allowed = true;
	while (peek(lexer, 0) != AT_END && peek(lexer, 0) != '\n') {
		is_allowed = is_allowed && peek(lexer, 0) != '\0';
		advance(lexer);
	}
	if (!is_allowed)
		problem_error(lexer->problems, start, "this comment contains a NUL");
	return is_allowed;
}

/* Behind the opening; the first end counts, comments do not nest. */
static bool skip_bracket_comment(struct lexer *lexer, struct place start)
{
	bool is_allowed = true;
	advance_by(lexer, 2);
	while (peek(lexer, 0) != AT_END && (peek(lexer, 0) != '*' || peek(lexer, 1) != '/')) {
		is_allowed = is_allowed && peek(lexer, 0) != '\0';
		advance(lexer);
	}
	bool is_closed = peek(lexer, 0) != AT_END;
	if (!is_closed)
		problem_error(lexer->problems, start, "this comment is never closed: expected */");
	else if (!is_allowed)
		problem_error(lexer->problems, start, "this comment contains a NUL");
	if (is_closed)
		advance_by(lexer, 2);
	return is_closed && is_allowed;
}

static bool skip_space(struct lexer *lexer)
{
	bool is_sound = true;
	while (is_sound) {
		int byte = peek(lexer, 0);
		if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
			advance(lexer);
		else if (byte > '/')
			return true;
		else if (byte == '#')
			is_sound = skip_line(lexer);
		else if (byte == '/' && peek(lexer, 1) == '*')
			is_sound = skip_bracket_comment(lexer, lexer->at);
		else
			return true;
	}
	return false;
}

static struct span take_name(struct lexer *lexer)
{
	struct span rest = span_from(lexer->source, lexer->offset);
	size_t len = 0;
	while (len < rest.len && is_name(rest.data[len]))
		len++;
	return pass_over(lexer, len);
}

static bool check_name(struct lexer *lexer, const struct token *token)
{
	if (token->text.len <= LIMIT_IDENTIFIER_BYTES)
		return true;
	problem_error(lexer->problems, token->at, "'%s' is too long: at most %d characters",
	    problem_quote(lexer->problems, token->text), LIMIT_IDENTIFIER_BYTES);
	return false;
}

static uint64_t quantifier(int byte)
{
	switch (byte) {
	case 'k':
	case 'K':
		return UINT64_C(1) << 10;
	case 'm':
	case 'M':
		return UINT64_C(1) << 20;
	case 'g':
	case 'G':
		return UINT64_C(1) << 30;
	default:
		return 0;
	}
}

static void take_number(struct lexer *lexer, struct token *token)
{
	size_t len = 0;
	while (is_digit(peek(lexer, len)))
		len++;
	struct span digits = pass_over(lexer, len);
	uint64_t factor = quantifier(peek(lexer, 0));
	if (factor > 0)
		advance(lexer);
	token->kind = TOKEN_NUMBER;
	if (!number_parse(digits, LIMIT_NUMBER, &token->number) ||
	    token->number > LIMIT_NUMBER / (factor > 0 ? factor : 1)) {
		problem_error(lexer->problems, token->at, "this number is too large");
		token->kind = TOKEN_BROKEN;
		return;
	}
	token->number *= factor > 0 ? factor : 1;
}

static void set_string(struct lexer *lexer, struct token *token, struct span value)
{
	token->kind = TOKEN_STRING;
	token->text = value;
	if (!utf8_is_valid(value))
		problem_warning(lexer->problems, token->at, "this string is not valid UTF-8");
}

/* Takes what was gathered as the token's value. */
static void finish_string(struct lexer *lexer, struct token *token, struct bytes *value)
{
	set_string(lexer, token, arena_span(lexer->arena, bytes_span(value)));
	bytes_clear(value);
}

/* One line end or byte of a string's value. False: a byte that no string may have. */
static bool take_string_byte(struct lexer *lexer, struct bytes *value)
{
	size_t end = line_end(lexer);
	if (end > 0) {
		bytes_append_text(value, "\r\n");
		advance_by(lexer, end);
		return true;
	}
	bool is_allowed = peek(lexer, 0) != '\0' && peek(lexer, 0) != '\r';
	bytes_append_byte(value, (char)peek(lexer, 0));
	advance(lexer);
	return is_allowed;
}

/* The bytes from the cursor on that stand for themselves in a quoted string. */
static size_t plain_len(const struct lexer *lexer)
{
	struct span rest = span_from(lexer->source, lexer->offset);
	size_t len = 0;
	while (len < rest.len && (unsigned char)rest.data[len] >= ' ' && rest.data[len] != '"' &&
	       rest.data[len] != '\\')
		len++;
	return len;
}

/* quoted-string = DQUOTE *(quoted-safe / "\" any) DQUOTE */
static void take_quoted(struct lexer *lexer, struct token *token)
{
	struct bytes value = {0};
	bool is_allowed = true;
	advance(lexer);
	size_t len = plain_len(lexer);
	if (peek(lexer, len) == '"') {
		/* As nearly always: the value is what stands there. */
		set_string(lexer, token, pass_over(lexer, len));
		advance(lexer);
		return;
	}
	while (peek(lexer, 0) != AT_END && peek(lexer, 0) != '"') {
		if (peek(lexer, 0) == '\\' && peek(lexer, 1) != AT_END)
			advance(lexer);
		is_allowed = take_string_byte(lexer, &value) && is_allowed;
	}
	bool is_closed = peek(lexer, 0) == '"';
	if (is_closed)
		advance(lexer);
	finish_string(lexer, token, &value);
	if (!is_closed)
		problem_error(
		    lexer->problems, token->at, "this string is never closed: expected '\"'");
	else if (!is_allowed)
		problem_error(lexer->problems, token->at,
		    "this string contains a NUL or a carriage return alone");
	if (!is_closed || !is_allowed)
		token->kind = TOKEN_BROKEN;
}

/* The cursor stands at the beginning of a line. */
static bool at_multi_line_end(const struct lexer *lexer)
{
	if (peek(lexer, 0) != '.')
		return false;
	return peek(lexer, 1) == '\n' || (peek(lexer, 1) == '\r' && peek(lexer, 2) == '\n');
}

/* multi-line, the cursor behind "text:" */
static void take_multi_line(struct lexer *lexer, struct token *token)
{
	struct bytes value = {0};
	bool is_allowed = true;
	token->kind = TOKEN_BROKEN;
	while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t')
		advance(lexer);
	if (peek(lexer, 0) == '#')
		skip_line(lexer);
	if (line_end(lexer) == 0) {
		problem_error(lexer->problems, token->at,
		    "a multi-line string begins on the line behind 'text:'");
		return;
	}
	advance_by(lexer, line_end(lexer));
	while (peek(lexer, 0) != AT_END && !at_multi_line_end(lexer)) {
		if (peek(lexer, 0) == '.' && peek(lexer, 1) == '.')
			advance(lexer);
		while (peek(lexer, 0) != AT_END && line_end(lexer) == 0)
			is_allowed = take_string_byte(lexer, &value) && is_allowed;
		if (peek(lexer, 0) != AT_END)
			take_string_byte(lexer, &value);
	}
	bool is_closed = peek(lexer, 0) != AT_END;
	if (is_closed) {
		advance(lexer);
		advance_by(lexer, line_end(lexer));
	}
	finish_string(lexer, token, &value);
	if (!is_closed)
		problem_error(lexer->problems, token->at,
		    "this multi-line string is never closed: expected a line with '.' alone");
	else if (!is_allowed)
		problem_error(lexer->problems, token->at,
		    "this string contains a NUL or a carriage return alone");
	if (!is_closed || !is_allowed)
		token->kind = TOKEN_BROKEN;
}

static void take_word(struct lexer *lexer, struct token *token)
{
	token->kind = TOKEN_IDENTIFIER;
	token->text = take_name(lexer);
	if (peek(lexer, 0) == ':' && span_is_nocase(token->text, "text")) {
		advance(lexer);
		take_multi_line(lexer, token);
	} else if (!check_name(lexer, token)) {
		token->kind = TOKEN_BROKEN;
	}
}

static void take_tag(struct lexer *lexer, struct token *token)
{
	token->kind = TOKEN_TAG;
	advance(lexer);
	if (is_name_start(peek(lexer, 0))) {
		token->text = take_name(lexer);
		if (!check_name(lexer, token))
			token->kind = TOKEN_BROKEN;
		return;
	}
	token->kind = TOKEN_COLON;
}

/* Passes over a run of bytes that begin no token, so that a binary file gives one error. */
static void take_garbage(struct lexer *lexer, struct token *token)
{
	int first = peek(lexer, 0);
	token->kind = TOKEN_GARBAGE;
	do
		advance(lexer);
	while (peek(lexer, 0) != AT_END && strchr(" \t\r\n\"#{}[]();,:/", peek(lexer, 0)) == NULL &&
	       !is_name(peek(lexer, 0)));
	if (first > ' ' && first < 0x7F)
		problem_error(lexer->problems, token->at, "unexpected character '%c'", first);
	else
		problem_error(lexer->problems, token->at, "unexpected byte 0x%02X", first);
}

static enum token_kind separator(int byte)
{
	switch (byte) {
	case ';':
		return TOKEN_SEMICOLON;
	case ',':
		return TOKEN_COMMA;
	case '{':
		return TOKEN_BLOCK_OPEN;
	case '}':
		return TOKEN_BLOCK_CLOSE;
	case '[':
		return TOKEN_LIST_OPEN;
	case ']':
		return TOKEN_LIST_CLOSE;
	case '(':
		return TOKEN_TESTS_OPEN;
	case ')':
		return TOKEN_TESTS_CLOSE;
	case '/':
		return TOKEN_SLASH;
	default:
		return TOKEN_BROKEN;
	}
}

struct token lexer_next(struct lexer *lexer)
{
	struct token token = {.kind = TOKEN_BROKEN, .at = lexer->at};
	if (!skip_space(lexer))
		return token;
	token = (struct token){.kind = TOKEN_END, .at = lexer->at};
	int byte = peek(lexer, 0);
	if (byte == AT_END) {
		return token;
	} else if (is_name_start(byte)) {
		take_word(lexer, &token);
	} else if (is_digit(byte)) {
		take_number(lexer, &token);
	} else if (byte == '"') {
		take_quoted(lexer, &token);
	} else if (byte == ':') {
		take_tag(lexer, &token);
	} else if (separator(byte) != TOKEN_BROKEN) {
		token.kind = separator(byte);
		advance(lexer);
	} else {
		take_garbage(lexer, &token);
	}
	return token;
}

const char *token_name(enum token_kind kind)
{
	static const char *const names[] = {
	    [TOKEN_END] = "the end of the script",
	    [TOKEN_IDENTIFIER] = "a name",
	    [TOKEN_TAG] = "a tag",
	    [TOKEN_NUMBER] = "a number",
	    [TOKEN_STRING] = "a string",
	    [TOKEN_SEMICOLON] = "';'",
	    [TOKEN_COMMA] = "','",
	    [TOKEN_BLOCK_OPEN] = "'{'",
	    [TOKEN_BLOCK_CLOSE] = "'}'",
	    [TOKEN_LIST_OPEN] = "'['",
	    [TOKEN_LIST_CLOSE] = "']'",
	    [TOKEN_TESTS_OPEN] = "'('",
	    [TOKEN_TESTS_CLOSE] = "')'",
	    [TOKEN_COLON] = "':' without a name",
	    [TOKEN_SLASH] = "'/'",
	    [TOKEN_GARBAGE] = "unknown characters",
	    [TOKEN_BROKEN] = "something unreadable",
	};
	return names[kind];
}
