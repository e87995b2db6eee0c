#include "base/clock.h"
#include "base/spawn.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct spawn_result result;

static void run(const char *script, ssize_t (*feed)(void *, char *, size_t), void *context,
    size_t output_limit, int timeout_ms)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const char *env[] = {"COLOUR=blue", NULL};
	struct spawn_request request = {.argv = argv,
	    .env = env,
	    .directory = "/",
	    .feed = feed,
	    .context = context,
	    .output_limit = output_limit,
	    .deadline_ms = clock_monotonic_ms() + timeout_ms};
	spawn_run(&request, &result);
}

/* Feeds `*context` bytes of "x". */
static ssize_t feed_x(void *context, char *data, size_t len)
{
	size_t *left = context;
	size_t count = *left < len ? *left : len;
	memset(data, 'x', count);
	*left -= count;
	return (ssize_t)count;
}

START_TEST(output_exit_status_and_surroundings)
{
	run("echo $COLOUR $HOME; pwd; echo lost >&2; ls /proc/self/fd | wc -l; exit 3", NULL, NULL,
	    100, 5000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_int_eq(result.code, 3);
	/* 0, 1, 2 and the one ls itself opens. */
	ck_assert_str_eq(bytes_terminate(&result.output), "blue\n/\n4\n");
	bytes_clear(&result.output);
}
END_TEST

START_TEST(much_input_and_output_at_once)
{
	size_t left = 1000000;
	run("cat", feed_x, &left, 2000000, 10000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_uint_eq(result.output.len, 1000000);
	ck_assert(!result.is_output_cut);
	bytes_clear(&result.output);
	left = 1000000;
	run("cat", feed_x, &left, 1000, 10000);
	ck_assert_uint_eq(result.output.len, 1000);
	ck_assert(result.is_output_cut);
	ck_assert_int_eq(result.code, 0);
	bytes_clear(&result.output);
}
END_TEST

START_TEST(a_program_need_not_read)
{
	size_t left = 10000000;
	run("exec <&-; echo done", feed_x, &left, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_str_eq(bytes_terminate(&result.output), "done\n");
	bytes_clear(&result.output);
}
END_TEST

/* Gives one piece, then has trouble. */
static ssize_t feed_half(void *context, char *data, size_t len)
{
	unsigned *calls = context;
	(void)len;
	data[0] = 'x';
	return (*calls)++ == 0 ? 1 : -1;
}

START_TEST(half_an_input_is_never_taken_for_the_whole)
{
	unsigned calls = 0;
	run("trap '' TERM; cat >/dev/null; echo accepted", feed_half, &calls, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_NOT_FED);
	ck_assert_uint_eq(result.output.len, 0);
	bytes_clear(&result.output);
	/* Done with its output, it reads on. */
	size_t left = 1000000;
	run("exec >&-; test $(wc -c) -eq 1000000", feed_x, &left, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_int_eq(result.code, 0);
	/* Done altogether, it does not, though somebody it left behind could. */
	left = 1000000;
	run("sleep 100 <&0 >&- & exec >&-; exit 4", feed_x, &left, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_int_eq(result.code, 4);
}
END_TEST

START_TEST(an_ignored_child_is_waited_for)
{
	signal(SIGCHLD, SIG_IGN);
	run("exit 3", NULL, NULL, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_EXITED);
	ck_assert_int_eq(result.code, 3);
	ck_assert(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
}
END_TEST

START_TEST(time_is_up_for_the_whole_group)
{
	int64_t start = clock_monotonic_ms();
	run("sleep 100 & sleep 100", NULL, NULL, 100, 150);
	ck_assert_int_eq(result.end, SPAWN_TIMED_OUT);
	ck_assert_int_lt((int)(clock_monotonic_ms() - start), 5000);
	bytes_clear(&result.output);
	/* Closing its output does not make it immortal. */
	run("exec >&-; sleep 100", NULL, NULL, 100, 150);
	ck_assert_int_eq(result.end, SPAWN_TIMED_OUT);
}
END_TEST

START_TEST(signals_and_what_cannot_start)
{
	run("kill -SEGV $$", NULL, NULL, 100, 5000);
	ck_assert_int_eq(result.end, SPAWN_SIGNALLED);
	ck_assert_int_eq(result.code, 11);
	const char *argv[] = {"/nonexistent/program", NULL};
	struct spawn_request request = {
	    .argv = argv, .env = argv + 1, .deadline_ms = clock_monotonic_ms() + 5000};
	spawn_run(&request, &result);
	ck_assert_int_eq(result.end, SPAWN_NOT_STARTED);
	ck_assert_int_eq(result.code, ENOENT);
}
END_TEST

UNIT_TESTS("spawn", output_exit_status_and_surroundings, much_input_and_output_at_once,
    a_program_need_not_read, half_an_input_is_never_taken_for_the_whole,
    an_ignored_child_is_waited_for, time_is_up_for_the_whole_group, signals_and_what_cannot_start)
