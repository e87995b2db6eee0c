#ifndef SIEVE_LITE_PARSER_H
#define SIEVE_LITE_PARSER_H

#include "base/arena.h"
#include "sieve-lite/problems.h"
#include "sieve-lite/tree.h"

/* Tokens to a tree (RFC 5228 8.2). Gives the first command, null for an empty script. What is
 * wrong is in `problems`; parsing goes on behind the next ';' or block, so that one mistake is
 * one message. The tree is complete only when there were no errors. `source` (borrowed) must
 * live as long as the tree, of which `max_nodes` (LIMIT_NODES) commands, tests, arguments and
 * strings are taken. */
struct node *parser_parse(
    struct arena *arena, struct span source, unsigned max_nodes, struct problems *problems);

#endif
