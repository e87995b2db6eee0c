#include "base/clock.h"
#include "quota/quota.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A Maildir `box` of at most 1000 bytes and 10 messages; Trash may go 500 beyond, Junk does not
 * count. */
static const struct quota_rule the_rules[] = {
    {"*", "1000", "10"},
    {"Trash", "+500", NULL},
    {"Junk", "ignore", NULL},
};

static char dir[64];
static struct arena *arena;
static struct quota_options options;
static struct status status;

static void run(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ladle-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	run("mkdir -p box/cur box/new box/tmp box/.Trash/cur box/.Junk/cur");
	arena = arena_new();
	options = (struct quota_options){.rules = the_rules, .rule_count = 3};
	status = (struct status){0};
}

static void leave(void)
{
	char command[100];
	arena_free(&arena);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	run(command);
}

static struct quota *quota_new(void)
{
	struct quota *quota = quota_open(arena, "box", &options, &status);
	ck_assert_ptr_nonnull(quota);
	return quota;
}

static enum quota_answer ask(const char *folder, uint64_t bytes)
{
	struct quota *quota = quota_new();
	enum quota_answer answer = quota_ask(quota, span_of(folder), bytes, &status);
	quota_close(&quota);
	return answer;
}

/* Reserves and, as a delivery would, leaves a file of that size. */
static enum quota_answer deliver(const char *folder, uint64_t bytes)
{
	static unsigned number;
	struct quota *quota = quota_new();
	struct quota_item item = {.folder = span_of(folder), .bytes = bytes};
	enum quota_answer answer = quota_reserve(quota, &item, 1, &status);
	if (answer == QUOTA_FITS || answer == QUOTA_FITS_IN_GRACE) {
		char path[100];
		snprintf(path, sizeof(path), "box/%s%s/cur/%d.%u,S=%llu", *folder ? "." : "",
		    folder, (int)getpid(), number++, (unsigned long long)bytes);
		close(open(path, O_CREAT | O_WRONLY, 0600));
		quota_settle(quota, &item, 1, NULL);
	}
	quota_close(&quota);
	return answer;
}

