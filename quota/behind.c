/* behind.c - the process that goes on counting when nobody can wait for it. */
#include "quota/behind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIME_LIMIT_S 600
#define NICER 10

/* Postfix waits until nobody has our standard output open, our own parent until nobody has its
 * status pipe, and a lock is held until nobody has the file. */
static void close_all_but(int first, int second)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	if (dir == NULL) {
		for (int fd = 3; fd < 1024; fd++) {
			if (fd != first && fd != second)
				close(fd);
		}
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		if (fd > 2 && fd != first && fd != second && fd != dirfd(dir))
			close(fd);
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

static _Noreturn void run(struct quota_book *book)
{
	setsid();
	forget_signals();
	alarm(TIME_LIMIT_S);
	leave_standard_descriptors();
	close_all_but(book->root_fd, book->fd);
	(void)!chdir("/");
	(void)!nice(NICER);
	struct status status;
	(void)quota_book_count_behind(book, &status);
	_exit(0);
}

void quota_behind_start(struct quota_book *book)
{
	/* Two forks: the one in the middle is waited for at once, init waits for the other. */
	pid_t middle = fork();
	if (middle == 0) {
		if (fork() == 0)
			run(book);
		_exit(0);
	}
	while (middle > 0 && waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		;
}
