#include "base/spawn.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)16 * 1024)
#define END_CHECK_MS 20 /* between looks whether a program ended that only has its input left */

/* The running program as its parent sees it. Descriptors are -1 when closed. */
struct running {
	pid_t pid;
	int input;
	int output;
	int exec_error; /* gets an errno if exec fails, and closes when it works */
	char chunk[CHUNK_BYTES];
	size_t chunk_len; /* fed, not yet written */
	size_t chunk_done;
	bool has_fed_badly;
	bool has_taken_badly;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Somebody before us may have left descriptors open that nobody marked. */
static void mark_descriptors(void)
{
#if defined(HAVE_CLOSE_RANGE) && defined(CLOSE_RANGE_CLOEXEC)
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
#endif
	for (long fd = 3; fd < sysconf(_SC_OPEN_MAX); fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static _Noreturn void run_child(
    const struct spawn_request *request, int input, int output, int error)
{
	int nowhere = open("/dev/null", O_RDWR);
	int result = 0;
	setpgid(0, 0);
	if (nowhere < 0 || dup2(input >= 0 ? input : nowhere, 0) < 0 || dup2(output, 1) < 0 ||
	    dup2(nowhere, 2) < 0 || (request->directory != NULL && chdir(request->directory) != 0))
		result = errno;
	mark_descriptors();
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (result == 0) {
		/* execve() does not change what these point to; its prototype is older than const.
		 */
		union {
			const char *const *given;
			char *const *taken;
		} argv = {request->argv}, env = {request->env};
		execve(request->argv[0], argv.taken, env.taken);
		result = errno;
	}
	(void)!write(error, &result, sizeof(result));
	_exit(127);
}

static void close_pair(int pair[2])
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

/* A pipe whose ends are above 2 even if our own standard descriptors are closed. */
static int make_pipe(int pair[2])
{
	if (pipe2(pair, O_CLOEXEC) != 0) {
		pair[0] = pair[1] = -1;
		return -1;
	}
	for (int i = 0; i < 2; i++) {
		if (pair[i] > 2)
			continue;
		int moved = fcntl(pair[i], F_DUPFD_CLOEXEC, 3);
		close(pair[i]);
		pair[i] = moved;
		if (moved < 0)
			return -1;
	}
	return 0;
}

static int start(const struct spawn_request *request, struct running *running)
{
	int input[2] = {-1, -1};
	int output[2] = {-1, -1};
	int error[2] = {-1, -1};
	bool has_input = request->feed != NULL;
	if ((has_input && make_pipe(input) != 0) || make_pipe(output) != 0 ||
	    make_pipe(error) != 0 || (running->pid = fork()) < 0) {
		int saved = errno;
		close_pair(input);
		close_pair(output);
		close_pair(error);
		return saved;
	}
	if (running->pid == 0)
		run_child(request, input[0], output[1], error[1]);
	setpgid(running->pid, running->pid);
	close_fd(&input[0]);
	close_fd(&output[1]);
	close_fd(&error[1]);
	running->input = input[1];
	running->output = output[0];
	running->exec_error = error[0];
	if (running->input >= 0)
		fcntl(running->input, F_SETFL, O_NONBLOCK);
	fcntl(running->output, F_SETFL, O_NONBLOCK);
	return 0;
}

static void feed_input(const struct spawn_request *request, struct running *running)
{
	if (running->chunk_done == running->chunk_len) {
		ssize_t got = request->feed(request->context, running->chunk, CHUNK_BYTES);
		if (got <= 0) {
			running->has_fed_badly = got < 0;
			if (got == 0)
				close_fd(&running->input);
			return;
		}
		running->chunk_len = (size_t)got;
		running->chunk_done = 0;
	}
	ssize_t wrote = write(running->input, running->chunk + running->chunk_done,
	    running->chunk_len - running->chunk_done);
	if (wrote > 0)
		running->chunk_done += (size_t)wrote;
	else if (wrote < 0 && errno != EAGAIN && errno != EINTR)
		close_fd(&running->input); /* it does not want to read on */
}

static void take_output(
    const struct spawn_request *request, struct running *running, struct spawn_result *result)
{
	char data[CHUNK_BYTES];
	ssize_t got = read(running->output, data, sizeof(data));
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close_fd(&running->output);
		return;
	}
	if (request->take != NULL) {
		running->has_taken_badly = !request->take(request->context, data, (size_t)got);
		return;
	}
	size_t room = request->output_limit - result->output.len;
	size_t kept = (size_t)got < room ? (size_t)got : room;
	bytes_append(&result->output, data, kept);
	if (kept < (size_t)got)
		result->is_output_cut = true;
}

/* The program is over, if not yet buried. */
static bool has_ended(const struct running *running)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)running->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == running->pid;
}

