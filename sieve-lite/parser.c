/* parser.c - tokens to a tree.
 *
 *	commands  = *command			command   = identifier arguments (";" / block)
 *	block     = "{" commands "}"		arguments = *argument [ test / test-list ]
 *	test      = identifier arguments	test-list = "(" test *("," test) ")"
 *	argument  = string-list / number / tag	string-list = "[" string *("," string) "]" / string
 *
 * Knows no command by name: what may stand where is the checker's business.
 *
 * After a mistake the parser looks for the end of the smallest thing that it spoilt: the list, the
 * tests, the command or the block; and goes on behind that. Test suites count errors, so where
 * it gives up and where it goes on is that of Pigeonhole. Each function below returns whether it
 * knows where it stands; it does not when the thing around has ended. */
#include "sieve-lite/parser.h"

#include "sieve-lite/lexer.h"
#include "sieve-lite/limits.h"

#include <string.h>

struct parser {
	struct arena *arena;
	struct problems *problems;
	struct lexer lexer;
	struct token token; /* the one to be looked at */
	struct bytes texts; /* of the list that is being read: struct text */
	unsigned node_count;
	unsigned max_nodes;
	bool is_sound;    /* no mistake of the grammar so far */
	bool is_lost;     /* a list of tests without one: whatever it stands in is given up */
	bool is_hopeless; /* too large or too many errors: the rest is not looked at */
};

static void advance(struct parser *parser)
{
	parser->token = lexer_next(&parser->lexer);
	if (!parser->is_hopeless && !problem_is_enough(parser->problems))
		return;
	parser->is_hopeless = true;
	parser->token.kind = TOKEN_END;
}

static bool accept(struct parser *parser, enum token_kind kind)
{
	if (parser->token.kind != kind)
		return false;
	advance(parser);
	return true;
}

/* Reports what stands there instead of `wanted`; false always. */
static bool unexpected(struct parser *parser, const char *wanted)
{
	const struct token *token = &parser->token;
	parser->is_sound = false;
	if (token->kind == TOKEN_BROKEN || parser->is_hopeless)
		return false; /* already reported */
	if (token->kind == TOKEN_IDENTIFIER)
		problem_error(parser->problems, token->at, "expected %s but found '%s'", wanted,
		    problem_quote(parser->problems, token->text));
	else
		problem_error(parser->problems, token->at, "expected %s but found %s", wanted,
		    token_name(token->kind));
	return false;
}

/* Before each mistake of the grammar that unexpected() does not report. */
static struct problems *mistake(struct parser *parser)
{
	parser->is_sound = false;
	return parser->problems;
}

static bool count_node(struct parser *parser)
{
	if (++parser->node_count <= parser->max_nodes)
		return true;
	if (!parser->is_hopeless)
		problem_error(parser->problems, parser->token.at,
		    "this script is too large: more than %u commands and arguments",
		    parser->max_nodes);
	parser->is_hopeless = true;
	return false;
}

static struct node *new_node(struct parser *parser)
{
	struct node *node = ARENA_NEW(parser->arena, struct node);
	node->name = parser->token.text;
	node->at = parser->token.at;
	count_node(parser);
	advance(parser);
	return node;
}

/* What a mistake may spoil, the larger the later. */
enum extent { EXTENT_NONE, EXTENT_LIST, EXTENT_TESTS, EXTENT_COMMAND, EXTENT_BLOCK };

static enum extent extent_of(enum token_kind kind)
{
	switch (kind) {
	case TOKEN_LIST_OPEN:
	case TOKEN_LIST_CLOSE:
		return EXTENT_LIST;
	case TOKEN_TESTS_OPEN:
	case TOKEN_TESTS_CLOSE:
		return EXTENT_TESTS;
	case TOKEN_SEMICOLON:
		return EXTENT_COMMAND;
	case TOKEN_BLOCK_OPEN:
	case TOKEN_BLOCK_CLOSE:
		return EXTENT_BLOCK;
	default:
		return EXTENT_NONE;
	}
}

/* Goes to the token that ends the list, the tests, the command or the block (for a command also to
 * its block). False: something larger ends or begins before that. */
static bool recover(struct parser *parser, enum token_kind open, enum token_kind close)
{
	unsigned depth = 1;
	while (
	    parser->token.kind != TOKEN_END && extent_of(parser->token.kind) <= extent_of(close)) {
		if (parser->token.kind == open && open != close)
			depth++;
		else if (parser->token.kind == close && --depth == 0)
			return true;
		advance(parser);
	}
	return close == TOKEN_SEMICOLON && parser->token.kind == TOKEN_BLOCK_OPEN;
}

