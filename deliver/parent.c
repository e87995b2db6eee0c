#include "deliver/parent.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

_Static_assert(sizeof(struct parent_note) <= 4096, "a note must fit into one write to a pipe");

/* So long a child that has given its status may still tidy up. */
#define FINISH_MS ((int64_t)5000)
/* For what the child said before it was ended. */
#define LAST_WORD_MS 200
#define LOG_WAIT_S 2

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	is_interrupted = 1;
}

/* Exim bounces mail whose command died of a signal: so we do not die of those one can catch. */
static void catch_signals(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2};
	struct sigaction catch = {.sa_handler = interrupt};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction usual = {.sa_handler = SIG_DFL};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &catch, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* A file size limit is then EFBIG, a temporary failure. */
	sigaction(SIGXFSZ, &ignore, NULL);
	/* Inherited as ignored it would take our child's status away. */
	sigaction(SIGCHLD, &usual, NULL);
	/* They come in while we wait (wait_for_input) and at no other time: one that came just
	 * before a wait would be noticed only after it. */
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void unblock_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* poll() for one descriptor, ended by signals, also by those that came before. */
static int wait_for_input(int fd, int timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	sigset_t none;
	sigemptyset(&none);
	return ppoll(&ready, 1, &limit, &none);
}

/* Nothing below may speak on the MTA's pipe, nor hold it open; a person at a terminal may see
 * the log. */
static void leave_outputs(void)
{
	int nowhere = open("/dev/null", O_WRONLY);
	if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 ||
	    (!isatty(STDERR_FILENO) && dup2(nowhere, STDERR_FILENO) < 0))
		_exit(EX_TEMPFAIL);
	if (nowhere > STDERR_FILENO)
		close(nowhere);
}

