#include "users/users.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static char dir[64];
static char path[3][100];

/* Up to three password files. */
static void enter(const char *first, const char *second, const char *third)
{
	const char *const files[] = {first, second, third};
	snprintf(dir, sizeof(dir), "/tmp/ladle-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (int i = 0; i < 3; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
		if (files[i] == NULL)
			continue;
		FILE *file = fopen(path[i], "w");
		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fputs(files[i], file), 0);
		ck_assert_int_eq(fclose(file), 0);
	}
	arena = arena_new();
}

static void leave(void)
{
	for (int i = 0; i < 3; i++)
		unlink(path[i]);
	ck_assert_int_eq(rmdir(dir), 0);
	arena_free(&arena);
}

static struct user_source_options file_source(int number)
{
	return (struct user_source_options){.title = number == 0   ? "first"
	                                             : number == 1 ? "second"
	                                                           : "third",
	    .driver = "passwd-file",
	    .path = path[number],
	    .uid = -1,
	    .gid = -1};
}

static struct users *open_users(
    const struct user_source_options *sources, size_t count, const char *delimiters)
{
	struct status status;
	struct users_options options = {.sources = sources,
	    .source_count = count,
	    .recipient_delimiter = delimiters,
	    .fold_case = true,
	    .first_valid_uid = 1000,
	    .timeout_ms = 1000};
	struct users *users = users_open(&options, &status);
	ck_assert_msg(users != NULL, "%s", status.detail);
	return users;
}

static enum user_answer look_up(
    struct users *users, const char *text, struct user *user_out, struct status *status)
{
	struct address address;
	ck_assert(address_parse(arena, span_of(text), &address, NULL));
	return users_lookup(users, arena, &address, user_out, status);
}

static const char *text_of(struct span span)
{
	return arena_text(arena, span);
}

START_TEST(each_answer_has_its_cause_and_text)
{
	static const struct {
		const char *address;
		enum user_answer answer;
		enum cause cause;
		const char *text, *detail;
	} rows[] = {
	    {"anna@example.org", USER_FOUND, CAUSE_DELIVERED, "", ""},
	    {"\"\"@x.org", USER_UNKNOWN, CAUSE_USER_UNKNOWN,
	        "<\"\"@x.org> User doesn't exist: \"\"@x.org",
	        "no source of users has \"\"\"@x.org\""},
	    {"Nobody@Example.org", USER_UNKNOWN, CAUSE_USER_UNKNOWN,
	        "<Nobody@Example.org> User doesn't exist: Nobody@Example.org",
	        "no source of users has \"Nobody@Example.org\""},
	    {"off", USER_DISABLED, CAUSE_USER_DISABLED, "Mailbox is disabled", ":2: delivery=no"},
	    {"wait", USER_ON_HOLD, CAUSE_USER_ON_HOLD, "Mailbox does not accept mail at the moment",
	        ":3: delivery=hold"},
	    {"perhaps", USER_CANNOT_TELL, CAUSE_CONFIGURATION,
	        "Mail system is not configured correctly",
	        ":4: delivery=perhaps: must be yes, no or hold"},
	    {"root", USER_CANNOT_TELL, CAUSE_CONFIGURATION,
	        "Mail system is not configured correctly", "alias for a person"},
	    {"daemon", USER_CANNOT_TELL, CAUSE_CONFIGURATION,
	        "Mail system is not configured correctly",
	        ":6: user \"daemon\" has uid 999, below first_valid_uid (1000)"},
	    {"noid", USER_CANNOT_TELL, CAUSE_CONFIGURATION,
	        "Mail system is not configured correctly",
	        ":7: user \"noid\" has no uid, and users \"first\" sets none"},
	    {"relative", USER_CANNOT_TELL, CAUSE_CONFIGURATION,
	        "Mail system is not configured correctly", "does not begin with \"/\""},
	    {"homeless", USER_FOUND, CAUSE_DELIVERED, "", ""},
	};
	enter("anna:x:1000:1000::/home/anna::delivery=yes\n"
	      "off:x:1000:1000::/home/off::delivery=no\n"
	      "wait:x:1000:1000::/home/wait::delivery=hold\n"
	      "perhaps:x:1000:1000::/home/perhaps::delivery=perhaps\n"
	      "root:x:0:0::/root::\n"
	      "daemon:x:999:999::/home/daemon::\n"
	      "noid:x:::::\n"
	      "relative:x:1000:1000::home/relative::\n"
	      "homeless:x:1000:1000\n",
	    NULL, NULL);
	struct user_source_options source = file_source(0);
	struct users *users = open_users(&source, 1, "+");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user user;
		struct status status = {.cause = CAUSE_DELIVERED};
		ck_assert_msg(look_up(users, rows[i].address, &user, &status) == rows[i].answer,
		    "%s: %s", rows[i].address, status.detail);
		ck_assert_int_eq(status.cause, rows[i].cause);
		ck_assert_str_eq(status.text, rows[i].text);
		ck_assert_msg(strstr(status.detail, rows[i].detail) != NULL, "%s", status.detail);
	}
	users_close(&users);
	ck_assert_ptr_null(users);
	leave();
}
END_TEST

