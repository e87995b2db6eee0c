#ifndef SIEVE_LITE_SIEVE_H
#define SIEVE_LITE_SIEVE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/action.h"
#include "mail/envelope.h"
#include "mail/message.h"

#include <stdbool.h>
#include <stdint.h>

/* The filter language (RFC 5228 and extensions). A script is compiled into a checked tree that
 * lives in an arena, then run as often as wanted. Neither does I/O: what a script may ask of
 * the world while deciding comes through struct sieve_host. */

/* What went wrong, for people: "file:line:column: error: message". */
struct sieve_error {
	bool is_warning;
	unsigned line;   /* from 1 */
	unsigned column; /* from 1, in bytes */
	const char *message;
	struct sieve_error *next;
};

struct sieve_errors {
	struct sieve_error *first;
	struct sieve_error *last;
	unsigned error_count; /* warnings not counted */
};

struct sieve_script;

struct sieve_compile_options {
	const char *name; /* as people know it: for messages and origins */
	/* Names of extensions that are off, comma-separated; null: none. */
	const char *disabled_extensions;
};

/* Compiles `source` (borrowed only during the call). Null when there are errors; all that could
 * be found are in `errors`, warnings also on success. Memory: `arena`, which the script needs. */
struct sieve_script *sieve_compile(struct arena *arena, struct span source,
    const struct sieve_compile_options *options, struct sieve_errors *errors);

enum sieve_answer { SIEVE_YES, SIEVE_NO, SIEVE_CANNOT_TELL };

/* What a running script may ask. Functions may be null: the answer is then SIEVE_NO. */
struct sieve_host {
	void *context;
	enum sieve_answer (*mailbox_exists)(void *context, struct span folder);
};

struct sieve_input {
	const struct message *message;
	const struct envelope *envelope;
	const struct envelope_recipient *recipient;
	const char *recipient_delimiter; /* for subaddress */
	const struct sieve_host *host;
};

enum sieve_end {
	SIEVE_DONE,       /* the actions in `actions` are to be done */
	SIEVE_FAILED,     /* a run-time error or a budget: drop this script's actions, keep */
	SIEVE_CANNOT_RUN, /* the host could not tell: temporary */
};

struct sieve_result {
	struct action_list actions; /* without the implicit keep */
	bool implicit_keep;         /* still in effect at the end: the next script may run */
	struct sieve_errors errors; /* of the run */
};

/* Runs a script over one message for one recipient. Actions, and all else in the result, are
 * in `arena`. The origin of each action is the command's place in the script. */
enum sieve_end sieve_run(struct arena *arena, const struct sieve_script *script,
    const struct sieve_input *input, struct sieve_result *result_out);

#endif
