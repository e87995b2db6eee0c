/* ext_regex.c - match type :regex (draft-ietf-sieve-regex), run by PCRE2 without JIT.
 *
 * A pattern that would take too long is over a limit, and the script over its budget. Patterns
 * without variables are compiled with the script; all compiled ones live in its arena. The
 * differences between PCRE2 and POSIX ERE stand in doc/deviations.md. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/regex_module.h"
#include "sieve-lite/variables.h"

#include <string.h>

#define PATTERNS_BYTES ((size_t)8 * 1024 * 1024) /* compiled, of a whole script */
#define COMPILED_BYTES ((size_t)64 * 1024)       /* about the most that one pattern becomes */
#define MATCH_STEPS 500                          /* of the budget, for one match */
#define BYTES_PER_STEP 8
#define WHY_BYTES 512

static const struct regex_module *load(char why[WHY_BYTES])
{
	return (const struct regex_module *)module_load(
	    "regex", sizeof(struct regex_module), why, WHY_BYTES);
}

static void *take_memory(size_t size, void *arena)
{
	return arena_new_items(arena, 1, size);
}

/* Null with `why` filled. */
static void *compile(const struct regex_module *module, struct arena *arena,
    const struct comparator *comparator, struct span pattern, char why[WHY_BYTES])
{
	bool ignores_case = comparator->fold != NULL || comparator->prepare != NULL;
	return module->compile(
	    take_memory, arena, pattern.data, pattern.len, ignores_case, why, WHY_BYTES);
}

/* What a script has of this feature while it is checked. */
struct patterns {
	const struct regex_module *module;
	bool is_looked_for;
	size_t bytes; /* of all that are compiled with it */
};

/* Null, with a warning, where it cannot be loaded now; that is no mistake of the script's, and
 * tried again when it runs. */
static struct patterns *patterns_of(struct checker *checker, const struct node *node)
{
	struct patterns *all = checker_state(checker, &ext_regex, sizeof(*all));
	char why[WHY_BYTES] = "";
	if (!all->is_looked_for)
		all->module = load(why);
	if (!all->is_looked_for && all->module == NULL)
		problem_warning(checker->problems, node->at,
		    "regular expressions cannot be checked at the moment: %s", why);
	all->is_looked_for = true;
	return all->module != NULL ? all : NULL;
}

/* The patterns of a test, one for each key; null where it has variables. */
static bool check_regex(struct checker *checker, struct node *node, struct matching *matching)
{
	const struct argument *keys = matching->keys;
	struct patterns *all = patterns_of(checker, node);
	if (keys == NULL)
		return true;
	void **patterns = arena_new_items(checker->arena, keys->count, sizeof(*patterns));
	matching->data = patterns;
	for (size_t i = 0; i < keys->count && all != NULL; i++) {
		char why[WHY_BYTES] = "";
		if (!text_is_constant(&keys->texts[i]))
			continue;
		patterns[i] = compile(
		    all->module, checker->arena, matching->comparator, keys->texts[i].literal, why);
		if (patterns[i] != NULL)
			all->bytes += all->module->size(patterns[i]);
		if (patterns[i] != NULL && all->bytes <= PATTERNS_BYTES)
			continue;
		problem_error(checker->problems, keys->texts[i].at, "%s%s",
		    patterns[i] == NULL ? "this is no regular expression: "
		                        : "the regular expressions of this script are too large",
		    why);
		return false;
	}
	return true;
}

/* Of a run. */
struct found {
	const struct regex_module *module;
};

static const struct regex_module *module_of(struct run *run)
{
	struct found *found = run_state(run, &ext_regex, sizeof(*found));
	char why[WHY_BYTES] = "";
	if (found->module == NULL)
		found->module = load(why);
	if (found->module == NULL)
		run_cannot_tell(run, arena_textf(run->arena, "what matches (%s)", why));
	return found->module;
}

static bool execute(
    struct run *run, const struct regex_module *module, const void *pattern, struct span value)
{
	size_t groups[LIMIT_MATCHES + 1][2];
	struct span parts[LIMIT_MATCHES + 1];
	int count = module->match(pattern, value.data, value.len, groups, LIMIT_MATCHES + 1);
	if (count == REGEX_OVER_LIMIT)
		run_fail(run, "this regular expression takes too many steps");
	for (int i = 0; i < count; i++) {
		size_t start = groups[i][0];
		size_t end = groups[i][1];
		parts[i] = SPAN("");
		/* A group that took no part; or, by \K, one that ends before it starts. */
		if (start != REGEX_NONE && start <= end)
			parts[i] = span_first(span_from(value, start), end - start);
	}
	if (count > 0)
		run_set_matches(run, parts[0], parts + 1, (size_t)count - 1);
	return count > 0;
}

static bool matches_regex(struct match *match, struct span value, struct span key)
{
	struct run *run = match->run;
	void *const *patterns = match->how->data;
	const void *pattern = patterns[match->key_index];
	const struct regex_module *module = module_of(run);
	char why[WHY_BYTES] = "";
	run_spend(run, MATCH_STEPS + value.len / BYTES_PER_STEP);
	if (pattern == NULL)
		run_spend_bytes(run, COMPILED_BYTES + key.len);
	if (run->unwind != UNWIND_NONE)
		return false;
	if (pattern == NULL)
		pattern = compile(module, run->arena, match->how->comparator, key, why);
	if (pattern == NULL)
		run_fail(run, "this is no regular expression: %s", why);
	return pattern != NULL && execute(run, module, pattern, value);
}

/*	set :quoteregex	(precedence 20) */
static struct span modify_quoteregex(struct run *run, struct span value)
{
	struct bytes quoted = {0};
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] != '\0' && strchr("\\^$.[]|()?*+{}", value.data[i]) != NULL)
			bytes_append_byte(&quoted, '\\');
		bytes_append_byte(&quoted, value.data[i]);
	}
	struct span copy = arena_span(run->arena, bytes_span(&quoted));
	bytes_clear(&quoted);
	return copy;
}

static const struct match_type match_types[] = {
    {.name = "regex", .is_substring = true, .check = check_regex, .matches = matches_regex},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "quoteregex",
        .on = VARIABLE_SETTERS,
        .group = "quote",
        .precedence = 20,
        .modify = modify_quoteregex},
    {.name = NULL},
};

const struct extension ext_regex = {
    .name = "regex",
    .document = "draft-ietf-sieve-regex-01",
    .tags = tags,
    .match_types = match_types,
};
