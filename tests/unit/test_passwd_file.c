#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/unit.h"
#include "users/line_reader.h"
#include "users/passwd_search.h"
#include "users/users.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static char path[64];
static int fd;

static void enter(void)
{
	snprintf(path, sizeof(path), "/tmp/ladle-test.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	arena = arena_new();
}

static void leave(void)
{
	close(fd);
	unlink(path);
	arena_free(&arena);
}

/* Rewrites the file in place, and again until its times differ from before. */
static void put(const char *text, size_t len)
{
	struct stat before;
	struct stat after;
	ck_assert_int_eq(fstat(fd, &before), 0);
	do {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, text, len, 0), (ssize_t)len);
		ck_assert_int_eq(fstat(fd, &after), 0);
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
	         after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

static void put_text(const char *text)
{
	put(text, strlen(text));
}

/* The time at which the file is old enough for an index. */
static struct timespec later(void)
{
	struct timespec now = clock_now();
	now.tv_sec += 10;
	return now;
}

static struct timespec soon(void)
{
	return clock_now();
}

/* "12: the line", "unknown", or what is in doubt. */
static const char *find(struct passwd_search *search, const char *name, struct timespec now)
{
	struct passwd_line line;
	struct status status;
	switch (passwd_search_find(search, arena, span_of(name), now, &line, &status)) {
	case USER_FOUND:
		return arena_textf(
		    arena, "%u: %.*s", line.number, (int)line.text.len, line.text.data);
	case USER_UNKNOWN:
		return "unknown";
	default:
		return strncmp(status.detail, path, strlen(path)) == 0
		           ? arena_text(arena, span_of(status.detail + strlen(path)))
		           : arena_text(arena, span_of(status.detail));
	}
}

/* The same question three times: twice the file is read, then there is an index. */
static void check_find(const char *name, bool fold_case, const char *expected)
{
	struct passwd_search *search = passwd_search_new(path, fold_case);
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(find(search, name, later()), expected);
	passwd_search_free(&search);
	ck_assert_ptr_null(search);
}

START_TEST(lines_are_found_with_and_without_an_index)
{
	static const struct {
		const char *file, *name, *expected;
	} rows[] = {
	    {"a:1\nanna:2\n", "anna", "2: anna:2"},
	    {"a:1\r\nanna:2\r\n", "anna", "2: anna:2"},
	    {"annabel:1\nann:2\nANNA:3\nanna:4\n", "anna", "4: anna:4"},
	    {"anna:1\nanna:2\n", "anna", "1: anna:1"},
	    {"anna\n", "anna", "1: anna"},
	    {"x:anna:\n", "anna", "unknown"},
	    {"# x\n\n:anna\n#anna:\nb:\n", "anna", "unknown"},
	    {"b:\n#anna:\n", "#anna", "unknown"},
	    {"b:\n:anna:\n", "", "unknown"},
	    {"b:c:\n", "b:c", "unknown"},
	    {"", "anna", " names no user"},
	    {"# just begun\n", "anna", " names no user"},
	    {"b:\nbert:1", "anna", " does not end in a newline: it may be cut off"},
	    {"b:\nbert:1", "b", "1: b:"},
	    {"b:\nanna:100", "anna", ":2: the line does not end in a newline: it may be cut off"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter();
		put_text(rows[i].file);
		check_find(rows[i].name, false, rows[i].expected);
		leave();
	}
}
END_TEST

START_TEST(case_is_folded_where_asked)
{
	enter();
	put_text("x:\nAnNa:1\nanna:2\n\303\204:\n");
	check_find("anna", true, "2: AnNa:1");
	check_find("anna", false, "3: anna:2");
	check_find("\303\244", true, "unknown"); /* only ASCII letters are folded */
	leave();
}
END_TEST

START_TEST(damage_spoils_unknown_only)
{
	enter();
	put("a:1\nb:\0\nc:3\n", 12);
	check_find("a", false, "1: a:1");
	check_find("c", false, "3: c:3");
	check_find("d", false, " has a NUL byte: it may be damaged");
	leave();
}
END_TEST

START_TEST(a_long_line_hurts_its_own_user_only)
{
	enter();
	struct bytes file = {0};
	bytes_append_text(&file, "a:1\nlong:");
	for (int i = 0; i < 3 * LINE_READER_LINE_MAX; i++)
		bytes_append_byte(&file, 'x');
	bytes_append_text(&file, "\nb:3\n");
	put(file.data, file.len);
	check_find("a", false, "1: a:1");
	check_find("b", false, "3: b:3");
	check_find("c", false, "unknown");
	check_find("long", false, ":2: the line is too long");
	bytes_clear(&file);
	leave();
}
END_TEST

START_TEST(no_file_is_no_answer)
{
	enter();
	struct passwd_search *search = passwd_search_new(path, false);
	unlink(path);
	ck_assert_ptr_nonnull(strstr(find(search, "anna", soon()), ": No such file or directory"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_str_eq(find(search, "anna", soon()), " is not a regular file");
	passwd_search_free(&search);
	leave();
}
END_TEST

START_TEST(an_index_is_kept_only_of_a_file_that_has_settled)
{
	enter();
	put_text("anna:1\n");
	struct passwd_search *search = passwd_search_new(path, false);
	for (int i = 0; i < 5; i++) {
		ck_assert_str_eq(find(search, "anna", soon()), "1: anna:1");
		ck_assert(!passwd_search_has_index(search));
	}
	find(search, "bert", later());
	ck_assert(passwd_search_has_index(search));
	passwd_search_free(&search);
	leave();
}
END_TEST

START_TEST(a_single_lookup_builds_nothing)
{
	enter();
	put_text("anna:1\n");
	struct passwd_search *search = passwd_search_new(path, false);
	for (int i = 0; i < PASSWD_SEARCH_SCANS; i++) {
		find(search, "anna", later());
		ck_assert(!passwd_search_has_index(search));
	}
	passwd_search_free(&search);
	leave();
}
END_TEST

START_TEST(no_answer_is_stale)
{
	char other[80];
	enter();
	put_text("anna:1\n");
	struct passwd_search *search = passwd_search_new(path, false);
	for (int i = 0; i < 3; i++)
		find(search, "anna", later());
	ck_assert(passwd_search_has_index(search));
	/* Changed in place, with the same size. */
	put_text("anna:2\n");
	ck_assert_str_eq(find(search, "anna", soon()), "1: anna:2");
	ck_assert(!passwd_search_has_index(search));
	ck_assert_str_eq(find(search, "anna", later()), "1: anna:2");
	ck_assert(passwd_search_has_index(search));
	/* Replaced by another file with the same size and modification time. */
	struct stat was;
	snprintf(other, sizeof(other), "%s.new", path);
	int new = open(other, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(file_write_all(new, "bert:1\n", 7), 0);
	ck_assert_int_eq(fstat(fd, &was), 0);
	ck_assert_int_eq(futimens(new, (struct timespec[]){was.st_atim, was.st_mtim}), 0);
	close(new);
	ck_assert_int_eq(rename(other, path), 0);
	ck_assert_str_eq(find(search, "anna", later()), "unknown");
	ck_assert_str_eq(find(search, "bert", later()), "1: bert:1");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_nonnull(strstr(find(search, "bert", later()), "open "));
	passwd_search_free(&search);
	leave();
}
END_TEST

START_TEST(an_index_holds_many_users)
{
	enum { USERS = 20000 };
	enter();
	struct bytes file = {0};
	for (int i = 0; i < USERS; i++)
		bytes_appendf(&file, "user%d:x:%d:1000::/home/user%d::\n", i, 1000 + i, i);
	bytes_append_text(&file, "user7:a second one\n");
	put(file.data, file.len);
	bytes_clear(&file);
	struct passwd_search *search = passwd_search_new(path, false);
	for (int i = 0; i < USERS; i += i < 4 ? 1 : 97) {
		char name[32];
		char expected[100];
		snprintf(name, sizeof(name), "user%d", i);
		snprintf(expected, sizeof(expected), "%d: user%d:x:%d:1000::/home/user%d::", i + 1,
		    i, 1000 + i, i);
		ck_assert_str_eq(find(search, name, later()), expected);
		snprintf(name, sizeof(name), "nouser%d", i);
		ck_assert_str_eq(find(search, name, later()), "unknown");
	}
	ck_assert_str_eq(find(search, "user7", later()), "8: user7:x:1007:1000::/home/user7::");
	ck_assert(passwd_search_has_index(search));
	passwd_search_free(&search);
	leave();
}
END_TEST

/* Whole users, through the driver. */

static enum user_answer look_up(const char *name, struct user *user_out, struct status *status)
{
	struct user_source_options source = {
	    .title = "file", .driver = "passwd-file", .path = path, .uid = -1, .gid = -1};
	struct users_options options = {
	    .sources = &source, .source_count = 1, .first_valid_uid = 1000};
	struct users *users = users_open(&options, status);
	ck_assert_ptr_nonnull(users);
	enum user_answer answer = users_lookup_name(users, arena, span_of(name), user_out, status);
	users_close(&users);
	return answer;
}

START_TEST(fields_are_those_of_the_user_database)
{
	struct user user;
	struct status status;
	enter();
	put_text(
	    "anna:{plain}secret:1001:1002:Anna:/home/anna:/bin/sh:"
	    "userdb_mail=maildir:~/Mail  nopassword=y userdb_quota_rule=*:storage=1G:messages=10"
	    " allow_nets=10.0.0.0/8 userdb_flag delivery=yes userdb_home=/srv/anna"
	    " userdb_uid=2001 userdb_gid=2002 mail=ignored userdb_quota_rule2=Trash:ignore\n");
	ck_assert_int_eq(look_up("anna", &user, &status), USER_FOUND);
	ck_assert_int_eq(user.uid, 2001);
	ck_assert_int_eq(user.gid, 2002);
	ck_assert(span_is(user.home, "/srv/anna"));
	ck_assert_uint_eq(user.field_count, 5);
	ck_assert(span_is(user_field(&user, "mail"), "maildir:~/Mail"));
	ck_assert(span_is(user_field(&user, "quota_rule"), "*:storage=1G:messages=10"));
	ck_assert(span_is(user_field(&user, "quota_rule2"), "Trash:ignore"));
	ck_assert(span_is(user_field(&user, "flag"), ""));
	ck_assert_ptr_nonnull(user_field(&user, "flag").data);
	ck_assert_ptr_null(user_field(&user, "nopassword").data);
	leave();
}
END_TEST

START_TEST(a_malformed_line_is_told_with_file_and_line)
{
	static const struct {
		const char *name, *detail;
	} rows[] = {
	    {"word", ":1: uid \"vmail\" is not a number"},
	    {"sign", ":2: uid \"-1\" is not a number"},
	    {"none", ":3: uid \"4294967295\" is not a number"},
	    {"group", ":4: gid \"1000 \" is not a number"},
	    {"field", ":5: uid \"x\" is not a number"},
	    {"colon", ":6: \"userdb_mail=x\" stands in the seventh column, fields belong into the "
	              "eighth: a colon is missing"},
	};
	enter();
	put_text("word:x:vmail:1000::/h::\n"
	         "sign:x:-1:1000::/h::\n"
	         "none:x:4294967295:1000::/h::\n"
	         "group:x:1000:1000 ::/h::\n"
	         "field:x:1000:1000::/h::userdb_uid=x\n"
	         "colon:x:1000:1000::/h:userdb_mail=x\n"
	         "good:x:4294967294:1000::/h::\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user user;
		struct status status;
		ck_assert_int_eq(look_up(rows[i].name, &user, &status), USER_CANNOT_TELL);
		ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
		ck_assert_msg(strncmp(status.detail, path, strlen(path)) == 0, "%s", status.detail);
		ck_assert_str_eq(status.detail + strlen(path), rows[i].detail);
	}
	struct user user;
	struct status status;
	ck_assert_int_eq(look_up("good", &user, &status), USER_FOUND);
	put("anna:x:1000:1000::/h\0i::\n", 25);
	ck_assert_int_eq(look_up("anna", &user, &status), USER_CANNOT_TELL);
	ck_assert_str_eq(status.detail + strlen(path), ":1: NUL byte in the line");
	leave();
}
END_TEST

UNIT_TESTS("passwd-file", lines_are_found_with_and_without_an_index, case_is_folded_where_asked,
    damage_spoils_unknown_only, a_long_line_hurts_its_own_user_only, no_file_is_no_answer,
    an_index_is_kept_only_of_a_file_that_has_settled, a_single_lookup_builds_nothing,
    no_answer_is_stale, an_index_holds_many_users, fields_are_those_of_the_user_database,
    a_malformed_line_is_told_with_file_and_line)
