#ifndef MAIL_PROGRAM_H
#define MAIL_PROGRAM_H

#include "base/bytes.h"
#include "mail/action.h"
#include "mail/spool.h"

#include <stdbool.h>
#include <stdint.h>

/* Runs a program that a script names and the site offers: one that lies directly in `directory`,
 * a regular file (no symbolic link), executable, and not writable by everybody. */
struct program_request {
	const char *directory; /* an absolute path */
	const struct action_program *program;
	const char *const *env;        /* all of it; ends with null */
	const char *work_directory;    /* to run in, or null: where we are */
	const struct message *message; /* on its standard input; null: `input` */
	struct span input;
	int input_fd;         /* instead, from its offset on; 0: none */
	bool has_crlf;        /* lines end with CR LF there, else with LF */
	struct spool *output; /* takes its standard output; null: program_run() keeps it */
	size_t output_limit;  /* of standard output; a program that writes more has failed */
	int64_t deadline_ms;  /* clock.h */
};

enum program_end {
	PROGRAM_DONE,
	PROGRAM_FAILED,  /* an exit status that is not 0, a signal, too slow, too much output */
	PROGRAM_UNKNOWN, /* there is none of that name, or not one that may be run */
	PROGRAM_TROUBLE, /* of ours: `output` cannot be written, the message not be read */
};

/* Runs it and waits; returns by the deadline (and a moment). Unless it is PROGRAM_DONE, `status`
 * has why as its detail. `output_out` (null where `output` is set) is the caller's to clear,
 * whatever the end. */
enum program_end program_run(
    const struct program_request *request, struct bytes *output_out, struct status *status);

/* Null, or why there is no such program there, or none that may be run (arena). */
const char *program_fault(
    struct arena *arena, const char *directory, const struct action_program *program);

/* The environment of a program: "NAME=value" for each pair (ended by a null name), apart from those
 * with null data, behind PATH. NULs end a value. */
const char *const *program_environment(
    struct arena *arena, const char *const *names, const struct span *values);

#endif
