#include "base/file.h"
#include "base/sandbox.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each returns 0 when what it tries is as it should be in the sandbox called `layers`. */
static int unnamed_file_in_the_directory(const char *layers)
{
	(void)layers;
	int fd = file_open_unnamed("/var/tmp");
	return fd >= 0 && file_write_all(fd, "x", 1) == 0 ? 0 : 1;
}

static int no_other_file(const char *layers)
{
	if (strstr(layers, "landlock") == NULL)
		return 77;
	return open("/etc/passwd", O_RDONLY) >= 0 || open("/tmp/x", O_CREAT | O_WRONLY, 0600) >= 0;
}

static int no_program(const char *layers)
{
	if (strstr(layers, "seccomp") == NULL)
		return 77;
	execl("/bin/true", "true", (char *)NULL);
	return errno == EPERM ? 0 : 1;
}

static int no_network_but_pairs(const char *layers)
{
	int pair[2];
	if (strstr(layers, "seccomp") == NULL)
		return 77;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ||
	       socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0;
}

static int no_fork_no_other_user(const char *layers)
{
	if (strstr(layers, "seccomp") == NULL)
		return 77;
	return fork() >= 0 || setuid(1) == 0;
}

static int no_signals_to_others(const char *layers)
{
	if (strstr(layers, "seccomp") == NULL)
		return 77;
	/* Their own process may have them: abort() sends one. */
	if (syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) != 0)
		return 1;
	if (kill(getppid(), 0) == 0 || syscall(SYS_tgkill, getppid(), getppid(), 0) == 0)
		return 1;
	/* Nor through a descriptor that somebody else is told to own. */
	int owner = getppid();
	int fd = STDERR_FILENO;
	return fcntl(fd, F_SETOWN, owner) == 0 || fcntl(fd, F_SETSIG, SIGKILL) == 0 ||
	       ioctl(fd, FIOSETOWN, &owner) == 0 || ioctl(fd, SIOCSPGRP, &owner) == 0;
}

static int descriptors_can_be_set(const char *layers)
{
	(void)layers;
	int pending;
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return 1;
	int copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
	return copy < 0 || fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK) != 0 ||
	       fcntl(copy, F_SETFD, fcntl(copy, F_GETFD)) != 0 ||
	       ioctl(copy, FIONREAD, &pending) != 0;
}

static void try_in_sandbox(int (*attempt)(const char *layers))
{
	char layers[64];
	pid_t pid = fork();
	if (pid == 0) {
		if (sandbox_enter("/var/tmp", layers, sizeof(layers)) != 0)
			_exit(2);
		_exit(attempt(layers));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("skipped: a layer is not here\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(what_a_session_needs_works_and_the_rest_does_not)
{
	try_in_sandbox(unnamed_file_in_the_directory);
	try_in_sandbox(no_other_file);
	try_in_sandbox(no_program);
	try_in_sandbox(no_network_but_pairs);
	try_in_sandbox(no_fork_no_other_user);
	try_in_sandbox(no_signals_to_others);
	try_in_sandbox(descriptors_can_be_set);
}
END_TEST

UNIT_TESTS("sandbox", what_a_session_needs_works_and_the_rest_does_not)
