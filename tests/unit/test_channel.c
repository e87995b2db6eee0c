/* Calls and lines between processes, and what one that was taken over may send on them. */
#include "lmtp-bridge/channel.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 60000

START_TEST(a_call_is_taken_and_both_sides_talk)
{
	struct channel channel;
	char data[8];
	ck_assert_int_eq(channel_open(&channel), 0);
	errno = 0;
	ck_assert_int_eq(channel_take(channel.serving, false), -1);
	ck_assert_int_eq(errno, EAGAIN);
	int64_t end_ms = clock_monotonic_ms() + LONG_MS;
	int ours = channel_call(channel.calling, end_ms);
	ck_assert_int_eq(channel_write(ours, "hello", 5, -1, end_ms), 0);
	int theirs = channel_take(channel.serving, true);
	ck_assert_int_ge(theirs, 0);
	ck_assert_int_eq(channel_read(theirs, data, 5, sizeof(data), NULL, end_ms), 5);
	ck_assert(memcmp(data, "hello", 5) == 0);
	ck_assert(!channel_is_hung_up(theirs));
	close(ours);
	ck_assert(channel_is_hung_up(theirs));
	close(theirs);
	channel_close(&channel);
}
END_TEST

/* A record of no bytes reads like the end, and a process that takes it for the end goes. */
START_TEST(an_empty_record_is_not_the_end)
{
	struct channel channel;
	ck_assert_int_eq(channel_open(&channel), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send(channel.calling, "", 0, 0), 0);
	ck_assert_int_eq(send(channel.calling, "xyz", 3, 0), 3);
	ck_assert_int_eq(channel_take(channel.serving, false), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(send(channel.calling, "", 0, 0), 0);
	int ours = channel_call(channel.calling, clock_monotonic_ms() + LONG_MS);
	ck_assert_int_eq(send(channel.calling, "", 0, 0), 0);
	int theirs = channel_take(channel.serving, true);
	ck_assert_int_ge(theirs, 0);
	close(theirs);
	close(ours);
	close(channel.calling);
	channel.calling = -1;
	ck_assert_int_eq(channel_take(channel.serving, true), -1);
	ck_assert_int_eq(errno, 0);
	channel_close(&channel);
}
END_TEST

UNIT_TESTS("channel", a_call_is_taken_and_both_sides_talk, an_empty_record_is_not_the_end)
