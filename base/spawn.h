#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs another program to its end, within limits. It gets a process group of its own, exactly the
 * environment given, our user, and no descriptor of ours but its standard ones. */
struct spawn_request {
	const char *const *argv; /* argv[0] is a path; no shell, no search; ends with null */
	const char *const *env;  /* "NAME=value" ...; ends with null */
	const char *directory;   /* to run in, or null: where we are */

	/* Gives the next bytes for standard input: their number, 0 at the end, -1 for trouble: then
	 * the group gets SIGKILL before it could take half for the whole. Null: standard input is
	 * empty. A program that does not read it all is no error. */
	ssize_t (*feed)(void *context, char *data, size_t len);
	void *context;

	/* Gets standard output as it comes; false: the group gets SIGKILL. Null: it is kept. */
	bool (*take)(void *context, const char *data, size_t len);
	size_t output_limit; /* of standard output kept; more is read and dropped */
	int64_t deadline_ms; /* clock.h; then the group gets SIGKILL */
};

enum spawn_end {
	SPAWN_EXITED,    /* `code` is the exit status */
	SPAWN_SIGNALLED, /* `code` is the signal */
	SPAWN_TIMED_OUT,
	SPAWN_NOT_FED,     /* `feed` had trouble */
	SPAWN_NOT_STARTED, /* `code` is the errno of fork or exec */
	SPAWN_NOT_TAKEN,   /* `take` did not want more */
};

struct spawn_result {
	enum spawn_end end;
	int code;
	bool is_output_cut;
	struct bytes output; /* the caller clears it, whatever the end */
};

/* Runs it and waits; standard error goes to /dev/null. Always returns by the deadline (and a
 * moment), with no child left. */
void spawn_run(const struct spawn_request *request, struct spawn_result *result_out);

#endif
