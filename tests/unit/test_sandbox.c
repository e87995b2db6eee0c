#include "base/file.h"
#include "base/sandbox.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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
}
END_TEST

UNIT_TESTS("sandbox", what_a_session_needs_works_and_the_rest_does_not)
