/* compile.c - source to a script that can be run: parse, and where that went well, check. */
#include "sieve-lite/checker.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/parser.h"
#include "sieve-lite/script.h"
#include "sieve-lite/warnings.h"

#include <string.h>

static struct sieve_script *compile(
    struct checker *checker, struct problems *problems, struct span source)
{
	unsigned errors_before = problems->errors->error_count;
	/* The tree borrows names from its source. */
	source = arena_span(checker->arena, span_first(source, LIMIT_SCRIPT_BYTES + 1));
	/* Only tests have commands of a guest. */
	struct node *first = parser_parse(checker->arena, source,
	    checker->options->guest != NULL ? LIMIT_TEST_NODES : LIMIT_NODES, problems);
	if (problems->errors->error_count == errors_before)
		checker_check(checker, first);
	for (size_t i = 0; i < registry_count(); i++) {
		if (registry_extension(i)->finish != NULL &&
		    problems->errors->error_count == errors_before)
			registry_extension(i)->finish(checker);
	}
	if (problems->errors->error_count != errors_before)
		return NULL;
	if (checker->options->finds_warnings)
		warnings_find(problems, first);
	struct sieve_script *script = ARENA_NEW(checker->arena, struct sieve_script);
	*script = (struct sieve_script){.name = problems->script,
	    .options = checker->options->options,
	    .first = first,
	    .features = checker->features};
	memcpy(script->states, checker->states, sizeof(script->states));
	return script;
}

struct sieve_script *checker_compile(struct checker *outer, const char *name,
    const struct sieve_compile_options *options, struct span source)
{
	struct problems problems = {outer->arena, name, outer->problems->errors};
	struct checker checker = {
	    .arena = outer->arena, .problems = &problems, .options = options, .outer = outer};
	return compile(&checker, &problems, source);
}

struct sieve_script *sieve_compile(struct arena *arena, struct span source,
    const struct sieve_compile_options *options, struct sieve_errors *errors)
{
	struct problems problems = {arena, arena_text(arena, span_of(options->name)), errors};
	struct sieve_compile_options filled = *options;
	if (filled.options == NULL)
		filled.options = &sieve_options_default;
	struct checker checker = {.arena = arena, .problems = &problems, .options = &filled};
	return compile(&checker, &problems, source);
}

struct sieve_script *sieve_script_as(
    struct arena *arena, const struct sieve_script *script, const char *name)
{
	struct sieve_script *copy = ARENA_NEW(arena, struct sieve_script);
	*copy = *script;
	copy->name = name;
	return copy;
}
