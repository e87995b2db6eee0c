/* A session's exchanges with real delivery processes that run a pipeline of the test's own
 * (fake_pipeline.c): whatever they do, each recipient gets one status in time. */
#include "base/clock.h"
#include "base/file.h"
#include "lmtp-bridge/channel.h"
#include "lmtp-bridge/delivery_process.h"
#include "lmtp-bridge/dispatch.h"
#include "lmtp-bridge/signals.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL 4
#define RECIPIENTS_MAX 30

static struct {
	struct arena *arena;
	struct settings *settings;
	struct channel channel;
	struct caller caller;
	struct board *board;
	char directory[64];
	char deliveries[128];
} world;

static void start_process(void)
{
	uint32_t slot = board_slot_take(world.board, BOARD_DELIVERY, 0, BOARD_FREE);
	board_count_free(world.board, 0);
	pid_t pid = fork();
	if (pid != 0) {
		board_slot_start(world.board, slot, pid);
		return;
	}
	struct delivery_start start = {
	    .settings = world.settings,
	    .serving = world.channel.serving,
	    .line = -1,
	    .need_fd = -1,
	    .board = world.board,
	    .slot = slot,
	};
	signals_end(NULL);
	close(world.channel.calling);
	_exit(delivery_process_run(&start));
}

static void set_up(void)
{
	struct status status;
	char path[128];
	snprintf(world.directory, sizeof(world.directory), "/tmp/test_dispatch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.directory));
	snprintf(world.deliveries, sizeof(world.deliveries), "%s/deliveries", world.directory);
	setenv("FAKE_DELIVERIES", world.deliveries, 1);
	snprintf(path, sizeof(path), "%s/conf", world.directory);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	world.arena = arena_new();
	world.settings = settings_load(path, &status);
	ck_assert_ptr_nonnull(world.settings);
	unlink(path);
	/* On a loaded machine all but what is to run into it must have an end before. */
	ck_assert(settings_override(world.settings, "delivery_timeout=60s", &status));
	ck_assert_int_eq(channel_open(&world.channel), 0);
	world.board = board_open("");
	ck_assert_ptr_nonnull(world.board);
	caller_init(&world.caller, world.channel.calling, false, world.board,
	    board_slot_take(world.board, BOARD_LMTP, 0, BOARD_HELD));
}

static void limit_deliveries(const char *timeout)
{
	struct status status;
	ck_assert(settings_override(world.settings, timeout, &status));
}

static void tear_down(void)
{
	caller_close(&world.caller);
	close(world.channel.calling);
	while (wait(NULL) > 0)
		;
	close(world.channel.serving);
	unlink(world.deliveries);
	rmdir(world.directory);
	settings_free(&world.settings);
	arena_free(&world.arena);
	board_close(&world.board);
}

static size_t take_names(const char *names, struct envelope_recipient *recipients)
{
	struct span rest = span_of(names);
	struct span name;
	size_t count = 0;
	while (span_next_piece(&rest, ' ', &name)) {
		recipients[count] = (struct envelope_recipient){0};
		ck_assert(address_parse(world.arena, name, &recipients[count++].address, NULL));
	}
	return count;
}

static struct dispatch make_dispatch(const struct envelope *envelope, bool is_probe)
{
	return (struct dispatch){&world.caller, world.settings, "id1", is_probe, envelope};
}

/* "DEAD..." of causes, one letter for each recipient. */
static void check_statuses(const char *wanted, const struct status *statuses, size_t count)
{
	char got[RECIPIENTS_MAX + 1] = "";
	for (size_t i = 0; i < count; i++) {
		switch (statuses[i].cause) {
		case CAUSE_DELIVERED:
			got[i] = '+';
			break;
		case CAUSE_MAILBOX:
			got[i] = 'm';
			break;
		case CAUSE_INTERNAL:
			got[i] = 'i';
			break;
		case CAUSE_DEADLINE:
			got[i] = 'd';
			break;
		default:
			got[i] = '?';
		}
	}
	ck_assert_str_eq(got, wanted);
}

static void check_deliveries(const char *wanted)
{
	struct bytes got = {0};
	struct stat stat;
	(void)file_read_path(world.deliveries, 100000, &got, &stat);
	ck_assert_str_eq(bytes_terminate(&got), wanted);
	bytes_clear(&got);
}

static void deliver(const char *names, size_t message_bytes, const char *wanted)
{
	static const char text[1000];
	struct envelope_recipient recipients[RECIPIENTS_MAX];
	struct status statuses[RECIPIENTS_MAX];
	struct status status;
	struct envelope envelope = {.sender = {SPAN("s@x"), SPAN("s"), SPAN("x")}};
	struct dispatch dispatch = make_dispatch(&envelope, false);
	struct spool *spool = spool_new(world.directory);
	size_t count = take_names(names, recipients);
	for (size_t i = 0; i < message_bytes; i += sizeof(text))
		ck_assert(spool_append(spool, text, sizeof(text), &status));
	ck_assert(spool_finish(spool, &status));
	dispatch_deliver(&dispatch, spool, recipients, count, statuses);
	spool_free(&spool);
	check_statuses(wanted, statuses, count);
}

static enum cause admit(const char *name, bool is_probe)
{
	struct envelope_recipient recipient;
	struct status status;
	struct envelope envelope = {.sender = {SPAN(""), SPAN(""), SPAN("")}};
	struct dispatch dispatch = make_dispatch(&envelope, is_probe);
	take_names(name, &recipient);
	dispatch_admit(&dispatch, &recipient, &status);
	return status.cause;
}

START_TEST(each_recipient_gets_its_status)
{
	start_process();
	ck_assert_int_eq(admit("a", false), CAUSE_DELIVERED);
	ck_assert_int_eq(admit("no", false), CAUSE_USER_UNKNOWN);
	ck_assert_int_eq(admit("full", false), CAUSE_MAILBOX_FULL);
	ck_assert_int_eq(admit("full", true), CAUSE_DELIVERED);
	deliver("a late b", 2000, "+m+");
	check_deliveries("a 2000\nb 2000\n");
}
END_TEST

START_TEST(a_large_message_goes_as_a_file)
{
	start_process();
	deliver("a b", 5000000, "++");
	check_deliveries("a 5000000\nb 5000000\n");
}
END_TEST

START_TEST(who_crashes_alone_is_refused_alone)
{
	for (int i = 0; i < POOL; i++)
		start_process();
	deliver("a b crash late c", 2000, "++im+");
	check_deliveries("a 2000\nb 2000\nc 2000\n");
	ck_assert_int_eq(admit("d", false), CAUSE_DELIVERED);
}
END_TEST

START_TEST(a_crash_at_rcpt_is_temporary)
{
	for (int i = 0; i < POOL; i++)
		start_process();
	ck_assert_int_eq(admit("crashrcpt", false), CAUSE_INTERNAL);
	ck_assert_int_eq(admit("a", false), CAUSE_DELIVERED);
}
END_TEST

START_TEST(a_delivery_that_hangs_ends_at_the_deadline)
{
	limit_deliveries("delivery_timeout=5s");
	start_process();
	int64_t began_ms = clock_monotonic_ms();
	deliver("a hang b", 2000, "+dd");
	ck_assert_int_gt(clock_monotonic_ms() - began_ms, 2500);
	check_deliveries("a 2000\n");
}
END_TEST

START_TEST(nobody_to_ask_is_a_deadline)
{
	limit_deliveries("delivery_timeout=2s");
	deliver("a", 2000, "d");
	limit_deliveries("delivery_timeout=60s");
	/* Who comes later must not deliver what was answered already. */
	start_process();
	ck_assert_int_eq(admit("x", false), CAUSE_DELIVERED);
	check_deliveries("");
}
END_TEST

START_TEST(nonsense_from_a_session_is_survived)
{
	char noise[100000];
	start_process();
	for (unsigned i = 0; i < 50; i++) {
		size_t len = i * 1999;
		memset(noise, (int)i * 37, sizeof(noise));
		uint64_t length = i % 2 == 0 ? len : UINT64_MAX / (i + 1);
		memcpy(noise, &length, sizeof(length));
		int64_t deadline_ms = clock_monotonic_ms() + 60000;
		int fd = channel_call(world.channel.calling, deadline_ms);
		ck_assert_int_ge(fd, 0);
		(void)channel_write(fd, noise, len + 8, i % 3 == 0 ? 0 : -1, deadline_ms);
		close(fd);
	}
	ck_assert_int_eq(admit("a", false), CAUSE_DELIVERED);
}
END_TEST

START_TEST(many_calls_wait_for_one_process)
{
	for (int i = 0; i < 100; i++) {
		if (fork() == 0)
			_exit(admit("a", false) == CAUSE_DELIVERED ? 0 : 1);
	}
	start_process();
	for (int i = 0; i < 100; i++) {
		int status;
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

START_TEST(one_process_serves_several_sessions_in_turn)
{
	struct caller first = world.caller;
	struct caller second;
	caller_init(&second, world.channel.calling, false, world.board, BOARD_NO_SLOT);
	start_process();
	for (int i = 0; i < 20; i++) {
		world.caller = first;
		ck_assert_int_eq(admit("a", false), CAUSE_DELIVERED);
		first = world.caller;
		world.caller = second;
		ck_assert_int_eq(admit("b", false), CAUSE_DELIVERED);
		second = world.caller;
	}
	caller_close(&second);
	world.caller = first;
}
END_TEST

START_TEST(a_line_that_was_given_up_costs_nothing)
{
	start_process();
	ck_assert_int_eq(admit("a", false), CAUSE_DELIVERED);
	int line = world.caller.line;
	ck_assert_int_ge(line, 0);
	/* Until the farewell is there to be read. */
	struct pollfd poller = {line, POLLIN, 0};
	ck_assert_int_eq(poll(&poller, 1, 20000), 1);
	deliver("a b", 2000, "++");
	check_deliveries("a 2000\nb 2000\n");
}
END_TEST

START_TEST(what_a_process_did_stands_on_the_board)
{
	start_process();
	deliver("a late b", 2000, "+m+");
	ck_assert_uint_eq(world.board->delivered[CAUSE_DELIVERED], 2);
	ck_assert_uint_eq(world.board->delivered[CAUSE_MAILBOX], 1);
	ck_assert_uint_eq(world.board->counters[BOARD_MESSAGES], 1);
	ck_assert_int_eq(admit("no", false), CAUSE_USER_UNKNOWN);
	ck_assert_uint_eq(world.board->admitted[CAUSE_USER_UNKNOWN], 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {each_recipient_gets_its_status,
	    a_large_message_goes_as_a_file, who_crashes_alone_is_refused_alone,
	    a_crash_at_rcpt_is_temporary, a_delivery_that_hangs_ends_at_the_deadline,
	    nobody_to_ask_is_a_deadline, nonsense_from_a_session_is_survived,
	    many_calls_wait_for_one_process, one_process_serves_several_sessions_in_turn,
	    a_line_that_was_given_up_costs_nothing, what_a_process_did_stands_on_the_board};
	Suite *suite = suite_create("dispatch");
	TCase *tc = tcase_create("dispatch");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 300);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
