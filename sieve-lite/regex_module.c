/* regex_module.c - the module regex.so. It links nothing of ours. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "sieve-lite/regex_module.h"

#define PATTERN_BYTES 8192
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 4096

_Static_assert(PCRE2_UNSET == REGEX_NONE, "offsets are given as they are");

static void leave_memory(void *memory, void *context)
{
	(void)memory;
	(void)context;
}

static void *compile(void *(*take)(size_t size, void *context), void *context, const char *pattern,
    size_t len, bool ignores_case, char *why, size_t why_size)
{
	/* Whatever bytes a message has, they do not end the match. */
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL |
	                   PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
	int code;
	size_t offset;
	if (ignores_case)
		options |= PCRE2_CASELESS;
	pcre2_general_context *memory = pcre2_general_context_create(take, leave_memory, context);
	pcre2_compile_context *settings = pcre2_compile_context_create(memory);
	pcre2_set_max_pattern_length(settings, PATTERN_BYTES);
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &offset, settings);
	if (compiled == NULL)
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, why_size);
	return compiled;
}

static size_t size(const void *pattern)
{
	size_t bytes = 0;
	pcre2_pattern_info(pattern, PCRE2_INFO_SIZE, &bytes);
	return bytes;
}

static int match(
    const void *pattern, const char *value, size_t len, size_t (*groups_out)[2], int max)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(pattern, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int count = PCRE2_ERROR_NOMEMORY;
	if (data != NULL && context != NULL) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		pcre2_set_depth_limit(context, DEPTH_LIMIT);
		pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
		count = pcre2_match(pattern, (PCRE2_SPTR)value, len, 0, 0, data, context);
	}
	const size_t *offsets = data != NULL ? pcre2_get_ovector_pointer(data) : NULL;
	for (int i = 0; i < count && i < max; i++) {
		groups_out[i][0] = offsets[2 * (size_t)i];
		groups_out[i][1] = offsets[2 * (size_t)i + 1];
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	if (count > 0)
		return count < max ? count : max;
	return count == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_OVER_LIMIT;
}

extern const struct regex_module MODULE_RECORD;
MODULE_EXPORT const struct regex_module MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct regex_module)},
    .compile = compile,
    .size = size,
    .match = match,
};