START_TEST(the_first_source_that_can_tell_ends_the_search)
{
	static const struct {
		const char *first, *second, *third; /* files */
		enum user_answer answer;
		const char *source;
	} rows[] = {
	    {"anna::1001:1001::/a::\n", "anna::1002:1002::/a::\n", "x:\n", USER_FOUND, "first"},
	    {"x:\n", "anna::1002:1002::/a::\n", NULL, USER_FOUND, "second"},
	    {"x:\n", "y:\n", "z:\n", USER_UNKNOWN, NULL},
	    {"x:\n", "", "anna::1002:1002::/a::\n", USER_CANNOT_TELL, NULL},
	    {"x:\n", NULL, "anna::1002:1002::/a::\n", USER_CANNOT_TELL, NULL},
	    {"x:\n", "y:\n", NULL, USER_CANNOT_TELL, NULL},
	    {"x:\n", "y:\n", "z:", USER_CANNOT_TELL, NULL},
	    {"anna:::::::delivery=what\n", "anna::1002:1002::/a::\n", "z:\n", USER_CANNOT_TELL,
	        NULL},
	    {"anna::1000:1000::::delivery=no\n", "anna::1002:1002::/a::\n", "z:\n", USER_DISABLED,
	        "first"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter(rows[i].first, rows[i].second, rows[i].third);
		struct user_source_options sources[] = {
		    file_source(0), file_source(1), file_source(2)};
		struct users *users = open_users(sources, 3, "+");
		struct user user;
		struct status status;
		ck_assert_msg(look_up(users, "anna@example.org", &user, &status) == rows[i].answer,
		    "row %zu: %s", i, status.detail);
		if (rows[i].source != NULL)
			ck_assert_str_eq(user.source, rows[i].source);
		users_close(&users);
		leave();
	}
}
END_TEST

START_TEST(a_whole_local_part_wins_over_a_split_one)
{
	static const struct {
		const char *address, *delimiters, *name, *detail;
	} rows[] = {
	    {"a-b@x", "+-", "a-b", NULL}, /* though the source that has it comes last */
	    {"a-c@x", "+-", "a", "c"},
	    {"A+Mixed.Case@x", "+-", "a", "Mixed.Case"},
	    {"a+@x", "+", "a", ""},
	    {"a-b+c@x", "+", "a-b", "c"},
	    {"a", "+", "a", NULL},
	    {"a+c@x", "", NULL, NULL},
	    {"\303\204rger+x@x", "+", "\303\204rger", "x"},
	};
	enter("a::1000:1000::/a::\n\303\204rger::1000:1000::/aerger::\n", "A-B::1000:1000::/ab::\n",
	    NULL);
	struct user_source_options sources[] = {file_source(0), file_source(1)};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct users *users = open_users(sources, 2, rows[i].delimiters);
		struct user user;
		struct status status;
		enum user_answer answer = look_up(users, rows[i].address, &user, &status);
		ck_assert_int_eq(answer, rows[i].name == NULL ? USER_UNKNOWN : USER_FOUND);
		if (answer == USER_FOUND) {
			ck_assert_msg(
			    span_is_nocase(user.name, rows[i].name), "%s", rows[i].address);
			ck_assert_msg(span_is(user.local, rows[i].name), "%s", rows[i].address);
			ck_assert_int_eq(user.detail.data == NULL, rows[i].detail == NULL);
			ck_assert(rows[i].detail == NULL || span_is(user.detail, rows[i].detail));
		}
		users_close(&users);
	}
	leave();
}
END_TEST

