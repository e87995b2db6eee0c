#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#include <sys/syscall.h>
#endif
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

enum answer { PUT_ON, NOT_THERE, FAILED };

static enum answer refuse_new_privileges(void)
{
#ifdef __linux__
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? PUT_ON : FAILED;
#else
	return NOT_THERE;
#endif
}

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
/* Everything that the first version of Landlock knows is forbidden outside `directory`. */
#define ALL_ACCESS                                                           \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |        \
	    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |     \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |     \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |     \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
	    LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow_directory(int ruleset, const char *directory)
{
	struct landlock_path_beneath_attr rule = {
	    .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	                      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	    .parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (rule.parent_fd < 0)
		return -1;
	long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	int saved = errno;
	close(rule.parent_fd);
	errno = saved;
	return result == 0 ? 0 : -1;
}

static enum answer restrict_files(const char *directory)
{
	struct landlock_ruleset_attr attributes = {.handled_access_fs = ALL_ACCESS};
	int ruleset = (int)syscall(
	    SYS_landlock_create_ruleset, &attributes, sizeof(attributes.handled_access_fs), 0);
	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? NOT_THERE : FAILED;
	int result = directory == NULL ? 0 : allow_directory(ruleset, directory);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	int saved = errno;
	close(ruleset);
	errno = saved;
	return result == 0 ? PUT_ON : FAILED;
}
#else
static enum answer restrict_files(const char *directory)
{
	(void)directory;
	return NOT_THERE;
}
#endif

#ifdef HAVE_SECCOMP
static const int needed[] = {
    /* descriptors it has */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(dup),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(shutdown),
    SCMP_SYS(accept4),
    SCMP_SYS(getppid),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    /* new ones: unnamed files (Landlock says where), exchanges, syslog */
    SCMP_SYS(newfstatat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(memfd_create),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(pipe2),
    /* memory, time, signals of its own, the end */
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(setitimer),
    SCMP_SYS(alarm),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Calls that are needed with some values of one argument only. fcntl() and ioctl() could have a
 * signal sent to another process of the same account. */
static const struct needed_value {
	int call;
	unsigned argument;
	scmp_datum_t value;
} needed_values[] = {
    {SCMP_SYS(socket), 0, AF_UNIX},
    {SCMP_SYS(fcntl), 1, F_DUPFD},
    {SCMP_SYS(fcntl), 1, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), 1, F_GETFD},
    {SCMP_SYS(fcntl), 1, F_SETFD},
    {SCMP_SYS(fcntl), 1, F_GETFL},
    {SCMP_SYS(fcntl), 1, F_SETFL},
    {SCMP_SYS(ioctl), 1, FIONREAD},
    {SCMP_SYS(ioctl), 1, TCGETS},
};

static int allow_value(scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t value)
{
	const struct scmp_arg_cmp is_it = {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &is_it);
}

/* Files without a name, and, where the file system has no such thing, any that Landlock lets. */
static int allow_opening(scmp_filter_ctx filter, bool has_unnamed)
{
	if (!has_unnamed)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0);
	const struct scmp_arg_cmp is_unnamed = {
	    .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = O_TMPFILE, .datum_b = O_TMPFILE};
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &is_unnamed);
}

static int allow_calls(scmp_filter_ctx filter, bool has_unnamed)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		/* Not every machine has every call. */
		int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, needed[i], 0);
		if (result != 0 && result != -EINVAL && result != -EDOM)
			return result;
	}
	/* abort() sends itself a signal. */
	int result = allow_value(filter, SCMP_SYS(tgkill), 0, (scmp_datum_t)getpid());
	for (size_t i = 0; result == 0 && i < sizeof(needed_values) / sizeof(needed_values[0]); i++)
		result = allow_value(filter, needed_values[i].call, needed_values[i].argument,
		    needed_values[i].value);
	if (result == 0)
		result = allow_opening(filter, has_unnamed);
	return result != 0 ? result : seccomp_load(filter);
}

static enum answer restrict_calls(bool has_unnamed)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL)
		return NOT_THERE;
	int result = allow_calls(filter, has_unnamed);
	seccomp_release(filter);
	errno = -result;
	return result == 0 ? PUT_ON : result == -EINVAL ? NOT_THERE : FAILED;
}
#else
static enum answer restrict_calls(bool has_unnamed)
{
	(void)has_unnamed;
	return NOT_THERE;
}
#endif

/* Whether files in it can be made that never have a name; in no directory none can be made. */
static bool can_be_unnamed(const char *directory)
{
#ifdef O_TMPFILE
	if (directory == NULL)
		return true;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL);
#else
	(void)directory;
	return false;
#endif
}

int sandbox_enter(const char *directory, char *layers_out, size_t layers_size)
{
	bool has_unnamed = can_be_unnamed(directory);
	/* In this order: seccomp would forbid the calls the others are made with. */
	enum answer privileges = refuse_new_privileges();
	enum answer files = privileges == FAILED ? FAILED : restrict_files(directory);
	enum answer calls = files == FAILED ? FAILED : restrict_calls(has_unnamed);
	snprintf(layers_out, layers_size, "%s%s%s", privileges == PUT_ON ? "no-new-privs" : "",
	    files == PUT_ON ? " landlock" : "", calls == PUT_ON ? " seccomp" : "");
	return privileges == FAILED || files == FAILED || calls == FAILED ? -1 : 0;
}
