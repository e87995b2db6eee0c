#ifndef SIEVE_LITE_LEXER_H
#define SIEVE_LITE_LEXER_H

#include "base/arena.h"
#include "sieve-lite/problems.h"
#include "sieve-lite/tree.h"

/* Bytes of a script to tokens (RFC 5228 8.1). */

enum token_kind {
	TOKEN_END,
	TOKEN_IDENTIFIER, /* text */
	TOKEN_TAG,        /* text, without the colon */
	TOKEN_NUMBER,     /* number, the quantifier applied */
	TOKEN_STRING,     /* text, quoting undone */
	TOKEN_SEMICOLON,
	TOKEN_COMMA,
	TOKEN_BLOCK_OPEN,
	TOKEN_BLOCK_CLOSE,
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE,
	TOKEN_TESTS_OPEN,
	TOKEN_TESTS_CLOSE,
	TOKEN_COLON,   /* without a name */
	TOKEN_SLASH,   /* that begins no comment */
	TOKEN_GARBAGE, /* bytes that no token may have: already reported */
	TOKEN_BROKEN,  /* a token with a mistake in it: already reported */
};

struct token {
	enum token_kind kind;
	struct place at;
	struct span text;
	uint64_t number;
};

struct lexer {
	struct arena *arena;
	struct problems *problems;
	struct span source;
	size_t offset;
	struct place at; /* of `offset` */
};

/* `source` is borrowed as long as the tokens are used. */
void lexer_init(
    struct lexer *lexer, struct arena *arena, struct span source, struct problems *problems);

/* The next token. After TOKEN_END always TOKEN_END; a broken one never stops it. */
struct token lexer_next(struct lexer *lexer);

/* As people call it: "';'", "a string". */
const char *token_name(enum token_kind kind);

#endif