START_TEST(patterns_make_names_and_homes)
{
	enter("anna@example.org::1000:1000::/explicit::\nbert@example.org:\nbert:\n"
	      "..@example.org:\n",
	    NULL, NULL);
	struct user_source_options source = file_source(0);
	source.username = "%{user}@%{domain}";
	source.home = "/var/mail/%{domain}/%{user}/%{uid}%%";
	source.uid = 5000;
	source.gid = 5001;
	struct users *users = open_users(&source, 1, "+");
	struct user user;
	struct status status;
	ck_assert_int_eq(look_up(users, "Anna+x@EXAMPLE.org", &user, &status), USER_FOUND);
	ck_assert_str_eq(text_of(user.name), "anna@example.org");
	ck_assert_str_eq(text_of(user.home), "/explicit");
	ck_assert_str_eq(text_of(user.domain), "example.org");
	ck_assert_str_eq(text_of(user.detail), "x");
	ck_assert_int_eq(user.uid, 1000);
	ck_assert_int_eq(look_up(users, "bert@example.org", &user, &status), USER_FOUND);
	ck_assert_str_eq(text_of(user.home), "/var/mail/example.org/bert/5000%");
	ck_assert_int_eq(user.uid, 5000);
	ck_assert_int_eq(user.gid, 5001);
	/* "bert" is found, but the home wants a domain. */
	ck_assert_int_eq(look_up(users, "bert", &user, &status), USER_CANNOT_TELL);
	ck_assert(strstr(status.detail, "the address has no domain") != NULL);
	ck_assert_int_eq(look_up(users, "..@example.org", &user, &status), USER_CANNOT_TELL);
	ck_assert(strstr(status.detail, "the name cannot be part of a path") != NULL);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("bert@example.org"), &user, &status), USER_FOUND);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("bert+x@example.org"), &user, &status),
	    USER_FOUND);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("bert@"), &user, &status), USER_CANNOT_TELL);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("clara@x"), &user, &status), USER_UNKNOWN);
	ck_assert_str_eq(status.text, "<clara@x> User doesn't exist: clara@x");
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("an\nna"), &user, &status), USER_UNKNOWN);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN(""), &user, &status), USER_CANNOT_TELL);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("@x.org"), &user, &status), USER_CANNOT_TELL);
	ck_assert_int_eq(status.cause, CAUSE_USAGE);
	users_close(&users);
	leave();
}
END_TEST

START_TEST(a_static_source_has_everyone_but_path_tricks)
{
	static const struct {
		const char *name;
		enum user_answer answer;
		const char *home;
	} rows[] = {
	    {"anna@example.org", USER_FOUND, "/var/mail/example.org/anna"},
	    {"anna+box@example.org", USER_FOUND, "/var/mail/example.org/anna"},
	    {"../x@example.org", USER_UNKNOWN, NULL},
	    {"..@example.org", USER_UNKNOWN, NULL},
	    {"a/b@example.org", USER_UNKNOWN, NULL},
	    {"anna@..", USER_UNKNOWN, NULL},
	    {"anna@a/b", USER_UNKNOWN, NULL},
	    {"anna", USER_CANNOT_TELL, NULL},
	};
	arena = arena_new();
	struct user_source_options source = {.title = "all",
	    .driver = "static",
	    .home = "/var/mail/%{domain}/%{user}",
	    .username = "%{user}@%{domain}",
	    .uid = 5000,
	    .gid = 5000};
	struct users *users = open_users(&source, 1, "+");
	struct user user;
	struct status status;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(users_lookup_name(users, arena, span_of(rows[i].name), &user,
		                  &status) == rows[i].answer,
		    "%s: %s", rows[i].name, status.detail);
		if (rows[i].home != NULL)
			ck_assert_str_eq(text_of(user.home), rows[i].home);
	}
	ck_assert(!users_walk(users, NULL, NULL, &status));
	ck_assert_str_eq(status.detail, "users \"all\": this driver cannot list its users");
	users_close(&users);
	arena_free(&arena);
}
END_TEST

