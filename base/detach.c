#include "base/detach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICER 10
#define GUESSED_DESCRIPTORS 1024

static void close_unless_kept(int fd, const int *keep, size_t keep_count)
{
	bool is_kept = fd <= 2;
	for (size_t i = 0; i < keep_count; i++)
		is_kept = is_kept || keep[i] == fd;
	if (!is_kept)
		close(fd);
}

static void close_all_but(const int *keep, size_t keep_count)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	if (dir == NULL) {
		for (int fd = 0; fd < GUESSED_DESCRIPTORS; fd++)
			close_unless_kept(fd, keep, keep_count);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		if (fd != dirfd(dir))
			close_unless_kept(fd, keep, keep_count);
	}
	closedir(dir);
}

static void leave_standard_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++) {
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	}
	if (null > 2)
		close(null);
}

static void forget_signals(void)
{
	static const int signals[] = {SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM};
	sigset_t none;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void detach_run(void (*run)(void *context), void *context, const int *keep, size_t keep_count,
    unsigned time_limit_s)
{
	/* Two forks: the one in the middle is waited for at once, init waits for the other. */
	pid_t middle = fork();
	if (middle == 0) {
		if (fork() != 0)
			_exit(0);
		setsid();
		forget_signals();
		alarm(time_limit_s);
		leave_standard_descriptors();
		close_all_but(keep, keep_count);
		(void)!chdir("/");
		(void)!nice(NICER);
		run(context);
		_exit(0);
	}
	while (middle > 0 && waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		;
}
