#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ladle-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	char command[100];
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(directories_are_made_to_any_depth)
{
	enter();
	ck_assert_int_eq(file_make_dirs("a/b/c/", 0700), 0);
	ck_assert_int_eq(file_make_dirs("a/b/c", 0700), 0);
	struct stat found;
	ck_assert_int_eq(stat("a/b/c", &found), 0);
	int fd = open("a/file", O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(file_close(&fd), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(file_make_dirs("a/file", 0700), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	leave();
}
END_TEST

START_TEST(reading_is_bounded_and_wants_regular_files)
{
	enter();
	struct bytes read = {0};
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	ck_assert_int_eq(file_write_all(fd, "hello", 5), 0);
	ck_assert_int_eq(file_read_path("f", 5, &read, NULL), 0);
	ck_assert(span_is(bytes_span(&read), "hello"));
	bytes_reset(&read);
	ck_assert_int_eq(file_read_path("f", 4, &read, NULL), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(file_read_path(".", 4, &read, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(file_read_path("fifo", 4, &read, NULL), -1);
	char some[10];
	ck_assert_int_eq(file_read_at(fd, some, sizeof(some), 2), 3);
	close(fd);
	fd = file_open_unnamed(".");
	ck_assert_int_ge(fd, 0);
	close(fd);
	bytes_clear(&read);
	leave();
}
END_TEST

START_TEST(a_lock_waits_no_longer_than_told)
{
	enter();
	int first = open("lock", O_CREAT | O_RDWR, 0600);
	int second = open("lock", O_RDWR);
	ck_assert_int_eq(lock_take(first, 0), 0);
	ck_assert_int_eq(lock_take(second, clock_monotonic_ms() + 20), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	close(first);
	ck_assert_int_eq(lock_take(second, 0), 0);
	close(second);
	leave();
}
END_TEST

START_TEST(bytes_of_a_file_are_locked_apart)
{
	enter();
	int first = open("lock", O_CREAT | O_RDWR, 0600);
	int second = open("lock", O_RDWR);
	ck_assert_int_eq(lock_take_byte(first, 0, LOCK_MODE_EXCLUSIVE, 0), 0);
	ck_assert_int_eq(lock_take_byte(second, 1, LOCK_MODE_SHARED, 0), 0);
	ck_assert_int_eq(lock_take_byte(first, 1, LOCK_MODE_SHARED, 0), 0);
	ck_assert_int_eq(lock_take_byte(first, 1, LOCK_MODE_EXCLUSIVE, 0), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	lock_drop_byte(second, 1);
	ck_assert_int_eq(lock_take_byte(first, 1, LOCK_MODE_EXCLUSIVE, 0), 0);
	ck_assert_int_eq(lock_take_byte(second, 0, LOCK_MODE_SHARED, 0), -1);
	close(first);
	ck_assert_int_eq(lock_take_byte(second, 0, LOCK_MODE_EXCLUSIVE, 0), 0);
	close(second);
	leave();
}
END_TEST

UNIT_TESTS("file", directories_are_made_to_any_depth, reading_is_bounded_and_wants_regular_files,
    a_lock_waits_no_longer_than_told, bytes_of_a_file_are_locked_apart)