START_TEST(a_source_without_its_witness_is_not_believed)
{
	enter("anna::1000:1000::/a::\nwitness::0:0::::delivery=no\n", "x:\n", NULL);
	struct user_source_options sources[] = {file_source(0), file_source(1)};
	sources[0].witness = "witness";
	sources[1].witness = sources[1].domain = sources[1].username = sources[1].home = "";
	struct users *users = open_users(sources, 2, "+");
	struct user user;
	struct status status;
	ck_assert_int_eq(look_up(users, "nobody", &user, &status), USER_UNKNOWN);
	users_close(&users);
	sources[1].witness = "gone";
	users = open_users(sources, 2, "+");
	ck_assert_int_eq(look_up(users, "nobody", &user, &status), USER_CANNOT_TELL);
	ck_assert_str_eq(
	    status.detail, "users \"second\" does not find its witness \"gone\": not believed");
	ck_assert_int_eq(look_up(users, "anna", &user, &status), USER_FOUND);
	ck_assert_int_eq(look_up(users, "anna+box", &user, &status), USER_CANNOT_TELL);
	users_close(&users);
	leave();
}
END_TEST

START_TEST(a_source_may_be_for_one_domain)
{
	enter("anna::1001:1001::/a::\n", "anna::1002:1002::/a::\n", NULL);
	struct user_source_options sources[] = {file_source(0), file_source(1)};
	sources[0].domain = "Example.org";
	sources[1].domain = "example.net";
	struct users *users = open_users(sources, 2, "+");
	struct user user;
	struct status status;
	ck_assert_int_eq(look_up(users, "anna@example.ORG", &user, &status), USER_FOUND);
	ck_assert_int_eq(user.uid, 1001);
	ck_assert_int_eq(look_up(users, "anna@example.net", &user, &status), USER_FOUND);
	ck_assert_int_eq(user.uid, 1002);
	ck_assert_int_eq(look_up(users, "anna", &user, &status), USER_FOUND);
	ck_assert_int_eq(user.uid, 1001);
	ck_assert_int_eq(look_up(users, "anna@example.com", &user, &status), USER_UNKNOWN);
	users_close(&users);
	leave();
}
END_TEST

START_TEST(case_counts_where_it_is_not_folded)
{
	enter("Anna::1000:1000::/a::\n", NULL, NULL);
	struct user_source_options source = file_source(0);
	struct users_options options = {.sources = &source, .source_count = 1};
	struct status status;
	struct user user;
	struct users *users = users_open(&options, &status);
	ck_assert_ptr_nonnull(users);
	ck_assert_int_eq(look_up(users, "Anna", &user, &status), USER_FOUND);
	ck_assert_str_eq(text_of(user.local), "Anna");
	ck_assert_int_eq(look_up(users, "anna", &user, &status), USER_UNKNOWN);
	users_close(&users);
	leave();
}
END_TEST

