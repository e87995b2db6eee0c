#include "base/clock.h"
#include "deliver/parent.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static bool does_log_hang;

void __wrap_syslog(int priority, const char *format, ...);
void __wrap_syslog(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
	while (does_log_hang)
		pause();
}

/* The same where the C library checks formats. */
void __wrap___syslog_chk(int priority, int flag, const char *format, ...);
void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)flag;
	__wrap_syslog(priority, "%s", format);
}

/* -- what the child does --------------------------------------------------------------------- */

static void tell(int notes_fd, enum cause cause)
{
	struct parent_note note = {.kind = PARENT_STATUS};
	status_set(&note.status, cause, NULL);
	ck_assert_int_eq(write(notes_fd, &note, sizeof(note)), sizeof(note));
}

static void say_and_store(void *context, int notes_fd)
{
	(void)context;
	(void)!write(STDOUT_FILENO, "out", 3);
	(void)!write(STDERR_FILENO, "err", 3);
	tell(notes_fd, CAUSE_DELIVERED);
}

static void find_it_full(void *context, int notes_fd)
{
	(void)context;
	tell(notes_fd, CAUSE_MAILBOX_FULL);
}

static void crash(void *context, int notes_fd)
{
	(void)context;
	(void)notes_fd;
	raise(SIGKILL);
}

static void vanish(void *context, int notes_fd)
{
	(void)context;
	(void)notes_fd;
	_exit(0);
}

static void hang(void *context, int notes_fd)
{
	struct parent_note note = {
	    .kind = PARENT_DEADLINE, .deadline_ms = clock_monotonic_ms() + 100};
	(void)context;
	(void)!write(notes_fd, &note, sizeof(note));
	for (;;)
		pause();
}

/* The mail is stored, and then a signal arrives before the parent has read so. */
static void store_and_interrupt(void *context, int notes_fd)
{
	(void)context;
	kill(getppid(), SIGSTOP);
	usleep(100000);
	tell(notes_fd, CAUSE_DELIVERED);
	kill(getppid(), SIGTERM);
	kill(getppid(), SIGCONT);
	for (;;)
		pause();
}

static void interrupt_first(void *context, int notes_fd)
{
	(void)context;
	(void)notes_fd;
	kill(getppid(), SIGTERM);
	for (;;)
		pause();
}

/* Stores what standard input has, if it can be read. */
static void store_input(void *context, int notes_fd)
{
	char data[64];
	(void)context;
	tell(notes_fd,
	    read(STDIN_FILENO, data, sizeof(data)) < 0 ? CAUSE_INTERNAL : CAUSE_DELIVERED);
}

/* -- running it ------------------------------------------------------------------------------ */

struct run {
	int status; /* as waitpid() has it */
	char output[400];
	size_t fed; /* bytes of standard input that were taken */
};

/* Never returns to Check: the process is deliver. */
static _Noreturn void be_deliver(void (*work)(void *, int), const int in[2], const int out[2])
{
	struct status status;
	if (in == NULL)
		close(STDIN_FILENO);
	else
		dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(out[1], STDERR_FILENO);
	close(out[0]);
	close(out[1]);
	if (in != NULL) {
		close(in[0]);
		close(in[1]);
	}
	parent_run(work, NULL, &status);
	_exit(parent_answer(&status));
}

static struct run run(void (*work)(void *, int), bool has_input)
{
	static char data[1000000];
	struct run result = {0};
	int in[2];
	int out[2];
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0)
		be_deliver(work, has_input ? in : NULL, out);
	close(in[0]);
	close(out[1]);
	ssize_t got = has_input ? write(in[1], data, sizeof(data)) : 0;
	result.fed = got < 0 ? 0 : (size_t)got;
	close(in[1]);
	/* To its end: nobody may hold the MTA's pipe longer than deliver lives. */
	for (size_t len = 0; (got = read(out[0], result.output + len, 399 - len)) > 0;)
		len += (size_t)got;
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &result.status, 0), pid);
	return result;
}

START_TEST(every_end_is_one_status_and_at_most_one_line)
{
	static const struct {
		const char *name;
		void (*work)(void *, int);
		int exit_status;
		const char *output;
	} rows[] = {
	    {"stored", say_and_store, 0, ""},
	    {"full", find_it_full, 77, "5.2.2 Mailbox is full\n"},
	    {"crash", crash, 75, "4.3.0 Temporary internal error\n"},
	    {"no status", vanish, 75, "4.3.0 Temporary internal error\n"},
	    {"deadline", hang, 75, "4.3.0 Delivery took too long\n"},
	    {"a signal", interrupt_first, 75, "4.3.2 Too busy, please try again\n"},
	    {"a signal too late", store_and_interrupt, 0, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run end = run(rows[i].work, true);
		ck_assert_msg(WIFEXITED(end.status), "%s: %x", rows[i].name, end.status);
		ck_assert_msg(WEXITSTATUS(end.status) == rows[i].exit_status, "%s: %d",
		    rows[i].name, WEXITSTATUS(end.status));
		ck_assert_msg(
		    strcmp(end.output, rows[i].output) == 0, "%s: %s", rows[i].name, end.output);
	}
}
END_TEST

START_TEST(all_input_is_read_whatever_the_end)
{
	ck_assert_uint_eq(run(say_and_store, true).fed, 1000000);
	ck_assert_uint_eq(run(crash, true).fed, 1000000);
}
END_TEST

START_TEST(a_closed_input_is_no_empty_message)
{
	struct run end = run(store_input, false);
	ck_assert(WIFEXITED(end.status));
	ck_assert_int_eq(WEXITSTATUS(end.status), 75);
}
END_TEST

START_TEST(a_log_that_hangs_does_not_hold_the_answer)
{
	does_log_hang = true;
	struct run end = run(crash, true);
	ck_assert(WIFEXITED(end.status));
	ck_assert_int_eq(WEXITSTATUS(end.status), 75);
}
END_TEST

UNIT_TESTS("parent", every_end_is_one_status_and_at_most_one_line,
    all_input_is_read_whatever_the_end, a_closed_input_is_no_empty_message,
    a_log_that_hangs_does_not_hold_the_answer)
