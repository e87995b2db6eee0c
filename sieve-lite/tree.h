#ifndef SIEVE_LITE_TREE_H
#define SIEVE_LITE_TREE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* The script as a tree: made by the parser, annotated by the checker, walked by the interpreter
 * and never changed after the check. All of it lives in the script's arena. */

struct address_part;
struct command;
struct field_pick;
struct matching;
struct tag;
struct text_part;

struct place {
	unsigned line;   /* from 1 */
	unsigned column; /* from 1, in bytes */
};

/* A string of the script. */
struct text {
	struct place at;
	struct span literal; /* what stands there, quoting undone, line ends CR LF */
	/* Set by the checker where the value is only known at run time (variables). */
	const struct text_part *parts;
};

enum argument_kind {
	ARGUMENT_NUMBER,
	ARGUMENT_TEXTS, /* a string or a list of them */
	ARGUMENT_TAG,
};

struct argument {
	enum argument_kind kind;
	struct place at;
	bool is_list; /* in brackets */
	uint64_t number;
	struct text *texts;
	size_t count;
	struct span tag; /* without the colon */
	struct argument *next;
	/* Set by the checker, for tags. */
	const struct tag *meaning;
	struct argument *value; /* what follows a tag that wants something; else null */
};

#define NODE_POSITIONALS 4

/* What the checker knows of a test's result: of extensions that are there or not (RFC 5463), not
 * of "true" and "false", so that mistakes in what is switched off are told. */
enum node_outcome { OUTCOME_VARIES, OUTCOME_TRUE, OUTCOME_FALSE };

/* A command or a test. */
struct node {
	struct span name;
	struct place at;
	struct argument *arguments; /* as they stand there, tags and others */
	struct node *tests;
	struct place tests_at;
	bool has_test_list; /* in parentheses */
	bool has_block;
	struct node *block;
	struct node *next;
	/* Set by the checker. */
	const struct command *command;
	/* Of a test; of "if" and "elsif": nothing that follows in the chain is reached (true), or
	 * its own block is not (false). */
	enum node_outcome outcome;
	/* Can never run, so it was not checked: its tests and block must not be entered. */
	bool is_dead;
	struct argument *positionals[NODE_POSITIONALS]; /* null: optional and not given */
	struct matching *matching;                      /* null where it compares nothing */
	const struct address_part *address_part;        /* null: none was given */
	const struct argument *address_part_use;
	struct field_pick *pick;      /* null: every field of a name */
	const struct node *enclosing; /* of a break: the loop it ends */
	void *data;                   /* what the command's own check prepared for running */
};

/* The use of a tag that the checker accepted, or null. */
const struct argument *node_tag(const struct node *node, const char *name);

#endif