START_TEST(bad_options_are_told_exactly)
{
	static const struct {
		struct user_source_options source;
		const char *detail;
	} rows[] = {
	    {{.title = "t", .driver = "passwdfile"},
	        "users \"t\": driver must be passwd, passwd-file or static"},
	    {{.title = "t", .driver = NULL},
	        "users \"t\": driver must be passwd, passwd-file or static"},
	    {{.title = "t", .driver = "passwd-file", .uid = -1, .gid = -1},
	        "users \"t\": path must be set and begin with \"/\""},
	    {{.title = "t", .driver = "passwd-file", .path = "users", .uid = -1, .gid = -1},
	        "users \"t\": path must be set and begin with \"/\""},
	    {{.title = "t", .driver = "passwd", .path = "/etc/passwd", .uid = -1, .gid = -1},
	        "users \"t\": this driver reads no path"},
	    {{.title = "t", .driver = "static", .uid = 5000, .gid = -1},
	        "users \"t\": this driver needs uid and gid"},
	    {{.title = "t", .driver = "static", .uid = 0, .gid = 5},
	        "users \"t\": uid 0: mail is never delivered as root"},
	    {{.title = "t", .driver = "static", .uid = 5, .gid = 5},
	        "users \"t\": uid is below first_valid_uid"},
	    {{.title = "t", .driver = "static", .uid = UINT32_MAX, .gid = 5},
	        "users \"t\": uid or gid is too large"},
	    {{.title = "t", .driver = "static", .uid = 5000, .gid = 5000, .witness = "w"},
	        "users \"t\": a static source finds every name; remove \"witness\""},
	    {{.title = "t", .driver = "passwd", .uid = -1, .gid = -1, .username = "%u"},
	        "users \"t\": username \"%u\": \"%\" must begin %{user}, %{domain} or %{uid}; "
	        "\"%%\" is one \"%\""},
	    {{.title = "t", .driver = "passwd", .uid = -1, .gid = -1, .home = "home/%{user}"},
	        "users \"t\": home \"home/%{user}\": must begin with \"/\""},
	};
	struct status status;
	struct users_options options = {.source_count = 0, .first_valid_uid = 1000};
	ck_assert_ptr_null(users_open(&options, &status));
	ck_assert_str_eq(status.detail, "no \"users\" section");
	options.source_count = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		options.sources = &rows[i].source;
		ck_assert_ptr_null(users_open(&options, &status));
		ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
		ck_assert_str_eq(status.detail, rows[i].detail);
	}
}
END_TEST

struct seen {
	char names[200];
	size_t stop_after;
	size_t count;
};

static bool see(void *context, const struct user *user)
{
	struct seen *seen = context;
	size_t len = strlen(seen->names);
	snprintf(seen->names + len, sizeof(seen->names) - len, "%s:%.*s:%.*s:%d ", user->source,
	    (int)user->name.len, user->name.data, (int)user->home.len, user->home.data,
	    (int)user->uid);
	return ++seen->count != seen->stop_after;
}

START_TEST(a_walk_meets_every_user_and_tells_of_the_others)
{
	enter("# comment\na@x::1001:1001::/a::\n\noff::1002:1002::/o::delivery=no\n",
	    "b::zwei:1003\nc::0:0\nd::1004:1004::/d::\n", "e@y:");
	struct user_source_options sources[] = {file_source(0), file_source(1), file_source(2)};
	sources[0].home = sources[1].home = "/h/%{user}";
	struct users *users = open_users(sources, 1, "+");
	struct seen seen = {.stop_after = 0};
	struct status status;
	ck_assert(users_walk(users, see, &seen, &status));
	ck_assert_str_eq(seen.names, "first:a@x:/a:1001 first:off:/o:1002 ");
	users_close(&users);
	users = open_users(sources, 3, "+");
	seen = (struct seen){.stop_after = 0};
	ck_assert(!users_walk(users, see, &seen, &status));
	ck_assert_str_eq(seen.names, "first:a@x:/a:1001 first:off:/o:1002 second:d:/d:1004 ");
	seen = (struct seen){.stop_after = 1};
	ck_assert(users_walk(users, see, &seen, &status));
	ck_assert_uint_eq(seen.count, 1);
	users_close(&users);
	leave();
}
END_TEST

UNIT_TESTS("users", each_answer_has_its_cause_and_text,
    the_first_source_that_can_tell_ends_the_search, a_whole_local_part_wins_over_a_split_one,
    patterns_make_names_and_homes, a_static_source_has_everyone_but_path_tricks,
    a_source_without_its_witness_is_not_believed, a_source_may_be_for_one_domain,
    case_counts_where_it_is_not_folded, bad_options_are_told_exactly,
    a_walk_meets_every_user_and_tells_of_the_others)
