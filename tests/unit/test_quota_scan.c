#include "base/clock.h"
#include "quota/scan.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct arena *arena;
static struct quota_rules rules;

static void enter(const char *ignored_mask)
{
	struct quota_rule rule = {ignored_mask, "ignore", NULL};
	struct status status;
	snprintf(dir, sizeof(dir), "/tmp/ladle-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	arena = arena_new();
	ck_assert(quota_rules_parse(arena, &rule, ignored_mask != NULL, &rules, &status));
}

static void leave(void)
{
	char command[100];
	arena_free(&arena);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static enum quota_scan_answer scan(int64_t deadline_ms, struct quota_scan *out)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	struct quota_scan_request request = {fd, &rules, false, deadline_ms};
	enum quota_scan_answer answer = quota_scan_count(&request, out);
	close(fd);
	return answer;
}

static void expect(uint64_t bytes, uint64_t messages)
{
	struct quota_scan found;
	ck_assert_int_eq(scan(INT64_MAX, &found), QUOTA_SCAN_DONE);
	ck_assert_msg(found.usage.storage_bytes == bytes && found.usage.message_count == messages,
	    "%llu bytes in %llu messages", (unsigned long long)found.usage.storage_bytes,
	    (unsigned long long)found.usage.message_count);
}

START_TEST(sizes_are_read_from_names)
{
	static const struct {
		const char *name;
		bool has_size;
		uint64_t bytes;
	} rows[] = {
	    {"1.M1P1.host,S=1234", true, 1234},
	    {"1.M1P1.host,S=1234:2,S", true, 1234},
	    {"1.M1P1.host,S=1234,W=1300:2,", true, 1234},
	    {"1.M1P1.host,W=1300,S=0", true, 0},
	    {"1.M1P1.host", false, 0},
	    {"1.M1P1.host,S=", false, 0},
	    {"1.M1P1.host,S=:2,", false, 0},
	    {"1.M1P1.host,S=12x", false, 0},
	    {"1.M1P1.host,S=-5", false, 0},
	    {"1.M1P1.host,S=99999999999999999999999999", false, 0},
	    {"1.M1P1.host,S=9223372036854775807", true, INT64_MAX},
	    {"1.M1P1.host,S=9223372036854775808", false, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 0;
		ck_assert_msg(quota_scan_size_in_name(rows[i].name, &bytes) == rows[i].has_size,
		    "%s", rows[i].name);
		ck_assert_uint_eq(bytes, rows[i].bytes);
	}
}
END_TEST

START_TEST(folder_names_come_back_from_the_disk)
{
	static const struct {
		const char *disk;
		const char *name;
		const char *name_utf8; /* on a disk with UTF-8 names */
	} rows[] = {
	    {"Trash", "Trash", "Trash"},
	    {"Entw&APw-rfe", "Entwürfe", "Entw&APw-rfe"},
	    {"R&-D.a", "R&D.a", "R&-D.a"},
	    {"&U,BTFw-", "台北", "&U,BTFw-"},
	    {"&2D3eAA-", "😀", "&2D3eAA-"},
	    {"R&D", "R&D", "R&D"},
	    {"&!!-", "&!!-", "&!!-"},
	    {"Entwürfe", "Entwürfe", "Entwürfe"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes name = {0};
		quota_scan_folder_name(span_of(rows[i].disk), false, &name);
		ck_assert_str_eq(bytes_terminate(&name), rows[i].name);
		bytes_reset(&name);
		quota_scan_folder_name(span_of(rows[i].disk), true, &name);
		ck_assert_str_eq(bytes_terminate(&name), rows[i].name_utf8);
		bytes_clear(&name);
	}
}
END_TEST

static void fill(void)
{
	ck_assert_int_eq(
	    system("mkdir -p cur new tmp .Trash/cur .Trash/new .Trash/tmp '.Entw&APw-rfe/cur' "
	           ".dots..dots/new .no-folder; touch file .file;"
	           "touch cur/a,S=100:2,S new/b,S=20 .Trash/cur/c,S=3 tmp/no,S=1000;"
	           "printf 12345 > cur/d; touch '.Entw&APw-rfe/cur/e,S=4000';"
	           "touch .dots..dots/new/f,S=50000"),
	    0);
}

START_TEST(every_folder_that_counts_is_counted)
{
	static const struct {
		const char *ignored;
		uint64_t bytes;
		uint64_t messages;
	} rows[] = {
	    {NULL, 54128, 6},
	    {"Trash", 54125, 5},
	    {"Entwürfe", 50128, 5},
	    {"Entw*", 50128, 5},
	    {"Entw&APw-rfe", 54128, 6},
	    {"INBOX", 54003, 3},
	    {"%", 50000, 1},
	    {"*", 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter(rows[i].ignored);
		fill();
		expect(rows[i].bytes, rows[i].messages);
		leave();
	}
}
END_TEST

START_TEST(nothing_in_a_maildir_leads_out_of_it)
{
	enter(NULL);
	fill();
	ck_assert_int_eq(
	    system("mkdir -p out/cur out/new .loop; touch out/cur/x,S=1000000;"
	           "ln -s ../out .out; ln -s ../out/cur .loop/cur; ln -s .. .loop/new;"
	           "ln -s /etc/passwd cur/link; mkdir cur/dir; mkfifo new/fifo; mkfifo .fifo;"
	           "touch cur/.hidden,S=9; mkdir ...; mkdir .../cur; touch .../cur/g,S=1000000;"
	           "touch \"cur/$(printf 'line\\nfeed'),S=500000\""),
	    0);
	/* A name may promise what it likes, also to be a message where it is something else. */
	expect(554128, 7);
	leave();
}
END_TEST

START_TEST(huge_sizes_do_not_wrap_round)
{
	enter(NULL);
	ck_assert_int_eq(system("mkdir cur; for i in 1 2 3; do "
	                        "touch cur/$i,S=9223372036854775807; done"),
	    0);
	expect(UINT64_MAX, 3);
	leave();
}
END_TEST

START_TEST(a_change_shows_in_the_fingerprint)
{
	static const char *const changes[] = {"rm new/b,S=20", "mv new/b,S=20 cur",
	    "mv .Trash .Rubbish; touch .Rubbish/cur/x", "rm -r .Trash", "mkdir -p .New/cur",
	    "mv cur/d cur/e"};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct quota_scan before;
		struct quota_scan after;
		enter(NULL);
		fill();
		ck_assert_int_eq(system("touch -d 2020-01-01 cur new .*/cur .*/new"), 0);
		ck_assert_int_eq(scan(INT64_MAX, &before), QUOTA_SCAN_DONE);
		ck_assert_int_eq(scan(INT64_MAX, &after), QUOTA_SCAN_DONE);
		ck_assert(before.fingerprint == after.fingerprint);
		ck_assert_int_eq(system(changes[i]), 0);
		ck_assert_int_eq(scan(INT64_MAX, &after), QUOTA_SCAN_DONE);
		ck_assert_msg(before.fingerprint != after.fingerprint, "%s", changes[i]);
		leave();
	}
}
END_TEST

START_TEST(the_deadline_ends_it)
{
	struct quota_scan found;
	enter(NULL);
	fill();
	ck_assert_int_eq(scan(clock_monotonic_ms() - 1, &found), QUOTA_SCAN_LATE);
	leave();
}
END_TEST

UNIT_TESTS("quota scan", sizes_are_read_from_names, folder_names_come_back_from_the_disk,
    every_folder_that_counts_is_counted, nothing_in_a_maildir_leads_out_of_it,
    huge_sizes_do_not_wrap_round, a_change_shows_in_the_fingerprint, the_deadline_ends_it)
