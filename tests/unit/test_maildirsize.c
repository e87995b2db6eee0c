#include "base/file.h"
#include "quota/maildirsize.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static int root_fd;

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ladle-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	root_fd = open(".", O_RDONLY | O_DIRECTORY);
}

static void leave(void)
{
	char command[100];
	close(root_fd);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define NOTHING                   \
	{                         \
		{0, 0}, {0, 0}, 0 \
	}

START_TEST(what_others_write_is_understood)
{
	static const struct {
		struct span text;
		bool is_fine;
		struct maildirsize contents; /* where it is fine */
	} rows[] = {
	    {TEXT("1000S,10C\n300 3\n"), true, {{1000, 10}, {300, 3}, 1}},
	    {TEXT("1000S\n300 3\n-100 -1\n50 1\n"), true, {{1000, 0}, {250, 3}, 3}},
	    {TEXT("10C\n0 0\n"), true, {{0, 10}, {0, 0}, 1}},
	    {TEXT("0S\n7 1\n"), true, {{0, 0}, {7, 1}, 1}},
	    /* Courier's blanks, Exim's 0C */
	    {TEXT("1000S,0C\n         300            3\n"), true, {{1000, 0}, {300, 3}, 1}},
	    {TEXT("1000S\n300 3  \n\t+1\t+1\n"), true, {{1000, 0}, {301, 4}, 2}},
	    /* below zero on the way */
	    {TEXT("1000S\n1 1\n-5 -1\n5 0\n"), true, {{1000, 0}, {1, 0}, 3}},
	    /* somebody is writing the last line */
	    {TEXT("1000S\n300 3\n12"), true, {{1000, 0}, {300, 3}, 1}},
	    {TEXT("1000S\n300 3\n-30"), true, {{1000, 0}, {300, 3}, 1}},
	    {TEXT(""), false, NOTHING},
	    {TEXT("\n"), false, NOTHING},
	    {TEXT("1000S"), false, NOTHING},
	    {TEXT("1000S\n"), false, NOTHING},
	    {TEXT("1000S\n300"), false, NOTHING},
	    {TEXT("1000S\n300\n"), false, NOTHING},
	    {TEXT("1000S\n300 3 x\n"), false, NOTHING},
	    {TEXT("1000S\n300x3\n"), false, NOTHING},
	    {TEXT("1000S\n300 3.5\n"), false, NOTHING},
	    {TEXT("1000S\n- 3\n"), false, NOTHING},
	    {TEXT("1000S\n300 3\n\n"), false, NOTHING},
	    {TEXT("1000S\n300 -1\n"), false, NOTHING},
	    {TEXT("1000S\n-1 3\n"), false, NOTHING},
	    {TEXT("1000S\n300 3\n\0\0\0\0\n"), false, NOTHING},
	    {TEXT("1000S\n300 3\0\n"), false, NOTHING},
	    {TEXT("1000\n300 3\n"), false, NOTHING},
	    {TEXT("-1S\n300 3\n"), false, NOTHING},
	    {TEXT("1000X\n300 3\n"), false, NOTHING},
	    {TEXT("1000S\n9223372036854775808 1\n"), false, NOTHING},
	    {TEXT("1000S\n9223372036854775807 1\n1 1\n"), false, NOTHING},
	    {TEXT("1000S\n9223372036854775807 1\n"), true, {{1000, 0}, {INT64_MAX, 1}, 1}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct maildirsize contents;
		ck_assert_msg(
		    maildirsize_parse(rows[i].text, &contents) == rows[i].is_fine, "row %zu", i);
		ck_assert_msg(
		    !rows[i].is_fine || memcmp(&contents, &rows[i].contents, sizeof(contents)) == 0,
		    "figures of row %zu", i);
	}
}
END_TEST

START_TEST(the_definition_is_as_dovecot_writes_it)
{
	static const struct {
		struct quota_limit limit;
		const char *text;
	} rows[] = {
	    {{1000, 10}, "1000S,10C\n5 1\n"},
	    {{1000, 0}, "1000S\n5 1\n"},
	    {{0, 10}, "10C\n5 1\n"},
	    {{0, 0}, "0S\n5 1\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		struct quota_usage usage = {5, 1};
		maildirsize_print(&text, &rows[i].limit, &usage);
		ck_assert_str_eq(bytes_terminate(&text), rows[i].text);
		bytes_clear(&text);
	}
}
END_TEST

static struct maildirsize_draft draft_of(time_t counted_s)
{
	struct quota_limit limit = {1000, 10};
	struct quota_usage usage = {300, 3};
	struct maildirsize_draft draft;
	ck_assert_int_eq(maildirsize_draft(root_fd, &limit, &usage, counted_s, &draft), 0);
	return draft;
}

static bool is_counted(int fd)
{
	struct bytes text = {0};
	struct maildirsize contents;
	struct stat found;
	ck_assert_int_eq(fstat(fd, &found), 0);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(file_read_all(fd, 10000, &text), 0);
	ck_assert(maildirsize_parse(bytes_span(&text), &contents));
	bytes_clear(&text);
	return maildirsize_is_counted(&contents, &found.st_mtim);
}

START_TEST(a_file_is_replaced_at_once_and_known_again)
{
	for (int has_tmp = 0; has_tmp <= 1; has_tmp++) {
		int fd;
		enter();
		if (has_tmp)
			ck_assert_int_eq(mkdir("tmp", 0700), 0);
		struct maildirsize_draft draft = draft_of(1700000000);
		ck_assert_int_eq(access(MAILDIRSIZE_NAME, F_OK), -1);
		ck_assert_int_eq(maildirsize_publish(&draft, root_fd, &fd), 0);
		ck_assert(maildirsize_is_current(root_fd, fd));
		ck_assert(is_counted(fd));
		/* What anybody else writes is not ours, nor is it after a line. */
		ck_assert_int_eq(maildirsize_append(fd, -5, 1), 0);
		ck_assert(!is_counted(fd));
		ck_assert_int_eq(system("cp maildirsize a; head -2 a > maildirsize"), 0);
		ck_assert(!is_counted(fd));
		draft = draft_of(0);
		ck_assert(!is_counted(draft.fd));
		ck_assert_int_eq(maildirsize_publish(&draft, root_fd, &draft.fd), 0);
		ck_assert(!maildirsize_is_current(root_fd, fd));
		close(draft.fd);
		close(fd);
		if (has_tmp)
			ck_assert_int_eq(rmdir("tmp"), 0);
		leave();
	}
}
END_TEST

START_TEST(an_abandoned_draft_leaves_nothing)
{
	enter();
	ck_assert_int_eq(mkdir("tmp", 0700), 0);
	struct maildirsize_draft draft = draft_of(1);
	maildirsize_abandon(&draft);
	ck_assert_int_eq(draft.fd, -1);
	ck_assert_int_eq(rmdir("tmp"), 0);
	leave();
}
END_TEST

START_TEST(nothing_but_a_regular_file_is_opened)
{
	static const char *const tricks[] = {"ln -s victim maildirsize",
	    "ln -s nowhere maildirsize", "mkfifo maildirsize", "mkdir maildirsize"};
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		enter();
		ck_assert_int_eq(system("echo 1S > victim"), 0);
		ck_assert_int_eq(system(tricks[i]), 0);
		ck_assert_int_eq(maildirsize_open(root_fd), -1);
		ck_assert_int_eq(maildirsize_open_or_make(root_fd), -1);
		ck_assert_int_eq(access("nowhere", F_OK), -1);
		/* Only a directory withstands being replaced. */
		struct maildirsize_draft draft = draft_of(1);
		int fd = -1;
		ck_assert_int_eq(maildirsize_publish(&draft, root_fd, &fd), i == 3 ? -1 : 0);
		file_close(&fd);
		ck_assert_int_eq(system("test \"$(cat victim)\" = 1S"), 0);
		ck_assert_int_eq(system("! ls maildirsize.*[0-9a-f] 2> ls"), 0);
		leave();
	}
}
END_TEST

UNIT_TESTS("maildirsize", what_others_write_is_understood, the_definition_is_as_dovecot_writes_it,
    a_file_is_replaced_at_once_and_known_again, an_abandoned_draft_leaves_nothing,
    nothing_but_a_regular_file_is_opened)
