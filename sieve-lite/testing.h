#ifndef SIEVE_LITE_TESTING_H
#define SIEVE_LITE_TESTING_H

#include "sieve-lite/sieve.h"

/* The world of a script test (ext_testsuite.c): a message, an envelope, a script under test and its
 * result. All in memory; files are read by whoever runs the test. */

struct testing_setting {
	struct span name;
	struct span value;
	struct testing_setting *next;
};

/* A message of the test; the current one is also that of the running test script. */
struct testing_message {
	struct spool *spool;
	struct message message;
	struct testing_message *next;
};

struct testing {
	struct arena *arena;
	void *context;
	/* Reads a script named relative to the test file; 0, or -1 with errno. */
	int (*read_script)(void *context, struct span path, struct bytes *to);
	/* One test ended; `failure` is null when it succeeded. */
	void (*told)(void *context, unsigned number, const char *name, const char *failure);

	struct testing_message *messages; /* the last made is first */
	struct message message;           /* the current one */
	struct envelope envelope;
	struct envelope_recipient recipient;
	struct testing_setting *settings; /* as set, */
	struct testing_setting *in_force; /* and as last reloaded */
	struct sieve_host host;
	struct sieve_input input;

	struct sieve_script *script; /* compiled last; null: it had errors */
	struct sieve_errors errors;  /* of what was compiled or run last */
	struct sieve_result result;

	unsigned number; /* of tests so far */
	unsigned failure_count;
	bool is_in_test;
	const char *failure; /* of the test or script that is running */
};

/* An empty world with the initial message; `arena`, `context` and the functions are set. */
void testing_init(struct testing *testing);
void testing_clear(struct testing *testing);

/* Runs a whole test script. False: it does not compile, or failed outside of its tests;
 * `testing->errors` or `testing->failure` says why. */
bool testing_run(struct testing *testing, const char *name, struct span source);

/* The following are what the commands of the language do. */

/* Makes `text` the current message, with the envelope that follows from it. */
bool testing_set_message(struct testing *testing, struct span text);
/* "envelope.from" and its like; false: there is no such thing, or the value is no address. */
bool testing_set_envelope(struct testing *testing, struct span member, struct span value);
void testing_set(struct testing *testing, struct span name, struct span value);
void testing_unset(struct testing *testing, struct span name);
void testing_reload(struct testing *testing);
bool testing_compile(struct testing *testing, struct span path);
/* Runs the compiled script; `is_appending` adds to the result there is. */
bool testing_run_script(struct testing *testing, bool is_appending);
void testing_reset_result(struct testing *testing);

#endif
