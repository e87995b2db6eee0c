#ifndef SIEVE_LITE_RUN_H
#define SIEVE_LITE_RUN_H

#include "sieve-lite/limits.h"
#include "sieve-lite/script.h"
#include "sieve-lite/sieve.h"

/* A script while it runs, and what features may do with it. Failing is sticky: it sets `unwind`,
 * the interpreter looks at it after each command and test, and what they returned is not used
 * then. So features report a failure and simply return. */

enum unwind {
	UNWIND_NONE,
	UNWIND_STOP,        /* the end of the run was asked for */
	UNWIND_RETURN,      /* the end of this script was asked for (RFC 6609) */
	UNWIND_BREAK,       /* the end of the loop `break_to` (RFC 5703) */
	UNWIND_FAILED,      /* SIEVE_FAILED */
	UNWIND_CANNOT_TELL, /* SIEVE_CANNOT_RUN */
};

struct run {
	struct arena *arena;
	const struct sieve_script *script;
	const struct sieve_input *input;
	struct sieve_result *result;
	const struct message *message; /* the version in effect */
	/* What it was before it was enclosed, which is what is sent on (RFC 5703 section 6); null:
	 * it was not. */
	const struct message *unenclosed;
	struct fields *fields;       /* its header; null: not read yet */
	struct parts *parts;         /* its MIME parts; null: not read yet */
	struct part_loop *part_loop; /* the innermost that runs; null: none */
	const struct node *break_to;
	enum unwind unwind;
	unsigned depth;          /* in blocks and tests, for the trace */
	const struct node *node; /* the innermost command or test */
	uint64_t steps;
	uint64_t steps_until_clock;
	uint64_t taken_bytes;
	/* The last successful match with wildcards: [0] all that matched, then each wildcard. */
	struct span matches[LIMIT_MATCHES + 1];
	size_t match_count;
	bool are_matches_kept; /* whatever is matched */
	/* What the trace was told last of a long value. */
	struct span told_value;
	void *states[REGISTRY_MAX];       /* of features, for the whole run */
	void *local_states[REGISTRY_MAX]; /* of features, for this script */
};

/* Ends the run: a run-time error at the innermost command or test. */
void run_fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the run: the host could not tell `what`, so it is to be tried again later. */
void run_cannot_tell(struct run *run, const char *what);
/* What the host answered, as a truth; SIEVE_CANNOT_TELL ends the run. */
bool run_answer(struct run *run, enum sieve_answer answer, const char *what);
/* Counts work done; ends the run when it was too much. */
void run_spend(struct run *run, uint64_t steps);
/* The same for memory taken from the arena: whatever a command or test takes each time it runs is
 * to be told, because included scripts run again and again. */
void run_spend_bytes(struct run *run, uint64_t bytes);

/* sieve_run() that adds to the result there is, and goes on with that one's version of the message
 * and its flags. */
enum sieve_end run_script(struct arena *arena, const struct sieve_script *script,
    const struct sieve_input *input, struct sieve_result *result);

/* Makes the implicit keep of the result what it is at this moment. */
void run_settle_keep(struct run *run);

void run_commands(struct run *run, const struct node *first);
bool run_test(struct run *run, const struct node *test);

/* The value of a string at this moment. */
struct span run_text(struct run *run, const struct text *text);

/* A new action decided by `node`, with what its tags say; null when that failed. */
struct action *run_act(struct run *run, const struct node *node, enum action_kind kind);
/* The same for storing in `folder` (empty: the default folder); one that is already stored
 * there is not stored again (RFC 5228 2.10.3). */
void run_store(struct run *run, const struct node *node, struct span folder);
/* The folder that is meant where a script names `folder`: tags may name it in another way. */
struct span run_folder(struct run *run, const struct node *node, struct span folder);
/* The first action of this script: those before it were done when earlier ones of the chain ended.
 */
const struct action *run_first_action(const struct run *run);
/* What an action does to the implicit keep (RFC 5228 2.10.2), unless a tag says otherwise. */
void run_cancel_keep(struct run *run, const struct node *node);

/* The command that writes its argument to the log. */
void run_log(struct run *run, const struct node *node);

/* A feature's own zeroed memory: in this run, or in this run of this script alone (an included
 * script is another one). */
void *run_state(struct run *run, const struct extension *extension, size_t size);
void *run_local_state(struct run *run, const struct extension *extension, size_t size);
/* What checker_state() gave for this script, or null. */
const void *run_script_state(const struct run *run, const struct extension *extension);

/* Remembers what the wildcards of a match stand for (RFC 5229 3.2); `parts` are spans that stay
 * as long as the run. */
void run_set_matches(
    struct run *run, struct span whole, const struct span *parts, size_t part_count);

/* Tells the trace that `value` of `source` was compared with `key`. */
void run_tell_value(
    struct run *run, struct span source, struct span value, struct span key, bool result);

#endif
