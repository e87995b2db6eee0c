/* compile.c - source to a script that can be run: parse, and where that went well, check. */
#include "sieve-lite/checker.h"
#include "sieve-lite/parser.h"
#include "sieve-lite/script.h"

#include <string.h>

struct sieve_script *sieve_compile(struct arena *arena, struct span source,
    const struct sieve_compile_options *options, struct sieve_errors *errors)
{
	const char *name = arena_text(arena, span_of(options->name));
	struct problems problems = {arena, name, errors};
	unsigned errors_before = errors->error_count;
	struct node *first = parser_parse(arena, source, &problems);
	struct checker checker = {.arena = arena, .problems = &problems, .options = options};
	if (errors->error_count == errors_before)
		checker_check(&checker, first);
	if (errors->error_count != errors_before)
		return NULL;
	struct sieve_script *script = ARENA_NEW(arena, struct sieve_script);
	*script = (struct sieve_script){name, first, checker.features, {NULL}};
	memcpy(script->states, checker.states, sizeof(script->states));
	return script;
}