/* Moves bytes until the program has closed its output and does not read any more; false: time is
 * up, or there is trouble with the input. */
static bool converse(
    const struct spawn_request *request, struct running *running, struct spawn_result *result)
{
	while (running->output >= 0 || (running->input >= 0 && !has_ended(running))) {
		struct pollfd fds[2] = {
		    {.fd = running->output, .events = POLLIN},
		    {.fd = running->input, .events = POLLOUT},
		};
		int left = clock_left_ms(request->deadline_ms);
		if (left == 0)
			return false;
		if (running->output < 0 && left > END_CHECK_MS)
			left = END_CHECK_MS;
		if (poll(fds, 2, left) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents != 0)
			take_output(request, running, result);
		if (fds[1].revents != 0 && running->input >= 0)
			feed_input(request, running);
		if (running->has_fed_badly || running->has_taken_badly)
			return false;
	}
	return true;
}

/* Waits until the deadline for the end of a program that has closed its output. */
static bool reap(struct running *running, int64_t deadline_ms, int *status_out)
{
	useconds_t pause_us = 200;
	for (;;) {
		pid_t pid = waitpid(running->pid, status_out, WNOHANG);
		if (pid == running->pid)
			return true;
		if ((pid < 0 && errno != EINTR) || clock_left_ms(deadline_ms) == 0)
			return false;
		usleep(pause_us);
		if (pause_us < 10000)
			pause_us *= 2;
	}
}

static void kill_and_reap(struct running *running)
{
	int status;
	kill(-running->pid, SIGKILL);
	kill(running->pid, SIGKILL);
	while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR)
		;
}

static void set_end(struct running *running, int status, struct spawn_result *result)
{
	int exec_errno;
	if (read(running->exec_error, &exec_errno, sizeof(exec_errno)) == sizeof(exec_errno)) {
		result->end = SPAWN_NOT_STARTED;
		result->code = exec_errno;
	} else if (WIFEXITED(status)) {
		result->end = SPAWN_EXITED;
		result->code = WEXITSTATUS(status);
	} else {
		result->end = SPAWN_SIGNALLED;
		result->code = WTERMSIG(status);
	}
}

void spawn_run(const struct spawn_request *request, struct spawn_result *result_out)
{
	struct running running = {.input = -1, .output = -1, .exec_error = -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction before;
	struct sigaction child_before;
	int status;
	*result_out = (struct spawn_result){.end = SPAWN_NOT_STARTED};
	sigaction(SIGPIPE, &ignore, &before);
	/* Inherited as ignored it would take the program's status away. */
	sigaction(SIGCHLD, NULL, &child_before);
	if (child_before.sa_handler == SIG_IGN)
		sigaction(SIGCHLD, &usual, NULL);
	result_out->code = start(request, &running);
	if (result_out->code == 0) {
		bool is_over = converse(request, &running, result_out);
		if (is_over)
			close_fd(&running.input);
		if (is_over && reap(&running, request->deadline_ms, &status)) {
			set_end(&running, status, result_out);
			kill(-running.pid, SIGKILL); /* what it may have left behind */
		} else {
			kill_and_reap(&running);
			result_out->end = running.has_fed_badly     ? SPAWN_NOT_FED
			                  : running.has_taken_badly ? SPAWN_NOT_TAKEN
			                                            : SPAWN_TIMED_OUT;
		}
	}
	close_fd(&running.input);
	close_fd(&running.output);
	close_fd(&running.exec_error);
	sigaction(SIGPIPE, &before, NULL);
	sigaction(SIGCHLD, &child_before, NULL);
}
