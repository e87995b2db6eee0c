/* inject.c - a library for LD_PRELOAD that lets one call of a program fail, or the program die.
 *
 *	cc -shared -fPIC -D_GNU_SOURCE -o inject.so inject.c
 *	INJECT=FILE LD_PRELOAD=inject.so program
 *
 * FILE is a `struct control` that the program and all its children share. The calls of the first
 * process and those of its children are counted apart, because the order between them is not the
 * same every time. Whoever made FILE can read what happened. Syncs and moves of files are
 * noted in it too, so that a success can be held against them.
 * The wrapped functions take and return integers and pointers only, at most six of them. That
 * is all the wrappers know, so one macro makes them all; a label gives each its real name. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* test_deliver.py knows this layout. */
#define EVENT_MAX 1000
struct event {
	unsigned what; /* 1: synced, 2: moved */
	unsigned unused;
	unsigned long inode;
};
struct control {
	char group;        /* 's': system calls and what stands for them, 'm': memory */
	char act;          /* 'e': fail with `error`, 'k': kill the process before the call */
	char process;      /* 'p': the first process, 'c': its children */
	char name[29];     /* out: the call that was hit */
	unsigned error;    /* an errno */
	unsigned hit_at;   /* the number of the call to hit, from 1; 0: none */
	atomic_uint count; /* out: calls of group and process so far */
	atomic_uint event_count;
	unsigned first; /* the number of the first process */
	unsigned unused;
	struct event events[EVENT_MAX];
};

static struct control *control;

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("INJECT");
	int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0);
	if (fd < 0)
		return;
	void *mapped = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (mapped == MAP_FAILED)
		return;
	control = mapped;
	if (control->first == 0)
		control->first = (unsigned)syscall(SYS_getpid);
}

static bool is_wanted(char group)
{
	return control != NULL && control->group == group &&
	       (control->process == 'p') == (control->first == (unsigned)syscall(SYS_getpid));
}

static int hits(char group, const char *name)
{
	if (!is_wanted(group) || atomic_fetch_add(&control->count, 1) + 1 != control->hit_at)
		return 0;
	strncpy(control->name, name, sizeof(control->name) - 1);
	if (control->act == 'k')
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	errno = (int)control->error;
	return 1;
}

static unsigned long inode_of(int dir, const char *path, int flags)
{
	struct stat found;
	return syscall(SYS_newfstatat, dir, path, &found, flags) == 0 ? found.st_ino : 0;
}

static void note(unsigned what, unsigned long inode)
{
	unsigned at = control == NULL ? EVENT_MAX : atomic_fetch_add(&control->event_count, 1);
	if (at < EVENT_MAX)
		control->events[at] = (struct event){what, 0, inode};
}

#define PARAMETERS long a, long b, long c, long d, long e, long f
#define ARGUMENTS a, b, c, d, e, f