static void write_file(const char *text, size_t len)
{
	FILE *file = fopen("box/maildirsize", "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void expect_file(const char *text)
{
	char found[6000] = "";
	FILE *file = fopen("box/maildirsize", "r");
	if (file != NULL) {
		found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
		fclose(file);
	}
	ck_assert_str_eq(found, text);
}

static void expect_usage(uint64_t bytes, uint64_t messages)
{
	struct quota *quota = quota_new();
	struct quota_usage usage;
	struct quota_limit limit;
	ck_assert(quota_show(quota, &usage, &limit, &status));
	ck_assert_msg(usage.storage_bytes == bytes && usage.message_count == messages,
	    "%llu bytes in %llu messages", (unsigned long long)usage.storage_bytes,
	    (unsigned long long)usage.message_count);
	quota_close(&quota);
}

START_TEST(without_limits_nothing_is_written)
{
	enter();
	static const struct quota_rule none[] = {{"*", "0", "unlimited"}, {"Junk", "ignore", NULL}};
	options.rules = none;
	options.rule_count = 2;
	options.message_max_bytes = 5000;
	ck_assert_int_eq(ask("", 5000), QUOTA_FITS);
	ck_assert_int_eq(ask("", 5001), QUOTA_NEVER_FITS);
	ck_assert_int_eq(ask("Junk", 5001), QUOTA_NEVER_FITS);
	ck_assert_int_eq(deliver("", 5000), QUOTA_FITS);
	expect_usage(5000, 1);
	ck_assert_int_eq(access("box/maildirsize", F_OK), -1);
	leave();
}
END_TEST

START_TEST(a_missing_mailbox_is_an_empty_one)
{
	enter();
	run("rm -r box");
	expect_usage(0, 0);
	ck_assert_int_eq(ask("", 1000), QUOTA_FITS);
	ck_assert_int_eq(ask("", 1001), QUOTA_NEVER_FITS);
	ck_assert_int_eq(access("box", F_OK), -1);
	/* Nothing is made where the mount is missing, but it is by who is going to store. */
	struct quota_item item = {.bytes = 600};
	options.sentinel = "mark";
	struct quota *quota = quota_new();
	ck_assert_int_eq(quota_reserve(quota, &item, 1, &status), QUOTA_FITS);
	quota_close(&quota);
	ck_assert_int_eq(access("box", F_OK), -1);
	run("touch mark");
	quota = quota_new();
	struct quota *other = quota_new();
	options.count_budget_ms = 20;
	ck_assert_int_eq(quota_reserve(quota, &item, 1, &status), QUOTA_FITS);
	expect_file("1000S,10C\n0 0\n600 1\n");
	options.count_budget_ms = 20;
	ck_assert_int_ne(quota_reserve(other, &item, 1, &status), QUOTA_FITS);
	quota_settle(quota, NULL, 0, NULL);
	ck_assert_int_eq(quota_reserve(other, &item, 1, &status), QUOTA_FITS);
	quota_close(&quota);
	quota_close(&other);
	leave();
}
END_TEST

START_TEST(who_is_not_near_the_limit_costs_no_counting)
{
	enter();
	/* The figures are false, so one sees who believes them. */
	write_file("1000S,10C\n100 1\n", 16);
	ck_assert_int_eq(ask("", 900), QUOTA_FITS);
	expect_file("1000S,10C\n100 1\n");
	ck_assert_int_eq(deliver("", 300), QUOTA_FITS);
	expect_file("1000S,10C\n100 1\n300 1\n");
	expect_usage(400, 2);
	leave();
}
END_TEST

START_TEST(the_file_is_counted_anew_when_it_is_of_no_use)
{
	static char too_long[5200];
	static const struct {
		const char *text;
		const char *age; /* of the file, for touch(1) */
		bool is_kept;
	} rows[] = {
	    {"1000S,10C\n100 1\n", "now", true},
	    {"1000S,10C\n100 1\n", "3 days ago", true},
	    {"1000S,10C\n100 1\n100 1\n-50 -1\n", "3 days ago", true},
	    {"1000S,10C\n100 1\nunfin", "now", true},
	    {"10C,1000S\n100 1\n", "now", true},
	    {"", "now", false},
	    {"1000S\n100 1\n", "now", false},
	    {"1000S,11C\n100 1\n", "now", false},
	    {"1000S,10C\n", "now", false},
	    {"1000S,10C\n100 x\n", "now", false},
	    {"1000S,10C\n100 1\n-101 0\n", "now", false},
	    {too_long, "now", false},
	    /* over the limit: believed if it is one line and not old */
	    {"1000S,10C\n1001 1\n", "now", true},
	    {"1000S,10C\n1001 1\n", "14 minutes ago", true},
	    {"1000S,10C\n1001 1\n", "16 minutes ago", false},
	    {"1000S,10C\n1 11\n", "16 minutes ago", false},
	    {"1000S,10C\n1001 1\n0 0\n", "now", false},
	    {"1000S,10C\n1001 1\n", "1 hour", false},
	};
	memcpy(too_long, "1000S,10C\n", 10);
	for (size_t at = 10; at + 4 < 5140; at += 4)
		memcpy(too_long + at, "0 0\n", 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char command[100];
		enter();
		run("touch box/cur/a,S=50 box/.Trash/cur/b,S=7 box/.Junk/cur/c,S=9000");
		write_file(rows[i].text, strlen(rows[i].text));
		snprintf(command, sizeof(command), "touch -d '%s' box/maildirsize", rows[i].age);
		run(command);
		/* An extra of 500 for Trash: also who is over has room there. */
		ck_assert_msg(ask("Trash", 1) == QUOTA_FITS || i == 15, "row %zu", i);
		expect_file(rows[i].is_kept ? rows[i].text : "1000S,10C\n57 2\n");
		leave();
	}
}
END_TEST

START_TEST(a_full_mailbox_becomes_empty)
{
	enter();
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(deliver("", 100), QUOTA_FITS);
	ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	ck_assert_int_eq(deliver("", 1), QUOTA_FULL);
	expect_file("1000S,10C\n1000 10\n");
	/* A reader that knows nothing of maildirsize. */
	run("rm box/cur/*");
	ck_assert_int_eq(ask("", 1000), QUOTA_FITS);
	ck_assert_int_eq(deliver("", 1000), QUOTA_FITS);
	ck_assert_int_eq(deliver("", 1), QUOTA_FULL);
	run("rm -r box/cur");
	ck_assert_int_eq(ask("", 1), QUOTA_FITS);
	leave();
}
END_TEST

START_TEST(full_is_said_of_figures_that_were_just_counted)
{
	struct stat first;
	struct stat second;
	enter();
	run("touch box/cur/a,S=1000; touch -d '1 hour ago' box/cur box/new box/.*/cur");
	ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	ck_assert_int_eq(stat("box/maildirsize", &first), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	ck_assert_int_eq(stat("box/maildirsize", &second), 0);
	ck_assert_msg(first.st_ino == second.st_ino, "it was counted again for nothing");
	/* The same an hour later, and where somebody else wrote the figures. */
	struct timespec times[2] = {first.st_mtim, first.st_mtim};
	times[0].tv_sec = times[1].tv_sec -= 61;
	ck_assert_int_eq(utimensat(AT_FDCWD, "box/maildirsize", times, 0), 0);
	ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	ck_assert_int_eq(stat("box/maildirsize", &second), 0);
	ck_assert(second.st_mtim.tv_sec >= first.st_mtim.tv_sec);
	write_file("1000S,10C\n2000 1\n", 17);
	ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	expect_file("1000S,10C\n1000 1\n");
	leave();
}
END_TEST

START_TEST(grace_is_for_one_message_of_who_is_under_the_limit)
{
	enter();
	options.grace_bytes = 100;
	ck_assert_int_eq(ask("", 1101), QUOTA_NEVER_FITS);
	ck_assert_int_eq(deliver("", 999), QUOTA_FITS);
	ck_assert_int_eq(ask("", 102), QUOTA_FULL);
	ck_assert_int_eq(deliver("", 101), QUOTA_FITS_IN_GRACE);
	ck_assert_int_eq(deliver("", 1), QUOTA_FULL);
	ck_assert_int_eq(ask("", 0), QUOTA_FULL);
	ck_assert_int_eq(ask("Junk", 5000), QUOTA_FITS);
	ck_assert_int_eq(deliver("Trash", 300), QUOTA_FITS);
	expect_usage(1400, 3);
	leave();
}
END_TEST

START_TEST(copies_of_one_delivery_are_judged_together)
{
	static const struct {
		struct quota_item items[3];
		size_t count;
		enum quota_answer answer;
	} rows[] = {
	    {{{{"", 0}, 400, 0}, {{"A", 1}, 400, 0}}, 2, QUOTA_FITS},
	    {{{{"", 0}, 400, 0}, {{"A", 1}, 401, 0}}, 2, QUOTA_FULL},
	    {{{{"", 0}, 500, 0}, {{"A", 1}, 501, 0}}, 2, QUOTA_NEVER_FITS},
	    {{{{"", 0}, 800, 0}, {{"Junk", 4}, 9000, 0}}, 2, QUOTA_FITS},
	    {{{{"", 0}, 800, 0}, {{"Trash", 5}, 500, 0}}, 2, QUOTA_FITS},
	    {{{{"Trash", 5}, 500, 0}, {{"", 0}, 800, 0}}, 2, QUOTA_FITS},
	    {{{{"", 0}, 801, 0}, {{"Trash", 5}, 1, 0}}, 2, QUOTA_FULL},
	    {{{{"", 0}, 800, 0}, {{"Trash", 5}, 501, 0}}, 2, QUOTA_FULL},
	    {{{{"Trash", 5}, UINT64_MAX, 0}, {{"", 0}, UINT64_MAX, 0}}, 2, QUOTA_NEVER_FITS},
	    {{{{"", 0}, 1, 0}}, 0, QUOTA_FITS},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quota_item items[3];
		memcpy(items, rows[i].items, sizeof(items));
		enter();
		run("touch box/cur/a,S=200");
		struct quota *quota = quota_new();
		ck_assert_msg(quota_reserve(quota, items, rows[i].count, &status) == rows[i].answer,
		    "row %zu", i);
		for (size_t k = 0; k < rows[i].count; k++)
			ck_assert(items[k].is_ignored == (items[k].folder.len == 4));
		quota_close(&quota);
		leave();
	}
}
END_TEST

START_TEST(what_was_not_stored_is_given_back)
{
	struct quota_item items[] = {
	    {{"", 0}, 300, 0}, {{"Trash", 5}, 200, 0}, {{"Junk", 4}, 7, 0}};
	struct quota_change change;
	enter();
	run("touch box/cur/a,S=100");
	struct quota *quota = quota_new();
	ck_assert_int_eq(quota_reserve(quota, items, 3, &status), QUOTA_FITS);
	expect_file("1000S,10C\n100 1\n500 2\n");
	quota_settle(quota, NULL, 0, &change);
	expect_file("1000S,10C\n100 1\n500 2\n-500 -2\n");
	ck_assert_uint_eq(change.after.storage_bytes, 100);
	/* Once is enough. */
	quota_settle(quota, NULL, 0, NULL);
	expect_file("1000S,10C\n100 1\n500 2\n-500 -2\n");
	ck_assert_int_eq(quota_reserve(quota, items, 3, &status), QUOTA_FITS);
	items[1].bytes = 210;
	quota_settle(quota, items, 3, &change);
	expect_file("1000S,10C\n100 1\n500 2\n-500 -2\n500 2\n10 0\n");
	ck_assert_uint_eq(change.before.storage_bytes, 100);
	ck_assert_uint_eq(change.after.storage_bytes, 610);
	ck_assert_uint_eq(change.before.message_count, 1);
	ck_assert_uint_eq(change.after.message_count, 3);
	ck_assert_uint_eq(change.limit.storage_bytes, 1000);
	quota_close(&quota);
	leave();
}
END_TEST

START_TEST(a_reservation_under_way_is_not_forgotten)
{
	struct quota_item item = {.bytes = 900};
	enter();
	struct quota *first = quota_new();
	ck_assert_int_eq(quota_reserve(first, &item, 1, &status), QUOTA_FITS);
	/* It cannot be told whether this fits until the first is through: counting sees nothing. */
	options.count_budget_ms = 30;
	ck_assert_int_eq(ask("", 200), QUOTA_CANNOT_TELL);
	ck_assert_int_eq(status.cause, CAUSE_MAILBOX);
	ck_assert_int_eq(deliver("", 200), QUOTA_CANNOT_TELL);
	ck_assert_int_eq(deliver("", 50), QUOTA_FITS);
	run("touch box/cur/x,S=900");
	quota_settle(first, &item, 1, NULL);
	ck_assert_int_eq(deliver("", 51), QUOTA_FULL);
	quota_close(&first);
	expect_usage(950, 2);
	leave();
}
END_TEST

START_TEST(parallel_deliveries_do_not_exceed_the_limit)
{
	static const struct {
		const char *maildirsize; /* what is there at the start, or null */
		uint64_t grace_bytes;
		uint64_t max;
	} rows[] = {
	    {NULL, 0, 100000},
	    {"100000S\n0 0\n", 0, 100000},
	    {NULL, 7000, 107000},
	    {"rubbish", 7000, 107000},
	    {"100000S\n99999999 1\n", 0, 100000},
	};
	static const struct quota_rule rule = {"*", "100000", NULL};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter();
		options = (struct quota_options){
		    .rules = &rule, .rule_count = 1, .grace_bytes = rows[i].grace_bytes};
		if (rows[i].maildirsize != NULL)
			write_file(rows[i].maildirsize, strlen(rows[i].maildirsize));
		else
			run("rm -r box/tmp");
		for (int child = 0; child < 64; child++) {
			if (fork() != 0)
				continue;
			/* 3 x 3 KB each: five times as much as there is room for. */
			for (int k = 0; k < 3; k++)
				deliver("", 3001 + (uint64_t)child);
			_exit(0);
		}
		for (int child = 0; child < 64; child++) {
			int how;
			ck_assert_int_gt(wait(&how), 0);
			ck_assert(WIFEXITED(how));
		}
		struct quota *quota = quota_new();
		struct quota_usage kept;
		struct quota_usage counted;
		struct quota_limit limit;
		ck_assert(quota_show(quota, &kept, &limit, &status));
		ck_assert(quota_recalculate(quota, &counted, &status));
		quota_close(&quota);
		ck_assert_msg(kept.storage_bytes == counted.storage_bytes,
		    "row %zu: kept %llu, counted %llu", i, (unsigned long long)kept.storage_bytes,
		    (unsigned long long)counted.storage_bytes);
		ck_assert_msg(
		    counted.storage_bytes <= rows[i].max && counted.storage_bytes > 100000 - 3064,
		    "row %zu: %llu", i, (unsigned long long)counted.storage_bytes);
		leave();
	}
}
END_TEST

START_TEST(no_maildirsize_refuses_mail_for_an_empty_mailbox)
{
	static const char seed_text[] = "1000S,10C\n1000 10\n-5 1\n";
	uint64_t seed = 1;
	enter();
	for (int round = 0; round < 1000; round++) {
		char text[sizeof(seed_text)];
		memcpy(text, seed_text, sizeof(text));
		for (int k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			size_t at = (size_t)(seed >> 33) % (sizeof(text) - 1);
			text[at] = "0123456789 -+\n\0SC,x\xFF"[(seed >> 20) % 20];
		}
		write_file(text, (size_t)(seed >> 40) % sizeof(text));
		enum quota_answer answer = round % 2 == 0 ? ask("", 1) : ask("Trash", 1000);
		ck_assert_msg(answer == QUOTA_FITS || answer == QUOTA_FITS_IN_GRACE, "round %d: %s",
		    round, text);
	}
	leave();
}
END_TEST

START_TEST(tricks_with_maildirsize_do_no_harm)
{
	static const char *const tricks[] = {"ln -s ../victim box/maildirsize",
	    "mkfifo box/maildirsize", "mkdir box/maildirsize", "ln -s nowhere box/maildirsize",
	    "rmdir box/tmp; ln -s ../out box/tmp"};
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		enter();
		run("echo precious > victim; mkdir out; touch box/cur/a,S=990");
		run(tricks[i]);
		ck_assert_int_eq(ask("", 10), QUOTA_FITS);
		ck_assert_int_eq(deliver("", 11), QUOTA_FULL);
		ck_assert_int_eq(deliver("", 10), QUOTA_FITS);
		ck_assert_int_eq(ask("", 1), QUOTA_FULL);
		run("test \"$(cat victim)\" = precious; rmdir out; test ! -e nowhere");
		leave();
	}
}
END_TEST

START_TEST(what_cannot_be_had_is_temporary)
{
	enter();
	run("rm -r box; touch box");
	ck_assert_int_eq(ask("", 1), QUOTA_CANNOT_TELL);
	ck_assert(!status_is_permanent(&status));
	ck_assert_int_eq(deliver("", 1), QUOTA_CANNOT_TELL);
	struct quota_usage usage;
	struct quota_limit limit;
	struct quota *quota = quota_new();
	ck_assert(!quota_show(quota, &usage, &limit, &status));
	quota_close(&quota);
	static const struct quota_rule bad = {"*", "much", NULL};
	options.rules = &bad;
	options.rule_count = 1;
	ck_assert_ptr_null(quota_open(arena, "box", &options, &status));
	ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
	leave();
}
END_TEST

/* Waits until the text stands in the file. */
static void wait_for_file(const char *text)
{
	int64_t deadline_ms = clock_monotonic_ms() + 20000;
	char command[200];
	snprintf(command, sizeof(command), "test \"$(cat box/maildirsize)\" = \"%s\"", text);
	while (system(command) != 0)
		ck_assert_int_gt(clock_left_ms(deadline_ms), 0);
}

START_TEST(long_counting_goes_on_behind)
{
	enter();
	static const struct quota_rule rule = {"*", NULL, "10"};
	int ends[2];
	char byte;
	options.rules = &rule;
	options.rule_count = 1;
	options.count_budget_ms = 1;
	run("cd box/cur; seq 1 2000 | xargs touch; touch -d '1 hour ago' . ../new ../.Trash/cur");
	write_file("10C\n1 9999\n0 0\n", 15);
	/* Nobody may keep a descriptor of ours open: this one stands for standard output. */
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(ask("", 1), QUOTA_CANNOT_TELL);
	ck_assert_int_eq(status.cause, CAUSE_MAILBOX);
	/* Asking again starts no second count; the first may be done by now. */
	for (int i = 0; i < 4; i++)
		ck_assert_int_ne(ask("", 1), QUOTA_FITS);
	close(ends[1]);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	int64_t deadline_ms = clock_monotonic_ms() + 60000;
	while (read(ends[0], &byte, 1) != 0)
		ck_assert_int_gt(clock_left_ms(deadline_ms), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	wait_for_file("10C\n0 2000");
	/* The figures are there now. What remains is to look whether anything changed since, which a
	 * busy machine may not do within 1 ms. */
	options.count_budget_ms = 0;
	ck_assert_int_eq(ask("", 1), QUOTA_FULL);
	leave();
}
END_TEST

START_TEST(a_long_file_is_counted_or_where_that_takes_long_shortened)
{
	static const struct quota_rule rule = {"*", "1G", NULL};
	static const struct {
		unsigned budget_ms;
		const char *text;
	} rows[] = {
	    {0, "1073741824S\n5 1\n10 1\n"},
	    {1, "1073741824S\n100000 1000\n10 1\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter();
		options.rules = &rule;
		options.rule_count = 1;
		options.count_budget_ms = rows[i].budget_ms;
		FILE *file = fopen("box/maildirsize", "w");
		fprintf(file, "1073741824S\n");
		for (int k = 0; k < 1000; k++)
			fprintf(file, "100 1\n");
		fclose(file);
		run("touch box/cur/a,S=5");
		ck_assert_int_eq(deliver("", 10), QUOTA_FITS);
		expect_file(rows[i].text);
		leave();
	}
}
END_TEST

UNIT_TESTS("quota", without_limits_nothing_is_written, a_missing_mailbox_is_an_empty_one,
    who_is_not_near_the_limit_costs_no_counting, the_file_is_counted_anew_when_it_is_of_no_use,
    a_full_mailbox_becomes_empty, full_is_said_of_figures_that_were_just_counted,
    grace_is_for_one_message_of_who_is_under_the_limit, copies_of_one_delivery_are_judged_together,
    what_was_not_stored_is_given_back, a_reservation_under_way_is_not_forgotten,
    parallel_deliveries_do_not_exceed_the_limit, no_maildirsize_refuses_mail_for_an_empty_mailbox,
    tricks_with_maildirsize_do_no_harm, what_cannot_be_had_is_temporary,
    long_counting_goes_on_behind, a_long_file_is_counted_or_where_that_takes_long_shortened)
