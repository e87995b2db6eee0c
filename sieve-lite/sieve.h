#ifndef SIEVE_LITE_SIEVE_H
#define SIEVE_LITE_SIEVE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/action.h"
#include "mail/envelope.h"
#include "mail/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The filter language (RFC 5228 and extensions). A script is compiled into a checked tree that
 * lives in an arena, then run as often as wanted. Neither does I/O: what a script may ask of
 * the world while deciding comes through struct sieve_host. */

/* What went wrong, for people: "script:line:column: error: message". */
struct sieve_error {
	bool is_warning;
	const char *script; /* whose line it is: an included script may be to blame */
	unsigned line;      /* from 1 */
	unsigned column;    /* from 1, in bytes */
	const char *message;
	struct sieve_error *next;
};

struct sieve_errors {
	struct sieve_error *first;
	struct sieve_error *last;
	unsigned error_count; /* warnings not counted */
	unsigned warning_count;
};

/* What the caller does with the result. An extension or command that needs more than that is
 * treated as if it did not exist, so that no script asks for what would not be done. */
enum sieve_ability {
	SIEVE_CAN_FLAG = 1,          /* stores action.flags */
	SIEVE_CAN_REJECT = 2,        /* refuses towards the sender */
	SIEVE_CAN_SEND = 4,          /* does ACTION_REDIRECT and ACTION_SEND */
	SIEVE_CAN_REMEMBER = 8,      /* has is_duplicate() */
	SIEVE_CAN_EDIT = 16,         /* stores action.message, not the message as it came */
	SIEVE_CAN_LOAD = 32,         /* has load() */
	SIEVE_CAN_ANNOTATE = 64,     /* has metadata() */
	SIEVE_CAN_SPECIAL_USE = 128, /* has special_use_exists(), minds action.special_use */
	SIEVE_CAN_LOOK_UP = 256,     /* has list_has() */
	SIEVE_CAN_PIPE = 512,        /* does ACTION_PIPE */
	SIEVE_CAN_FIND_BY_ID = 1024, /* has mailbox_by_id() */
	SIEVE_CAN_FILTER = 2048,     /* has filter(), and stores action.message */
	SIEVE_CAN_EXECUTE = 4096,    /* has execute() */
	SIEVE_CAN_RUN_PROGRAMS = SIEVE_CAN_PIPE | SIEVE_CAN_FILTER | SIEVE_CAN_EXECUTE,
	SIEVE_CAN_EVERYTHING = 0x7FFFFFFF, /* for checking, dry runs and tests */
};

struct extension;
struct sieve_options;
struct sieve_script;

struct sieve_compile_options {
	const char *name; /* as people know it: for messages and origins */
	/* Names of extensions that are off, comma-separated; null: none. */
	const char *disabled_extensions;
	/* The same for scripts that are included, from the user's or from the site's; null: as
	 * above. */
	const char *disabled_in_personal;
	const char *disabled_in_global;
	unsigned abilities; /* of enum sieve_ability */
	/* What the site has set (options.h), read whenever the script runs, so it must stay as
	 * long as that; null: the defaults. */
	const struct sieve_options *options;
	/* As test suites count mistakes: an included script that is missing or includes itself is
	 * one at once, and what "true" and "false" switch off is not looked at. */
	bool is_suite;
	/* Also what is surely not meant (warnings.h): for people who write scripts. */
	bool finds_warnings;
	/* A feature of the caller's own (feature.h), which scripts may require; null: none. It
	 * brings commands, tags and the like, but changes no strings and has no state. */
	const struct extension *guest;
	/* Gives the script that "include" names (RFC 6609), in memory of `arena`: one of the user,
	 * or of the site. SIEVE_NO: there is none; SIEVE_CANNOT_TELL is an error of the including
	 * script, and the loader remembers for its owner that it was its own trouble. Null: none.
	 */
	void *load_context;
	enum sieve_answer (*load)(void *load_context, struct arena *arena, struct span name,
	    bool is_global, struct span *source_out);
};

/* Compiles `source` (borrowed only during the call). Null when there are errors; all that could
 * be found are in `errors`, warnings also on success. Memory: `arena`, which the script needs. */
struct sieve_script *sieve_compile(struct arena *arena, struct span source,
    const struct sieve_compile_options *options, struct sieve_errors *errors);

/* The same script under another name, which is borrowed and which messages of its runs then tell.
 * `script` must live as long. */
struct sieve_script *sieve_script_as(
    struct arena *arena, const struct sieve_script *script, const char *name);

enum sieve_answer { SIEVE_YES, SIEVE_NO, SIEVE_CANNOT_TELL };

/* What became of a program that a script ran. */
enum sieve_program_end {
	SIEVE_PROGRAM_DONE,
	SIEVE_PROGRAM_FAILED,      /* it says so, or was too slow, or wrote too much or nothing */
	SIEVE_PROGRAM_UNKNOWN,     /* the site offers none of that name */
	SIEVE_PROGRAM_CANNOT_TELL, /* trouble of our own */
};

