#include "base/identity.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

START_TEST(nobody_becomes_root)
{
	errno = 0;
	ck_assert_int_eq(identity_become(0, 0, NULL), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(being_somebody_already_changes_nothing)
{
	if (getuid() != 0)
		ck_assert_int_eq(identity_become(getuid(), getgid(), NULL), 0);
}
END_TEST

/* Whoever is watched by a parent goes on being so. */
static int become_nobody(void)
{
	int death_signal = 0;
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (identity_become(65534, 65534, NULL) != 0)
		return 1;
	prctl(PR_GET_PDEATHSIG, &death_signal);
	return death_signal == SIGKILL && getuid() == 65534 && setuid(0) != 0 ? 0 : 2;
#else
	return identity_become(65534, 65534, NULL) + death_signal;
#endif
}

START_TEST(root_becomes_somebody_for_good)
{
	int status;
	if (geteuid() != 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		_exit(become_nobody());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

UNIT_TESTS("identity", nobody_becomes_root, being_somebody_already_changes_nothing,
    root_becomes_somebody_for_good)