static _Noreturn void run_child(
    pid_t parent, void (*work)(void *context, int notes_fd), void *context, int notes_fd)
{
	static const int usual[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2};
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		signal(usual[i], SIG_DFL);
	unblock_signals();
#ifdef __linux__
	/* Without a parent nobody waits for the answer, and the MTA will try again. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
#else
	(void)parent;
#endif
	leave_outputs();
	work(context, notes_fd);
	_exit(0);
}

/* Reads one note; false at the end of the pipe. */
static bool read_note(int fd, struct parent_note *note)
{
	size_t have = 0;
	while (have < sizeof(*note)) {
		ssize_t got = read(fd, (char *)note + have, sizeof(*note) - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static void leave_at_once(int signal_number)
{
	(void)signal_number;
	_exit(EX_TEMPFAIL);
}

static void give_up(struct status *status, enum cause cause, const char *why)
{
	status_fail(status, cause, "%s", why);
	/* A log daemon that takes nothing must not hold the answer until the MTA loses patience. */
	signal(SIGALRM, leave_at_once);
	unblock_signals();
	alarm(LOG_WAIT_S);
	openlog("deliver", LOG_PID, LOG_MAIL);
	syslog(LOG_ERR, "error: %s", why);
	alarm(0);
}

/* The child has closed the pipe without a status: it has ended, or does so now. */
static void explain_end(pid_t child, struct status *status)
{
	int end = 0;
	char why[100];
	pid_t ended = waitpid(child, &end, WNOHANG);
	for (int tries = 0; ended == 0 && tries < 100; tries++) {
		usleep(1000);
		ended = waitpid(child, &end, WNOHANG);
	}
	if (ended != child)
		snprintf(why, sizeof(why), "the delivery process gave no status and does not end");
	else if (WIFSIGNALED(end))
		snprintf(why, sizeof(why), "the delivery process died of signal %d", WTERMSIG(end));
	else
		snprintf(why, sizeof(why), "the delivery process ended early with status %d",
		    WEXITSTATUS(end));
	give_up(status, CAUSE_INTERNAL, why);
}

/* Ends the child; true when it had told its status just before. */
static bool take_last_word(pid_t child, int fd, struct status *status)
{
	struct parent_note note;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	kill(child, SIGKILL);
	while (poll(&ready, 1, LAST_WORD_MS) > 0 && read_note(fd, &note)) {
		if (note.kind == PARENT_STATUS) {
			*status = note.status;
			return true;
		}
	}
	return false;
}

/* True when the child gave the status; else it is ours. */
static bool wait_for_status(pid_t child, int fd, int64_t *deadline_ms, struct status *status)
{
	struct parent_note note;
	for (;;) {
		int result = wait_for_input(fd, clock_left_ms(*deadline_ms));
		if (is_interrupted || result == 0) {
			if (take_last_word(child, fd, status))
				return true;
			if (is_interrupted)
				give_up(status, CAUSE_TOO_BUSY, "interrupted by a signal");
			else
				give_up(
				    status, CAUSE_DEADLINE, "the delivery took too long: killed");
			return false;
		}
		if (result < 0 && errno == EINTR)
			continue;
		/* Where poll() itself is out of order, waiting without a limit is the lesser evil:
		 * the child may have stored the message. */
		if (!read_note(fd, &note)) {
			explain_end(child, status);
			return false;
		}
		if (note.kind == PARENT_STATUS) {
			*status = note.status;
			return true;
		}
		*deadline_ms = note.deadline_ms;
	}
}

/* After its status the child has a record to write and a quota to put right, which no longer
 * changes what we answer; then it ends, and the pipe with it. */
static void let_finish(int fd)
{
	int64_t deadline_ms = clock_monotonic_ms() + FINISH_MS;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char rest[64];
	while (poll(&ready, 1, clock_left_ms(deadline_ms)) > 0 && read(fd, rest, sizeof(rest)) > 0)
		;
}

/* MTAs take it amiss when a command does not read everything. A descriptor that gives nothing
 * until the deadline is left alone. */
static void drain_input(int64_t deadline_ms)
{
	char data[65536];
	for (;;) {
		int left = clock_left_ms(deadline_ms);
		if (left == 0 || is_interrupted || isatty(STDIN_FILENO))
			return;
		ssize_t got = wait_for_input(STDIN_FILENO, left);
		if (got > 0)
			got = read(STDIN_FILENO, data, sizeof(data));
		else if (got == 0)
			continue;
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return;
	}
}

/* Descriptors 0 to 2 are taken, whatever we were started with, so that no file of ours lands
 * on one that somebody writes to. None can be read: a closed standard input is a mistake, and not
 * an empty message. */
static void fill_standard_descriptors(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_WRONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

void parent_run(void (*work)(void *context, int notes_fd), void *context, struct status *status)
{
	int notes[2];
	int64_t deadline_ms = clock_monotonic_ms() + PARENT_DEADLINE_MS;
	pid_t child = -1;
	pid_t parent = getpid();
	fill_standard_descriptors();
	catch_signals();
	if (pipe2(notes, O_CLOEXEC) == 0)
		child = fork();
	if (child < 0) {
		give_up(status, CAUSE_INTERNAL, "no process or pipe for the delivery");
		drain_input(deadline_ms);
		return;
	}
	if (child == 0) {
		close(notes[0]);
		run_child(parent, work, context, notes[1]);
	}
	close(notes[1]);
	if (wait_for_status(child, notes[0], &deadline_ms, status))
		let_finish(notes[0]);
	/* Without a status it must not go on. Not waited for: it may hang in the kernel. */
	kill(child, SIGKILL);
	close(notes[0]);
	drain_input(deadline_ms);
}

int parent_answer(const struct status *status)
{
	char line[300];
	if (status_is_success(status))
		return status_exit(status);
	/* Postfix takes the code from the first output; see pipe(8). */
	int len = snprintf(line, sizeof(line), "%s %s", status_enhanced(status), status->text);
	if (len >= (int)sizeof(line))
		len = (int)sizeof(line) - 1;
	for (int i = 0; i < len; i++) {
		if (line[i] == '\n')
			line[i] = ' ';
	}
	line[len++] = '\n';
	/* Nobody is left to be told if this fails; the exit status says the same. */
	(void)!write(STDOUT_FILENO, line, (size_t)len);
	return status_exit(status);
}