static bool recover_list(struct parser *parser)
{
	return recover(parser, TOKEN_LIST_OPEN, TOKEN_LIST_CLOSE);
}

static bool recover_tests(struct parser *parser)
{
	return recover(parser, TOKEN_TESTS_OPEN, TOKEN_TESTS_CLOSE);
}

static bool recover_block(struct parser *parser)
{
	return recover(parser, TOKEN_BLOCK_OPEN, TOKEN_BLOCK_CLOSE);
}

/* -- Arguments -- */

static bool take_text(struct parser *parser)
{
	if (parser->token.kind != TOKEN_STRING)
		return unexpected(parser, "a string");
	if (!count_node(parser))
		return false;
	const struct text text = {.at = parser->token.at, .literal = parser->token.text};
	bytes_append(&parser->texts, &text, sizeof(text));
	advance(parser);
	return true;
}

/* Behind the "[". */
static bool take_list(struct parser *parser)
{
	bool is_known = true;
	do {
		if (!take_text(parser)) {
			is_known = recover_list(parser);
			break;
		}
	} while (accept(parser, TOKEN_COMMA));
	if (accept(parser, TOKEN_LIST_CLOSE))
		return is_known;
	unexpected(parser, "',' or ']'");
	is_known = recover_list(parser);
	if (is_known)
		advance(parser);
	return is_known;
}

static bool take_texts(struct parser *parser, struct argument *argument)
{
	bytes_reset(&parser->texts);
	argument->kind = ARGUMENT_TEXTS;
	argument->is_list = accept(parser, TOKEN_LIST_OPEN);
	bool is_known = argument->is_list ? take_list(parser) : take_text(parser);
	argument->count = parser->texts.len / sizeof(*argument->texts);
	argument->texts = arena_new_items(parser->arena, argument->count, sizeof(*argument->texts));
	if (argument->count > 0)
		memcpy(argument->texts, parser->texts.data, parser->texts.len);
	return is_known;
}

static bool take_argument(struct parser *parser, struct argument *argument)
{
	const struct token *token = &parser->token;
	argument->at = token->at;
	switch (token->kind) {
	case TOKEN_NUMBER:
		argument->kind = ARGUMENT_NUMBER;
		argument->number = token->number;
		break;
	case TOKEN_TAG:
		argument->kind = ARGUMENT_TAG;
		argument->tag = token->text;
		break;
	default:
		return take_texts(parser, argument);
	}
	advance(parser);
	return true;
}

static bool starts_argument(enum token_kind kind)
{
	return kind == TOKEN_NUMBER || kind == TOKEN_TAG || kind == TOKEN_STRING ||
	       kind == TOKEN_LIST_OPEN;
}

static bool take_arguments(struct parser *parser, struct node *node)
{
	struct argument **end = &node->arguments;
	for (unsigned count = 1; starts_argument(parser->token.kind); count++) {
		struct argument *argument = ARENA_NEW(parser->arena, struct argument);
		if (!count_node(parser) || !take_argument(parser, argument))
			return false;
		*end = argument;
		end = &argument->next;
		if (count <= LIMIT_ARGUMENTS)
			continue;
		problem_error(mistake(parser), argument->at,
		    "too many arguments for '%s': at most %d",
		    problem_quote(parser->problems, node->name), LIMIT_ARGUMENTS);
		return false;
	}
	return true;
}

/* -- Tests -- */

static bool parse_arguments(struct parser *parser, struct node *node, unsigned depth);

static void report_depth(struct parser *parser)
{
	problem_error(mistake(parser), parser->token.at,
	    "tests are nested too deep: at most %d levels", LIMIT_TEST_DEPTH);
}

/* Behind the "(". */
static bool parse_test_list(struct parser *parser, struct node *node, unsigned depth)
{
	struct node **end = &node->tests;
	bool is_known = true;
	do {
		if (parser->token.kind != TOKEN_IDENTIFIER) {
			unexpected(parser, "a test");
			is_known = recover_tests(parser);
			break;
		}
		*end = new_node(parser);
		is_known = parse_arguments(parser, *end, depth);
		if (parser->is_lost)
			return false;
		is_known = is_known || recover_tests(parser);
		end = &(*end)->next;
	} while (is_known && accept(parser, TOKEN_COMMA));
	if (accept(parser, TOKEN_TESTS_CLOSE))
		return is_known;
	unexpected(parser, "',' or ')'");
	is_known = recover_tests(parser);
	if (is_known)
		advance(parser);
	return is_known;
}

/* The list is done: was there a test in it? */
static bool check_test_list(struct parser *parser, const struct node *node)
{
	if (node->tests != NULL || parser->is_hopeless)
		return true;
	problem_error(mistake(parser), node->at, "'%s' has a list without a test",
	    problem_quote(parser->problems, node->name));
	parser->is_lost = true;
	return false;
}

