#include "base/clock.h"
#include "base/detach.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
	int keep;
	int lose;
	pid_t starter;
	bool go_on_for_ever;
};

/* Tells on `keep` what it sees. */
static void look(void *context)
{
	const struct seen *seen = context;
	struct stat null;
	struct stat found;
	char answer = 'y';
	if (stat("/dev/null", &null) != 0)
		answer = 'n';
	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &found) != 0 || found.st_rdev != null.st_rdev)
			answer = 'd';
	}
	if (fcntl(seen->lose, F_GETFD) != -1)
		answer = 'l';
	if (getsid(0) == getsid(seen->starter) || getppid() == seen->starter)
		answer = 's';
	if (write(seen->keep, &answer, 1) != 1)
		return;
	while (seen->go_on_for_ever)
		pause();
}

/* What comes out of the pipe within 10 s: its byte, 0 at the end. */
static int next_byte(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char byte = '?';
	ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
	return read(fd, &byte, 1) == 0 ? 0 : byte;
}

START_TEST(it_has_nothing_of_ours_but_what_it_may_keep)
{
	int kept[2];
	int lost[2];
	ck_assert_int_eq(pipe(kept), 0);
	ck_assert_int_eq(pipe(lost), 0);
	struct seen seen = {kept[1], lost[1], getpid(), true};
	signal(SIGALRM, SIG_IGN);
	detach_run(look, &seen, &kept[1], 1, 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(next_byte(kept[0]), 'y');
	/* It is still there, but nobody waits for it. */
	close(lost[1]);
	ck_assert_int_eq(next_byte(lost[0]), 0);
	/* Its time is up, whatever we do with the signal. */
	close(kept[1]);
	ck_assert_int_eq(next_byte(kept[0]), 0);
	close(kept[0]);
	close(lost[0]);
}
END_TEST

UNIT_TESTS("detach", it_has_nothing_of_ours_but_what_it_may_keep)
