#include "deliver/front_options.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct arena *arena;
static struct front_options options;
static struct status status;

/* Parses blank-separated arguments ("''" is an empty one) and environment. */
static bool parse(const char *arguments, const char *environment, bool is_root)
{
	static char *argv[32];
	static char *env[32];
	char **lists[] = {argv, env};
	int counts[2] = {0, 0};
	const char *texts[] = {arguments, environment};
	for (int i = 0; i < 2; i++) {
		struct span rest = span_of(texts[i]);
		struct span word;
		if (i == 0)
			lists[0][counts[0]++] = arena_text(arena, SPAN("deliver"));
		while (rest.len > 0 && span_next_piece(&rest, ' ', &word))
			lists[i][counts[i]++] =
			    arena_text(arena, span_is(word, "''") ? SPAN("") : word);
		lists[i][counts[i]] = NULL;
	}
	return front_options_parse(arena, counts[0], argv, env, is_root, &options, &status);
}

START_TEST(what_cannot_work_is_a_temporary_failure_that_says_why)
{
	static const struct {
		const char *arguments;
		bool is_root;
		const char *text;
	} rows[] = {
	    {"-d a b@x c@x", false,
	        "several recipients: set <transport>_destination_recipient_limit = 1"},
	    {"-d a -- b@x", false,
	        "several recipients: set <transport>_destination_recipient_limit = 1"},
	    {"-x", false, "unknown option -x: see deliver --help"},
	    {"--frobnicate", false, "unknown option --frobnicate: see deliver --help"},
	    {"-d", false, "option -d needs a value"},
	    {"-f a@b", true, "started as root without -d USER"},
	    {"-m \xFF", false, "the folder of -m is not valid UTF-8"},
	};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(!parse(rows[i].arguments, "", rows[i].is_root), "row %zu", i);
		ck_assert_str_eq(status.text, rows[i].text);
		ck_assert_int_eq(status_exit(&status), 75);
		ck_assert_str_eq(status_enhanced(&status), "4.3.5");
	}
	arena_free(&arena);
}
END_TEST

START_TEST(options_of_dovecot_lda)
{
	arena = arena_new();
	ck_assert(
	    parse("-ek -d anna -f <> -a o@x -r r@x -m Work -c /c -o a=b -oc=d -p /m --", "", true));
	ck_assert(span_is(options.user_name, "anna"));
	ck_assert(options.sender.data != NULL && options.sender.len == 0);
	ck_assert(span_is(options.original, "o@x") && span_is(options.recipient, "r@x"));
	ck_assert(span_is(options.folder, "Work"));
	ck_assert_str_eq(options.config_path, "/c");
	ck_assert_str_eq(options.message_path, "/m");
	ck_assert_uint_eq(options.override_count, 2);
	ck_assert_str_eq(options.overrides[1], "c=d");
	ck_assert(parse("-d anna -m '' -f ''", "", true));
	ck_assert_ptr_null(options.folder.data);
	ck_assert(options.sender.data != NULL && options.sender.len == 0);
	ck_assert(parse("-d anna -f MAILER-DAEMON", "", true) && options.sender.len == 0);
	ck_assert(parse("--help", "", true) && options.wants_help);
	arena_free(&arena);
}
END_TEST

#define ENVIRONMENT "USER=u HOME=/h SENDER=s@x RECIPIENT=u+e@x EXTENSION=e ORIGINAL_RECIPIENT=o@x"

START_TEST(the_environment_counts_only_for_oneself)
{
	arena = arena_new();
	ck_assert(parse("", ENVIRONMENT, false));
	ck_assert(span_is(options.login, "u") && span_is(options.home, "/h"));
	ck_assert(span_is(options.sender, "s@x") && span_is(options.recipient, "u+e@x"));
	ck_assert(span_is(options.detail, "e") && span_is(options.original, "o@x"));
	ck_assert(parse("-f x@y -r z@y", ENVIRONMENT, false));
	ck_assert(span_is(options.sender, "x@y") && span_is(options.recipient, "z@y"));
	ck_assert(parse("-d anna", ENVIRONMENT, false));
	ck_assert_ptr_null(options.sender.data);
	ck_assert_ptr_null(options.recipient.data);
	ck_assert_ptr_null(options.home.data);
	ck_assert(parse("-d anna", ENVIRONMENT, true));
	ck_assert_ptr_null(options.original.data);
	/* Exim's words, an empty sender, empty others. */
	ck_assert(parse("", "LOCAL_PART_SUFFIX=+lists SENDER= RECIPIENT= USER= LOGNAME=l", false));
	ck_assert(span_is(options.detail, "lists") && span_is(options.login, "l"));
	ck_assert(options.sender.data != NULL && options.sender.len == 0);
	ck_assert_ptr_null(options.recipient.data);
	ck_assert(parse("", "SENDER=MAILER-DAEMON LOCAL_PART_SUFFIX=", false));
	ck_assert_uint_eq(options.sender.len, 0);
	ck_assert_ptr_null(options.detail.data);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("front options", what_cannot_work_is_a_temporary_failure_that_says_why,
    options_of_dovecot_lda, the_environment_counts_only_for_oneself)
