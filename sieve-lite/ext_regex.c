/* ext_regex.c - match type :regex (draft-ietf-sieve-regex), run by PCRE2 without JIT.
 *
 * A pattern that would take too long is over a limit, and the script over its budget. Patterns
 * without variables are compiled with the script; all compiled ones live in its arena. The
 * differences between PCRE2 and POSIX ERE stand in doc/deviations.md. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/variables.h"

#include <string.h>

#define PATTERN_BYTES 8192
#define PATTERNS_BYTES ((size_t)8 * 1024 * 1024) /* compiled, of a whole script */
#define COMPILED_BYTES ((size_t)64 * 1024)       /* about the most that one pattern becomes */
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 4096
#define MATCH_STEPS 500 /* of the budget, for one match */
#define BYTES_PER_STEP 8

static void *take_memory(size_t size, void *arena)
{
	return arena_new_items(arena, 1, size);
}

static void leave_memory(void *memory, void *arena)
{
	(void)memory;
	(void)arena;
}

/* Null with `why_out` (of `why_size` bytes) filled. */
static pcre2_code *compile(struct arena *arena, const struct comparator *comparator,
    struct span pattern, char *why_out, size_t why_size)
{
	/* Whatever bytes a message has, they do not end the match. */
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL |
	                   PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
	int code;
	size_t offset;
	if (comparator->fold != NULL || comparator->prepare != NULL)
		options |= PCRE2_CASELESS;
	pcre2_general_context *memory =
	    pcre2_general_context_create(take_memory, leave_memory, arena);
	pcre2_compile_context *context = pcre2_compile_context_create(memory);
	pcre2_set_max_pattern_length(context, PATTERN_BYTES);
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, options, &code, &offset, context);
	if (compiled == NULL)
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why_out, why_size);
	return compiled;
}

/* All patterns of a script that are compiled with it. */
struct patterns {
	size_t bytes;
};

static bool is_within_limit(struct checker *checker, const pcre2_code *pattern)
{
	struct patterns *all = checker_state(checker, &ext_regex, sizeof(*all));
	size_t size = 0;
	pcre2_pattern_info(pattern, PCRE2_INFO_SIZE, &size);
	all->bytes += size;
	return all->bytes <= PATTERNS_BYTES;
}

/* The patterns of a test, one for each key; null where it has variables. */
static bool check_regex(struct checker *checker, struct node *node, struct matching *matching)
{
	const struct argument *keys = matching->keys;
	if (keys == NULL)
		return true;
	pcre2_code **patterns = arena_new_items(checker->arena, keys->count, sizeof(pcre2_code *));
	(void)node;
	matching->data = patterns;
	for (size_t i = 0; i < keys->count; i++) {
		char why[256] = "";
		if (!text_is_constant(&keys->texts[i]))
			continue;
		patterns[i] = compile(
		    checker->arena, matching->comparator, keys->texts[i].literal, why, sizeof(why));
		if (patterns[i] != NULL && is_within_limit(checker, patterns[i]))
			continue;
		problem_error(checker->problems, keys->texts[i].at, "%s%s",
		    patterns[i] == NULL ? "this is no regular expression: "
		                        : "the regular expressions of this script are too large",
		    why);
		return false;
	}
	return true;
}

static void set_matches(struct run *run, struct span value, pcre2_match_data *data, int count)
{
	struct span parts[LIMIT_MATCHES + 1];
	const size_t *offsets = pcre2_get_ovector_pointer(data);
	if (count > LIMIT_MATCHES + 1)
		count = LIMIT_MATCHES + 1;
	for (int i = 0; i < count; i++) {
		size_t start = offsets[2 * (size_t)i];
		size_t end = offsets[2 * (size_t)i + 1];
		parts[i] = SPAN("");
		/* A group that took no part; or, by \K, one that ends before it starts. */
		if (start != PCRE2_UNSET && start <= end)
			parts[i] = span_first(span_from(value, start), end - start);
	}
	run_set_matches(run, parts[0], parts + 1, (size_t)count - 1);
}

static bool execute(struct run *run, const pcre2_code *pattern, struct span value)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(pattern, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int count = PCRE2_ERROR_NOMEMORY;
	if (data != NULL && context != NULL) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		pcre2_set_depth_limit(context, DEPTH_LIMIT);
		pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
		count =
		    pcre2_match(pattern, (PCRE2_SPTR)value.data, value.len, 0, 0, data, context);
	}
	if (count > 0)
		set_matches(run, value, data, count);
	else if (count != PCRE2_ERROR_NOMATCH)
		run_fail(run, "this regular expression takes too many steps");
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return count > 0;
}

static bool matches_regex(struct match *match, struct span value, struct span key)
{
	struct run *run = match->run;
	pcre2_code *const *patterns = match->how->data;
	const pcre2_code *pattern = patterns[match->key_index];
	char why[256] = "";
	run_spend(run, MATCH_STEPS + value.len / BYTES_PER_STEP);
	if (pattern == NULL) {
		run_spend_bytes(run, COMPILED_BYTES + key.len);
		pattern = compile(run->arena, match->how->comparator, key, why, sizeof(why));
	}
	if (pattern == NULL) {
		run_fail(run, "this is no regular expression: %s", why);
		return false;
	}
	return run->unwind == UNWIND_NONE && execute(run, pattern, value);
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
