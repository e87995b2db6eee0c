/* fuzz_quota.c - what users and other programs write: maildirsize, names in a Maildir, masks, and
 * fields of user sources. What is read must be what would be written back. */
#include "quota/maildirsize.h"
#include "quota/scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void try_maildirsize(struct span text)
{
	struct maildirsize contents;
	struct maildirsize again;
	struct bytes written = {0};
	if (!maildirsize_parse(text, &contents))
		return;
	require(contents.usage.storage_bytes <= INT64_MAX);
	require(contents.usage.message_count <= INT64_MAX);
	maildirsize_print(&written, &contents.definition, &contents.usage);
	require(maildirsize_parse(bytes_span(&written), &again) && again.line_count == 1);
	require(memcmp(&contents.definition, &again.definition, sizeof(again.definition)) == 0);
	require(memcmp(&contents.usage, &again.usage, sizeof(again.usage)) == 0);
	bytes_clear(&written);
}

static void try_names(struct span text)
{
	struct bytes name = {0};
	uint64_t bytes;
	bytes_append_span(&name, text);
	if (quota_scan_size_in_name(bytes_terminate(&name), &bytes))
		require(bytes <= INT64_MAX);
	bytes_reset(&name);
	quota_scan_folder_name(text, false, &name);
	bytes_reset(&name);
	quota_scan_folder_name(text, true, &name);
	require(span_equals(bytes_span(&name), text));
	bytes_clear(&name);
	struct span mask = span_first(text, span_find(text, '\n'));
	quota_mask_fits(mask, span_from(text, mask.len + 1));
	require(quota_mask_fits(SPAN("*"), text));
}

static void try_field(struct span text)
{
	struct arena *arena = arena_new();
	struct span name = span_first(text, span_find(text, '='));
	struct quota_rule rule;
	struct quota_rules rules;
	struct status status;
	if (quota_rule_from_field(arena, name, span_from(text, name.len + 1), &rule, &status) ==
	    QUOTA_FIELD_RULE) {
		require(quota_rules_parse(arena, &rule, 1, &rules, &status));
		quota_rules_limit(&rules, SPAN("Trash"));
		quota_rules_ignores(&rules, SPAN(""));
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct span text = {(const char *)data + 1, size - 1};
	switch (data[0] % 3) {
	case 0:
		try_maildirsize(text);
		break;
	case 1:
		try_names(text);
		break;
	default:
		try_field(text);
	}
	return 0;
}
