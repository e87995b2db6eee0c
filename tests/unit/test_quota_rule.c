#include "quota/rule.h"
#include "tests/unit/unit.h"

#include <string.h>

#define M (1024 * 1024ULL)

START_TEST(masks_fit_whole_names)
{
	static const struct {
		const char *mask;
		const char *name;
		bool fits;
	} rows[] = {
	    {"Trash", "Trash", true},
	    {"Trash", "Trash.old", false},
	    {"Trash", "trash", false},
	    {"Trash*", "Trash.old", true},
	    {"Trash%", "Trash.old", false},
	    {"%", "Trash", true},
	    {"%", "a.b", false},
	    {"*", "a.b", true},
	    {"", "", true},
	    {"", "a", false},
	    {"*.%", "a.b.c", true},
	    {"%.%", "a.b.c", false},
	    {"*.Spam", "lists.a.Spam", true},
	    {"*.Spam", "Spam", false},
	    {"*a%b", "a.b.axb", true},
	    {"%a.%b", "xa.yb", true},
	    {"%a.%b", "xa.y.b", false},
	    {"*%*", "a.b", true},
	    {"a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	        false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(
		    quota_mask_fits(span_of(rows[i].mask), span_of(rows[i].name)) == rows[i].fits,
		    "\"%s\" against \"%s\"", rows[i].mask, rows[i].name);
}
END_TEST

/* Mailbox of 1G and 1000 messages for everyone; a user's rule stands before. */
static const struct quota_rule site[] = {
    {"*", "1G", "1000"},
    {"Trash", "+100M", "+10%"},
    {"Small", "-2G", NULL},
    {"Junk", "ignore", NULL},
    {"lists/%", "500M", NULL},
    {"INBOX/below*", "+1M", NULL},
    {"Free", "unlimited", "unlimited"},
    {"INBOX", "-24M", NULL},
};

START_TEST(the_first_rule_that_says_something_counts)
{
	static const struct {
		const char *folder;
		uint64_t storage_bytes;
		uint64_t message_count;
		bool is_ignored;
	} rows[] = {
	    {"", 1000 * M, 1000, false},
	    {"Other", 1024 * M, 1000, false},
	    {"Trash", 1124 * M, 1100, false},
	    {"Small", 1, 1000, false},
	    {"Junk", 1024 * M, 1000, true},
	    {"lists.c", 500 * M, 1000, false},
	    {"lists.c.old", 1024 * M, 1000, false},
	    {"below", 1025 * M, 1000, false},
	    {"Free", 0, 0, false},
	};
	struct arena *arena = arena_new();
	struct quota_rules rules;
	struct status status;
	ck_assert(quota_rules_parse(arena, site, sizeof(site) / sizeof(site[0]), &rules, &status));
	ck_assert(quota_rules_has_limit(&rules));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span folder = span_of(rows[i].folder);
		struct quota_limit limit = quota_rules_limit(&rules, folder);
		ck_assert_msg(limit.storage_bytes == rows[i].storage_bytes, "%s: %llu",
		    rows[i].folder, (unsigned long long)limit.storage_bytes);
		ck_assert_uint_eq(limit.message_count, rows[i].message_count);
		ck_assert(quota_rules_ignores(&rules, folder) == rows[i].is_ignored);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(a_user_s_own_rule_goes_before_the_site_s)
{
	struct arena *arena = arena_new();
	struct quota_rules rules;
	struct status status;
	struct quota_rule both[] = {
	    {"*", "unlimited", NULL}, {"*", "1G", "7"}, {"Trash", "+1M", NULL}};
	ck_assert(quota_rules_parse(arena, both, 3, &rules, &status));
	ck_assert_uint_eq(rules.base.storage_bytes, 0);
	ck_assert_uint_eq(rules.base.message_count, 7);
	/* More than unlimited is unlimited. */
	ck_assert_uint_eq(quota_rules_limit(&rules, SPAN("Trash")).storage_bytes, 0);
	both[1].messages = NULL;
	ck_assert(quota_rules_parse(arena, both, 3, &rules, &status));
	ck_assert(!quota_rules_has_limit(&rules));
	ck_assert(quota_rules_parse(arena, NULL, 0, &rules, &status));
	ck_assert(!quota_rules_has_limit(&rules));
	arena_free(&arena);
}
END_TEST

START_TEST(nonsense_is_the_configuration_s_fault)
{
	static const struct quota_rule rows[] = {
	    {"*", "1X", NULL},
	    {"*", "+1G", NULL},
	    {"*", "10%", NULL},
	    {"*", "1 G", NULL},
	    {"*", NULL, "1K"},
	    {"*", NULL, "-1"},
	    {"Trash", "+", NULL},
	    {"Trash", "+%", NULL},
	    {"Trash", "+9999999999%", NULL},
	    {"Trash", "+99999999999999999999", NULL},
	    {"Trash", NULL, "ignore"},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quota_rules rules;
		struct status status = {0};
		ck_assert_msg(
		    !quota_rules_parse(arena, &rows[i], 1, &rules, &status), "row %zu", i);
		ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
		ck_assert_ptr_nonnull(strstr(status.detail, rows[i].folder));
	}
	arena_free(&arena);
}
END_TEST

START_TEST(fields_of_other_systems_are_understood)
{
	static const struct {
		const char *name;
		const char *value;
		enum quota_field answer;
		const char *folder;
		uint64_t storage_bytes; /* of the folder, on top of a site's 1G and 1000 */
		uint64_t message_count;
	} rows[] = {
	    {"quota_storage", "2G", QUOTA_FIELD_RULE, "", 2048 * M, 1000},
	    {"quota_storage", "0", QUOTA_FIELD_RULE, "", 0, 1000},
	    {"quota_messages", "5", QUOTA_FIELD_RULE, "", 1024 * M, 5},
	    {"quota_storage_size", "5M", QUOTA_FIELD_RULE, "", 5 * M, 1000},
	    {"quota_message_count", "5", QUOTA_FIELD_RULE, "", 1024 * M, 5},
	    {"quota_rule", "*:storage=1G:messages=1000", QUOTA_FIELD_RULE, "", 1024 * M, 1000},
	    {"quota_rule", "*:storage=1024", QUOTA_FIELD_RULE, "", 1 * M, 1000},
	    {"quota_rule", "*:bytes=1024", QUOTA_FIELD_RULE, "", 1024, 1000},
	    {"quota_rule", "?:storage=3M", QUOTA_FIELD_RULE, "", 3 * M, 1000},
	    {"quota_rule2", "Trash:storage=+100M", QUOTA_FIELD_RULE, "Trash", 1124 * M, 1000},
	    {"quota_rule2", "Trash:storage=100M", QUOTA_FIELD_RULE, "Trash", 1124 * M, 1000},
	    {"quota_rule2", "Trash:storage=-24M", QUOTA_FIELD_RULE, "Trash", 1000 * M, 1000},
	    {"quota_rule3", "Trash:messages=10%", QUOTA_FIELD_RULE, "Trash", 1024 * M, 1100},
	    {"quota_rule", "Trash:ignore", QUOTA_FIELD_RULE, "Trash", 1024 * M, 1000},
	    {"quota_rule", "*:backend=1000000S,10C", QUOTA_FIELD_RULE, "", 1000000, 10},
	    {"quota", "1000000S,1000C", QUOTA_FIELD_RULE, "", 1000000, 1000},
	    {"quota", "1000000S", QUOTA_FIELD_RULE, "", 1000000, 0},
	    {"quota", "NOQUOTA", QUOTA_FIELD_RULE, "", 0, 0},
	    {"quota", "maildir:User quota", QUOTA_FIELD_OTHER, "", 0, 0},
	    {"quota", "", QUOTA_FIELD_OTHER, "", 0, 0},
	    {"quota_ruler", "*:storage=1G", QUOTA_FIELD_OTHER, "", 0, 0},
	    {"mail", "1G", QUOTA_FIELD_OTHER, "", 0, 0},
	    {"quota", "1000000", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota", "1S,", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", "*", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", "*:", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", "*:storage=", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", "*:storage=+1G", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", "*:size=1G", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_rule", ":::=:", QUOTA_FIELD_NONSENSE, "", 0, 0},
	    {"quota_storage", "lots", QUOTA_FIELD_NONSENSE, "", 0, 0},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quota_rule rule[2] = {{0}, {"*", "1G", "1000"}};
		struct quota_rules rules;
		struct status status = {0};
		ck_assert_msg(quota_rule_from_field(arena, span_of(rows[i].name),
		                  span_of(rows[i].value), &rule[0], &status) == rows[i].answer,
		    "%s=%s", rows[i].name, rows[i].value);
		ck_assert(
		    status.cause == (rows[i].answer == QUOTA_FIELD_NONSENSE ? CAUSE_CONFIGURATION
		                                                            : CAUSE_DELIVERED));
		if (rows[i].answer != QUOTA_FIELD_RULE)
			continue;
		ck_assert(quota_rules_parse(arena, rule, 2, &rules, &status));
		struct quota_limit limit = quota_rules_limit(&rules, span_of(rows[i].folder));
		ck_assert_msg(limit.storage_bytes == rows[i].storage_bytes &&
		                  limit.message_count == rows[i].message_count,
		    "%s=%s", rows[i].name, rows[i].value);
		ck_assert(quota_rules_ignores(&rules, SPAN("Trash")) ==
		          (strstr(rows[i].value, "ignore") != NULL));
	}
	arena_free(&arena);
}
END_TEST

START_TEST(judgement)
{
	static const struct {
		uint64_t limit, used, more, grace;
		enum quota_answer storage;  /* the figures taken as bytes */
		enum quota_answer messages; /* the same as messages */
	} rows[] = {
	    {0, UINT64_MAX, UINT64_MAX, 0, QUOTA_FITS, QUOTA_FITS},
	    {100, 0, 100, 0, QUOTA_FITS, QUOTA_FITS},
	    {100, 90, 10, 0, QUOTA_FITS, QUOTA_FITS},
	    {100, 90, 11, 0, QUOTA_FULL, QUOTA_FULL},
	    {100, 90, 11, 1, QUOTA_FITS_IN_GRACE, QUOTA_FULL},
	    {100, 99, 11, 10, QUOTA_FITS_IN_GRACE, QUOTA_FULL},
	    {100, 99, 12, 10, QUOTA_FULL, QUOTA_FULL},
	    {100, 100, 1, 10, QUOTA_FULL, QUOTA_FULL},
	    {100, 100, 0, 10, QUOTA_FITS, QUOTA_FITS},
	    {100, 0, 101, 0, QUOTA_NEVER_FITS, QUOTA_NEVER_FITS},
	    {100, 0, 110, 10, QUOTA_FITS_IN_GRACE, QUOTA_NEVER_FITS},
	    {100, 0, 111, 10, QUOTA_NEVER_FITS, QUOTA_NEVER_FITS},
	    {100, 50, 105, 10, QUOTA_FULL, QUOTA_NEVER_FITS},
	    {100, UINT64_MAX, 1, UINT64_MAX, QUOTA_FULL, QUOTA_FULL},
	    {100, 1, UINT64_MAX, 0, QUOTA_NEVER_FITS, QUOTA_NEVER_FITS},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quota_limit limit = {rows[i].limit, 0};
		struct quota_usage used = {rows[i].used, UINT64_MAX};
		struct quota_usage more = {rows[i].more, UINT64_MAX};
		ck_assert_msg(quota_judge(&limit, &used, &more, rows[i].grace) == rows[i].storage,
		    "row %zu", i);
		limit = (struct quota_limit){0, rows[i].limit};
		used = (struct quota_usage){UINT64_MAX, rows[i].used};
		more = (struct quota_usage){UINT64_MAX, rows[i].more};
		ck_assert_msg(quota_judge(&limit, &used, &more, rows[i].grace) == rows[i].messages,
		    "row %zu as messages", i);
	}
	/* The severer of the two counts. */
	struct quota_limit limit = {100, 10};
	struct quota_usage used = {0, 10};
	struct quota_usage more = {10, 1};
	ck_assert(quota_judge(&limit, &used, &more, 0) == QUOTA_FULL);
	more.storage_bytes = 1000;
	ck_assert(quota_judge(&limit, &used, &more, 0) == QUOTA_NEVER_FITS);
}
END_TEST

START_TEST(the_highest_warning_reached_is_due)
{
	static const struct quota_warning warnings[] = {{80}, {100}, {95}};
	static const struct {
		struct quota_usage before;
		struct quota_usage after;
		struct quota_limit limit;
		size_t due; /* 3: none */
	} rows[] = {
	    {{0, 0}, {79, 0}, {100, 0}, 3},
	    {{79, 0}, {80, 0}, {100, 0}, 0},
	    {{80, 0}, {94, 0}, {100, 0}, 3},
	    {{94, 0}, {99, 0}, {100, 0}, 2},
	    {{0, 0}, {99, 0}, {100, 0}, 2},
	    {{0, 0}, {120, 0}, {100, 0}, 1},
	    {{100, 0}, {120, 0}, {100, 0}, 3},
	    {{90, 0}, {10, 0}, {100, 0}, 3},
	    {{0, 94}, {0, 95}, {0, 100}, 2},
	    {{0, 94}, {80, 95}, {100, 100}, 2},
	    {{0, 0}, {UINT64_MAX, UINT64_MAX}, {0, 0}, 3},
	    {{0, 0}, {UINT64_MAX, 0}, {UINT64_MAX, 0}, 1},
	    /* Of one message, no part can be reached. */
	    {{0, 0}, {0, 1}, {0, 1}, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quota_change change = {rows[i].before, rows[i].after, rows[i].limit};
		ck_assert_msg(quota_warning_due(warnings, 3, &change) == rows[i].due, "row %zu", i);
		ck_assert_uint_eq(quota_warning_due(warnings, 0, &change), 0);
	}
}
END_TEST

START_TEST(a_warning_is_a_percentage)
{
	static const char *const bad[] = {
	    "", "%", "95", "0%", "101%", "-5%", "9 5%", "storage=95%"};
	struct quota_warning warning;
	ck_assert(quota_warning_parse(SPAN("95%"), &warning) && warning.percent == 95);
	ck_assert(quota_warning_parse(SPAN("100%"), &warning) && warning.percent == 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!quota_warning_parse(span_of(bad[i]), &warning), "%s", bad[i]);
}
END_TEST

UNIT_TESTS("quota rules", masks_fit_whole_names, the_first_rule_that_says_something_counts,
    a_user_s_own_rule_goes_before_the_site_s, nonsense_is_the_configuration_s_fault,
    fields_of_other_systems_are_understood, judgement, the_highest_warning_reached_is_due,
    a_warning_is_a_percentage)
