/* parser.c - tokens to a tree.
 *
 *	commands  = *command			command   = identifier arguments (";" / block)
 *	block     = "{" commands "}"		arguments = *argument [ test / test-list ]
 *	test      = identifier arguments	test-list = "(" test *("," test) ")"
 *	argument  = string-list / number / tag	string-list = "[" string *("," string) "]" / string
 *
 * Knows no command by name: what may stand where is the checker's business. */
#include "sieve-lite/parser.h"

#include "sieve-lite/lexer.h"
#include "sieve-lite/limits.h"

struct parser {
	struct arena *arena;
	struct problems *problems;
	struct lexer lexer;
	struct token token; /* the one to be looked at */
	unsigned node_count;
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

static bool count_node(struct parser *parser)
{
	if (++parser->node_count <= LIMIT_NODES)
		return true;
	if (!parser->is_hopeless)
		problem_error(parser->problems, parser->token.at,
		    "this script is too large: more than %d commands and arguments", LIMIT_NODES);
	parser->is_hopeless = true;
	return false;
}

static struct node *new_node(struct parser *parser)
{
	struct node *node = ARENA_NEW(parser->arena, struct node);
	node->name = parser->token.text;
	node->at = parser->token.at;
	return node;
}

struct text_list {
	struct text_item {
		struct text text;
		struct text_item *next;
	} * first, **end;
	size_t count;
};

static bool take_text(struct parser *parser, struct text_list *list)
{
	if (parser->token.kind != TOKEN_STRING)
		return unexpected(parser, "a string");
	if (!count_node(parser))
		return false;
	struct text_item *item = ARENA_NEW(parser->arena, struct text_item);
	item->text = (struct text){.at = parser->token.at, .literal = parser->token.text};
	*list->end = item;
	list->end = &item->next;
	list->count++;
	advance(parser);
	return true;
}

static bool take_texts(struct parser *parser, struct argument *argument)
{
	struct text_list list = {.end = &list.first};
	argument->kind = ARGUMENT_TEXTS;
	argument->is_list = accept(parser, TOKEN_LIST_OPEN);
	do {
		if (!take_text(parser, &list))
			return false;
	} while (argument->is_list && accept(parser, TOKEN_COMMA));
	if (argument->is_list && !accept(parser, TOKEN_LIST_CLOSE))
		return unexpected(parser, "',' or ']'");
	argument->texts = arena_new_items(parser->arena, list.count, sizeof(*argument->texts));
	for (struct text_item *item = list.first; item != NULL; item = item->next)
		argument->texts[argument->count++] = item->text;
	return true;
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

static bool parse_arguments(struct parser *parser, struct node *node, unsigned test_depth);

static struct node *parse_test(struct parser *parser, unsigned depth)
{
	if (parser->token.kind != TOKEN_IDENTIFIER) {
		unexpected(parser, "a test");
		return NULL;
	}
	if (depth > LIMIT_TEST_DEPTH) {
		problem_error(parser->problems, parser->token.at,
		    "tests are nested too deep: at most %d levels", LIMIT_TEST_DEPTH);
		return NULL;
	}
	struct node *node = new_node(parser);
	if (!count_node(parser))
		return NULL;
	advance(parser);
	return parse_arguments(parser, node, depth) ? node : NULL;
}

static bool parse_test_list(struct parser *parser, struct node *node, unsigned depth)
{
	struct node **end = &node->tests;
	node->has_test_list = true;
	do {
		struct node *test = parse_test(parser, depth);
		if (test == NULL)
			return false;
		*end = test;
		end = &test->next;
	} while (accept(parser, TOKEN_COMMA));
	return accept(parser, TOKEN_TESTS_CLOSE) || unexpected(parser, "',' or ')'");
}

static bool parse_arguments(struct parser *parser, struct node *node, unsigned test_depth)
{
	struct argument **end = &node->arguments;
	while (starts_argument(parser->token.kind)) {
		struct argument *argument = ARENA_NEW(parser->arena, struct argument);
		if (!count_node(parser) || !take_argument(parser, argument))
			return false;
		*end = argument;
		end = &argument->next;
	}
	node->tests_at = parser->token.at;
	if (accept(parser, TOKEN_TESTS_OPEN))
		return parse_test_list(parser, node, test_depth + 1);
	if (parser->token.kind != TOKEN_IDENTIFIER)
		return true;
	node->tests = parse_test(parser, test_depth + 1);
	return node->tests != NULL;
}

static struct node *parse_commands(struct parser *parser, unsigned depth);

/* The cursor stands behind the "{" at `open`. */
static void parse_block(struct parser *parser, struct node *node, struct place open, unsigned depth)
{
	node->has_block = true;
	if (depth > LIMIT_BLOCK_DEPTH) {
		problem_error(parser->problems, open,
		    "blocks are nested too deep: at most %d levels", LIMIT_BLOCK_DEPTH);
		parser->is_hopeless = true;
		advance(parser);
		return;
	}
	node->block = parse_commands(parser, depth);
	if (!accept(parser, TOKEN_BLOCK_CLOSE) && !parser->is_hopeless)
		problem_error(parser->problems, open, "this block is never closed: expected '}'");
}

/* After a mistake: goes on behind the next ';' or with the next block. */
static void recover(struct parser *parser, struct node *node, unsigned depth)
{
	for (;;) {
		struct place at = parser->token.at;
		switch (parser->token.kind) {
		case TOKEN_SEMICOLON:
			advance(parser);
			return;
		case TOKEN_BLOCK_OPEN:
			advance(parser);
			parse_block(parser, node, at, depth + 1);
			return;
		case TOKEN_BLOCK_CLOSE:
		case TOKEN_END:
			return;
		default:
			advance(parser);
		}
	}
}

static struct node *parse_command(struct parser *parser, unsigned depth)
{
	struct node *node = new_node(parser);
	bool is_sound = parser->token.kind == TOKEN_IDENTIFIER || unexpected(parser, "a command");
	if (!count_node(parser))
		is_sound = false;
	if (is_sound) {
		advance(parser);
		is_sound = parse_arguments(parser, node, 0);
	}
	struct place at = parser->token.at;
	if (is_sound && accept(parser, TOKEN_SEMICOLON))
		return node;
	if (is_sound && accept(parser, TOKEN_BLOCK_OPEN)) {
		parse_block(parser, node, at, depth + 1);
		return node;
	}
	if (is_sound)
		unexpected(parser, "';' or '{'");
	recover(parser, node, depth);
	return node;
}

/* Up to the "}" of this block, or the end. */
static struct node *parse_commands(struct parser *parser, unsigned depth)
{
	struct node *first = NULL;
	struct node **end = &first;
	while (parser->token.kind != TOKEN_END && parser->token.kind != TOKEN_BLOCK_CLOSE) {
		*end = parse_command(parser, depth);
		end = &(*end)->next;
	}
	return first;
}

struct node *parser_parse(struct arena *arena, struct span source, struct problems *problems)
{
	struct parser parser = {.arena = arena, .problems = problems};
	if (source.len > LIMIT_SCRIPT_BYTES) {
		problem_error(problems, (struct place){1, 1},
		    "this script is too large: more than %zu bytes", LIMIT_SCRIPT_BYTES);
		return NULL;
	}
	lexer_init(&parser.lexer, arena, source, problems);
	advance(&parser);
	struct node *first = NULL;
	struct node **end = &first;
	do {
		*end = parse_commands(&parser, 0);
		while (*end != NULL)
			end = &(*end)->next;
		if (parser.token.kind == TOKEN_BLOCK_CLOSE) {
			problem_error(problems, parser.token.at,
			    "this '}' closes nothing: no block is open here");
			advance(&parser);
		}
	} while (parser.token.kind != TOKEN_END);
	return first;
}