/* What a running script may ask. Functions may be null: the answer is then SIEVE_NO. */
struct sieve_host {
	void *context;
	enum sieve_answer (*mailbox_exists)(void *context, struct span folder);
	/* An item of the test "environment" (RFC 5183) that the engine does not know itself:
	 * "host", "domain", "vnd.ladle.x". SIEVE_NO: there is none of that name. */
	enum sieve_answer (*environment)(
	    void *context, struct arena *arena, struct span name, struct span *value_out);
	/* The annotation (RFC 5464) of a mailbox, or of the server where `folder` has null data.
	 * SIEVE_NO: there is none. */
	enum sieve_answer (*metadata)(void *context, struct arena *arena, struct span folder,
	    struct span annotation, struct span *value_out);
	/* A mailbox is for that ("\\Junk"): `folder`, or any where it has null data. */
	enum sieve_answer (*special_use_exists)(
	    void *context, struct span folder, struct span attribute);
	/* The list (a URI, RFC 6134) has this value on it; null data: there is such a list. */
	enum sieve_answer (*list_has)(void *context, struct span list, struct span value);
	/* The values on the list, no more than `max` and one (RFC 6134). SIEVE_NO: there is no
	 * such list, or it cannot be read to its end. */
	enum sieve_answer (*list_members)(void *context, struct arena *arena, struct span list,
	    size_t max, struct span **members_out, size_t *count_out);
	/* Whether `id` (any bytes) was seen in an earlier delivery, less than `seconds` ago (RFC
	 * 7352). It is to be remembered as seen for `seconds` if this delivery succeeds, from
	 * now on also where it was seen if `is_last`. */
	enum sieve_answer (*is_duplicate)(
	    void *context, struct span id, uint64_t seconds, bool is_last);
	/* The mailbox with that object identifier (RFC 9042). SIEVE_NO: there is none. */
	enum sieve_answer (*mailbox_by_id)(
	    void *context, struct arena *arena, struct span id, struct span *folder_out);
	/* Run a program of the site's while the script waits. `filter` gives what it makes of
	 * `message`, for as long as the message that came; `execute` what it wrote, having read
	 * `message` or, where that is null, `input`. */
	enum sieve_program_end (*filter)(void *context, struct arena *arena,
	    const struct action_program *program, const struct message *message,
	    const struct message **message_out);
	enum sieve_program_end (*execute)(void *context, struct arena *arena,
	    const struct action_program *program, const struct message *message, struct span input,
	    struct span *output_out);
	/* What a script wrote with debug_log. */
	void (*log)(void *context, const char *script, unsigned line, struct span text);
	/* Asked now and then: SIEVE_YES ends the script as one over its budget. */
	enum sieve_answer (*is_out_of_time)(void *context);
};

/* What the script did and why, told while it runs. A test is told after the values it looked
 * at, so that its result is known; `depth` says how deep in blocks and tests it stands. */
enum sieve_trace_kind {
	SIEVE_TRACE_COMMAND, /* a command is about to run */
	SIEVE_TRACE_VALUE,   /* `value`, found in `source`, was compared with `key` */
	SIEVE_TRACE_TEST,    /* a test ended with `result` */
};

struct sieve_trace_event {
	enum sieve_trace_kind kind;
	const char *script;
	unsigned line;
	unsigned column;
	unsigned depth;
	const char *name;   /* of the command or test; for a value, of its match type if any */
	struct span source; /* the header or part of the envelope, where there is one */
	struct span value;  /* null data: there is none, the header is absent */
	struct span key;
	bool result;
};

struct sieve_trace {
	void *context;
	void (*tell)(void *context, const struct sieve_trace_event *event);
};

struct sieve_input {
	const struct message *message;
	/* So much of its head the mail system wrote: a script sees it, but neither changes it nor
	 * puts anything above it. */
	size_t top_bytes;
	const struct envelope *envelope;
	const struct envelope_recipient *recipient;
	const char *recipient_delimiter;  /* for subaddress; null: none */
	struct span auth;                 /* who sent it, as SMTP AUTH has it; null data: unknown */
	const struct address *user_email; /* how the user is called outside; null: not known */
	/* Flags and keywords the message has already, where it is stored; null: none. */
	const struct span *flags;
	size_t flag_count;
	/* The internal variable of imap4flags, where earlier scripts have used it (sieve_chain);
	 * null data: none has. */
	struct span chain_flags;
	/* An earlier script has answered the message: vacation does not do so again. */
	bool is_answered;
	struct timespec now;
	const struct sieve_host *host;
	const struct sieve_trace *trace; /* null: nothing is told, and it costs nothing */
	void *guest;                     /* for the commands of the caller's own feature */
};

enum sieve_end {
	SIEVE_DONE,       /* the actions in `actions` are to be done */
	SIEVE_FAILED,     /* a run-time error or a budget: drop this script's actions, keep */
	SIEVE_CANNOT_RUN, /* the host could not tell: temporary */
};

struct sieve_result {
	struct action_list actions; /* without the implicit keep */
	bool implicit_keep;         /* still in effect at the end: the next script may run */
	struct action keep;         /* what the implicit keep is, if it is done: flags, version */
	struct span flags; /* the internal variable of imap4flags; null data: it was not used */
	const struct action *done;  /* up to this one actions have been done; null: none */
	struct sieve_errors errors; /* of the run */
	bool is_over_budget;        /* it failed because it took too much */
};

/* Runs a script over one message for one recipient. Actions, and all else in the result, are
 * in `arena`. The origin of each action is the command's place in the script. */
enum sieve_end sieve_run(struct arena *arena, const struct sieve_script *script,
    const struct sieve_input *input, struct sieve_result *result_out);

/* Scripts that run one after the other over one message, each as long as those before it leave a
 * keep. Zero-initialise. */
struct sieve_chain {
	struct span flags; /* the internal variable of imap4flags, for the next script */
	bool has_keep;
	struct action keep; /* the last explicit one */
};

/* A script of the chain has ended. Its keeps have flags afterwards, where they are decided. */
void sieve_chain_add(struct sieve_chain *chain, const struct sieve_script *script,
    const struct sieve_result *result);

/* Makes the implicit keep of the last script what is kept at the end of the chain: what an explicit
 * one that was deferred has asked for. */
void sieve_chain_keep(const struct sieve_chain *chain, struct action *keep);

#endif