static bool parse_tests(struct parser *parser, struct node *node, unsigned depth)
{
	bool is_list = parser->token.kind == TOKEN_TESTS_OPEN;
	if (depth > LIMIT_TEST_DEPTH && is_list) {
		advance(parser);
		report_depth(parser);
		if (!recover_tests(parser))
			return false;
		advance(parser);
		return true;
	}
	if (depth > LIMIT_TEST_DEPTH) {
		report_depth(parser);
		return false;
	}
	node->has_test_list = is_list;
	if (accept(parser, TOKEN_TESTS_OPEN)) {
		bool is_known = parse_test_list(parser, node, depth);
		return !parser->is_lost && check_test_list(parser, node) && is_known;
	}
	node->tests = new_node(parser);
	bool is_known = parse_arguments(parser, node->tests, depth);
	parser->is_lost = false;
	return is_known;
}

static bool parse_arguments(struct parser *parser, struct node *node, unsigned depth)
{
	if (!take_arguments(parser, node))
		return false;
	node->tests_at = parser->token.at;
	if (parser->token.kind != TOKEN_IDENTIFIER && parser->token.kind != TOKEN_TESTS_OPEN)
		return true;
	return parse_tests(parser, node, depth + 1);
}

/* -- Commands -- */

static bool parse_commands(struct parser *parser, struct node **first_out, unsigned depth);

/* The cursor stands behind the "{" at `open`. */
static bool parse_block(struct parser *parser, struct node *node, struct place open, unsigned depth)
{
	node->has_block = true;
	if (depth > LIMIT_BLOCK_DEPTH) {
		problem_error(mistake(parser), open,
		    "blocks are nested too deep: at most %d levels", LIMIT_BLOCK_DEPTH);
		if (!recover_block(parser))
			return false;
		advance(parser);
		return true;
	}
	if (!parse_commands(parser, &node->block, depth)) {
		if (!recover_block(parser))
			return false;
		advance(parser);
		return true;
	}
	if (accept(parser, TOKEN_BLOCK_CLOSE))
		return true;
	if (parser->token.kind != TOKEN_END)
		unexpected(parser, "a command or '}'");
	else if (!parser->is_hopeless)
		problem_error(mistake(parser), open, "this block is never closed: expected '}'");
	return recover_block(parser);
}

static bool parse_command(struct parser *parser, struct node *node, unsigned depth)
{
	bool is_known = parse_arguments(parser, node, 1);
	if (parser->is_lost) {
		parser->is_hopeless = true;
		parser->token.kind = TOKEN_END;
		return false;
	}
	if (is_known && parser->token.kind != TOKEN_SEMICOLON &&
	    parser->token.kind != TOKEN_BLOCK_OPEN)
		is_known = unexpected(parser, "';' or '{'");
	if (!is_known && !recover(parser, TOKEN_SEMICOLON, TOKEN_SEMICOLON))
		return false;
	struct place at = parser->token.at;
	if (accept(parser, TOKEN_SEMICOLON))
		return true;
	advance(parser);
	return parse_block(parser, node, at, depth + 1);
}

/* Up to what begins no command. */
static bool parse_commands(struct parser *parser, struct node **first_out, unsigned depth)
{
	bool is_known = true;
	while (is_known && parser->token.kind == TOKEN_IDENTIFIER) {
		struct node *node = new_node(parser);
		*first_out = node;
		first_out = &node->next;
		is_known = parse_command(parser, node, depth);
	}
	return is_known;
}

struct node *parser_parse(
    struct arena *arena, struct span source, unsigned max_nodes, struct problems *problems)
{
	struct parser parser = {
	    .arena = arena, .problems = problems, .max_nodes = max_nodes, .is_sound = true};
	struct node *first = NULL;
	if (source.len > LIMIT_SCRIPT_BYTES) {
		problem_error(problems, (struct place){1, 1},
		    "this script is too large: more than %zu bytes", LIMIT_SCRIPT_BYTES);
		return NULL;
	}
	lexer_init(&parser.lexer, arena, source, problems);
	advance(&parser);
	bool is_known =
	    parse_commands(&parser, &first, 1) && parser.is_sound && !parser.is_hopeless;
	if (is_known && parser.token.kind == TOKEN_BLOCK_CLOSE)
		problem_error(
		    problems, parser.token.at, "this '}' closes nothing: no block is open here");
	else if (is_known && parser.token.kind != TOKEN_END)
		unexpected(&parser, "a command");
	bytes_clear(&parser.texts);
	return first;
}