/* Begins the wrapper of `name`; real() is what it wraps. */
#define WRAP(name)                                                                      \
	static long real_##name(PARAMETERS)                                             \
	{                                                                               \
		static long (*real)(PARAMETERS);                                        \
		if (real == NULL)                                                       \
			real = (long (*)(PARAMETERS))(intptr_t)dlsym(RTLD_NEXT, #name); \
		return real(ARGUMENTS);                                                 \
	}                                                                               \
	long wrap_##name(PARAMETERS) __asm__(#name);                                    \
	long wrap_##name(PARAMETERS)

/* `failed` is what it returns when it fails. */
#define FAULT(name, failed)                                                        \
	WRAP(name)                                                                 \
	{                                                                          \
		return hits('s', #name) ? (long)(failed) : real_##name(ARGUMENTS); \
	}

FAULT(access, -1)
FAULT(bind, -1)
FAULT(chdir, -1)
FAULT(chmod, -1)
FAULT(connect, -1)
FAULT(copy_file_range, -1)
FAULT(creat, -1)
FAULT(dup, -1)
FAULT(dup2, -1)
FAULT(dup3, -1)
FAULT(faccessat, -1)
FAULT(fchmod, -1)
FAULT(fchown, -1)
FAULT(fcntl, -1)
FAULT(fdopen, 0)
FAULT(fdopendir, 0)
FAULT(fgets, 0)
FAULT(flock, -1)
FAULT(fopen, 0)
FAULT(fork, -1)
FAULT(fstat, -1)
FAULT(fstatat, -1)
FAULT(ftruncate, -1)
FAULT(futimens, -1)
FAULT(getentropy, -1)
FAULT(getgrnam_r, errno)
FAULT(getgrouplist, -1)
FAULT(gethostname, -1)
FAULT(getpwnam, 0)
FAULT(getpwnam_r, errno)
FAULT(getpwuid, 0)
FAULT(getpwuid_r, errno)
FAULT(initgroups, -1)
FAULT(kill, -1)
FAULT(lseek, -1)
FAULT(lstat, -1)
FAULT(mkdir, -1)
FAULT(mkdirat, -1)
FAULT(mkostemp, -1)
FAULT(open, -1)
FAULT(openat, -1)
FAULT(opendir, 0)
FAULT(pipe, -1)
FAULT(pipe2, -1)
FAULT(poll, -1)
FAULT(ppoll, -1)
FAULT(prctl, -1)
FAULT(pread, -1)
FAULT(pwrite, -1)
FAULT(read, -1)
FAULT(readdir, 0)
FAULT(recv, -1)
FAULT(recvmsg, -1)
FAULT(rmdir, -1)
FAULT(select, -1)
FAULT(send, -1)
FAULT(sendmsg, -1)
FAULT(sendto, -1)
FAULT(setgid, -1)
FAULT(setgroups, -1)
FAULT(setpgid, -1)
FAULT(setregid, -1)
FAULT(setresgid, -1)
FAULT(setresuid, -1)
FAULT(setreuid, -1)
FAULT(setrlimit, -1)
FAULT(setsid, -1)
FAULT(setuid, -1)
FAULT(sigaction, -1)
FAULT(sigprocmask, -1)
FAULT(socket, -1)
FAULT(socketpair, -1)
FAULT(stat, -1)
FAULT(symlink, -1)
FAULT(unlink, -1)
FAULT(unlinkat, -1)
FAULT(utimensat, -1)
FAULT(waitpid, -1)
FAULT(writev, -1)

/* A library that is not there or of another version. dlopen() looks at its caller, which is now
 * this library; deliver names its library by a path, so that changes nothing. */
FAULT(dlopen, 0)

/* A failing close has closed all the same. */
WRAP(close)
{
	int fails = hits('s', "close");
	long result = real_close(ARGUMENTS);
	if (fails)
		errno = (int)control->error;
	return fails ? -1 : result;
}

/* Half of it gets out before the disk is full. */
WRAP(write)
{
	if (!hits('s', "write"))
		return real_write(ARGUMENTS);
	real_write(a, b, c / 2, d, e, f);
	errno = (int)control->error;
	return -1;
}

#define SYNC(name)                                                    \
	WRAP(name)                                                    \
	{                                                             \
		if (hits('s', #name))                                 \
			return -1;                                    \
		long result = real_##name(ARGUMENTS);                 \
		if ((int)result == 0)                                 \
			note(1, inode_of((int)a, "", AT_EMPTY_PATH)); \
		return result;                                        \
	}
SYNC(fsync)
SYNC(fdatasync)

#define MOVE(name, dir, path)                                                        \
	WRAP(name)                                                                   \
	{                                                                            \
		if (hits('s', #name))                                                \
			return -1;                                                   \
		unsigned long inode =                                                \
		    inode_of((int)(dir), (const char *)(path), AT_SYMLINK_NOFOLLOW); \
		long result = real_##name(ARGUMENTS);                                \
		if ((int)result == 0)                                                \
			note(2, inode);                                              \
		return result;                                                       \
	}
MOVE(rename, AT_FDCWD, a)
MOVE(renameat, a, b)
MOVE(renameat2, a, b)
MOVE(link, AT_FDCWD, a)
MOVE(linkat, a, b)

/* The C library's own names for these, because finding them by dlsym() takes memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *wrap_malloc(size_t size) __asm__("malloc");
void *wrap_malloc(size_t size)
{
	return hits('m', "malloc") ? NULL : __libc_malloc(size);
}

void *wrap_calloc(size_t count, size_t size) __asm__("calloc");
void *wrap_calloc(size_t count, size_t size)
{
	return hits('m', "calloc") ? NULL : __libc_calloc(count, size);
}

void *wrap_realloc(void *old, size_t size) __asm__("realloc");
void *wrap_realloc(void *old, size_t size)
{
	return hits('m', "realloc") ? NULL : __libc_realloc(old, size);
}
