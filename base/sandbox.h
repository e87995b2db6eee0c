#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

/* Shuts a process in that talks with the outside: from then on it works with the descriptors it
 * has, may make files without a lasting name in one directory, talk to local sockets (syslog),
 * and end; it cannot start programs, become somebody, open other files or connect anywhere.
 * Each layer is used where it was built in and the kernel has it:
 *
 *	no-new-privs	no setuid program helps it
 *	Landlock	the file system is only `directory` (may be null: nothing)
 *	seccomp		system calls that a session does not need fail with EPERM
 *
 * With seccomp a file that has a name cannot be opened even in `directory`, unless its file
 * system has no unnamed ones.
 *
 * Load libraries, open the log and read time zones before: nothing can be opened afterwards.
 * 0, with the layers in force in `layers_out` ("no-new-privs landlock seccomp"), or -1 with
 * errno when a layer that is there could not be put on. */
int sandbox_enter(const char *directory, char *layers_out, size_t layers_size);

#endif
