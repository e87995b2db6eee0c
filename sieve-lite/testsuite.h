#ifndef SIEVE_LITE_TESTSUITE_H
#define SIEVE_LITE_TESTSUITE_H

#include "sieve-lite/feature.h"
#include "sieve-lite/options.h"
#include "sieve-lite/run.h"
#include "sieve-lite/script_dirs.h"

/* The world of one FILE.svtest (the language "vnd.dovecot.testsuite" of Pigeonhole's script tests):
 * a message with its envelope, the script under test, its result, and a mailbox and outgoing mail
 * in memory. The file is itself a script; what it files is in the same result as what the scripts
 * do that it runs. Nothing outside is touched but that scripts are read. */

/* A message with what came with it. */
struct testsuite_mail {
	const struct message *message;
	struct envelope envelope;
	struct envelope_recipient recipient;
	struct span auth;         /* who sent it, as the server of outgoing mail knows */
	const struct span *flags; /* as stored; null: none */
	size_t flag_count;
	struct testsuite_mail *next;
};

struct testsuite_folder {
	struct span name;
	struct span id; /* "F1" for the inbox, "F2" for the next one that is made */
	struct testsuite_mail *first;
	struct testsuite_folder *next;
};

struct testsuite_setting {
	struct span name;
	struct span value; /* null data: taken back */
	struct testsuite_setting *next;
};

struct testsuite_metadata {
	struct span folder; /* null data: of the server */
	struct span annotation;
	struct span value;
	struct testsuite_metadata *next;
};

struct testsuite_binary {
	struct span name;
	const struct sieve_script *script;
	struct testsuite_binary *next;
};

struct testsuite_spool {
	struct spool *spool;
	struct testsuite_spool *next;
};

/* What became of a result so far. */
struct testsuite_outcome {
	bool is_keep_done; /* the message is in the inbox */
	bool is_keep_owed; /* what was tried instead did not work, which is no error */
	bool has_failed;   /* nothing more is done */
};

struct testsuite {
	struct arena *arena;   /* everything made for this file */
	const char *directory; /* of the file: the scripts it names are found from here */
	/* Who is told; `reason` is null for a test that succeeded. */
	void *context;
	void (*tell)(void *context, const char *name, const char *reason, unsigned line);
	void (*say)(void *context, struct span text);

	struct testsuite_mail mail; /* what tests and scripts see now, as it came */
	struct testsuite_spool *spools;
	struct script_dirs dirs; /* of what they include */
	struct sieve_host host;
	struct sieve_input input;

	struct address user_email;
	const struct sieve_script *script; /* compiled last; null: none or broken */
	struct sieve_errors errors;        /* what test_error looks at */
	struct testsuite_binary *binaries;
	unsigned depth;                   /* of scripts that run scripts */
	int64_t cpu_deadline_ms;          /* of the script under test; 0: none runs */
	struct testsuite_outcome outcome; /* of the current result */

	struct testsuite_folder *folders;
	unsigned folder_count; /* ever made */
	struct testsuite_mail *sent;
	struct testsuite_metadata *metadata;
	struct testsuite_setting *settings; /* as set, */
	struct testsuite_setting *in_force; /* and as reloaded last */
	struct sieve_options options;       /* what they say about the language */

	const char *failure; /* why test_fail was called; null: it was not */
	unsigned failure_line;
};

/* The feature that a test file requires. */
extern const struct extension testsuite_extension;

/* A new world with Pigeonhole's initial message. `arena`, `directory` (borrowed), `tell` and its
 * like are set by the caller. */
void testsuite_open(struct testsuite *suite);
void testsuite_close(struct testsuite *suite);

/* Runs a test file, whose text this is. False: it could not be run to its end; why is in
 * `errors_out` (of its text) or, where test_fail stood outside of a test, in suite->failure. */
bool testsuite_run(
    struct testsuite *suite, const char *name, struct span source, struct sieve_errors *errors_out);

/* The rest is for the commands. */

struct testsuite *testsuite_of(struct run *run);
struct span testsuite_text(struct run *run, const struct node *node, size_t positional);
void testsuite_error(struct testsuite *suite, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void testsuite_forget_errors(struct testsuite *suite);
/* Drops the result, and what was done to the message. */
void testsuite_reset(struct testsuite *suite, struct run *run);

/* testsuite_script.c: scripts under test */
bool testsuite_compile(struct testsuite *suite, struct span path);
bool testsuite_run_script(struct testsuite *suite, struct run *run, bool is_appending);
bool testsuite_run_chain(struct testsuite *suite, struct run *run, const struct argument *paths);
void testsuite_save_binary(struct testsuite *suite, struct span name);
bool testsuite_load_binary(struct testsuite *suite, struct span name);

/* testsuite_mail.c: messages and the mailbox */
/* With the envelope that its header makes likely. False: it cannot be made. */
bool testsuite_new_mail(struct testsuite *suite, struct span text, struct testsuite_mail *mail_out);
void testsuite_guess_envelope(struct testsuite *suite, struct testsuite_mail *mail);
void testsuite_initial_mail(struct testsuite *suite, struct testsuite_mail *mail_out);
/* "envelope.from" and its like; what is no address is told and becomes the null address. */
void testsuite_set_envelope(struct testsuite *suite, struct span member, struct span value);
bool testsuite_is_member(struct span name);
/* An empty one that lives as long as the suite. */
struct spool *testsuite_spool(struct testsuite *suite);
/* Of bytes that are copied; null when that failed. */
const struct message *testsuite_make_message(struct testsuite *suite, struct span text);
/* `mail` is what the running test file sees from now on. */
void testsuite_show(struct testsuite *suite, struct run *run, const struct testsuite_mail *mail);
struct testsuite_folder *testsuite_folder(struct testsuite *suite, struct span name);
struct testsuite_folder *testsuite_make_folder(struct testsuite *suite, struct span name);
enum sieve_answer testsuite_mailbox_by_id(
    void *suite, struct arena *arena, struct span id, struct span *folder_out);
void testsuite_delete_folder(struct testsuite *suite, struct span name);
/* A copy at the end of the folder. */
void testsuite_store(
    struct testsuite *suite, struct testsuite_folder *folder, const struct testsuite_mail *mail);
/* Outgoing mail is only captured, an entry for each recipient. */
void testsuite_send(struct testsuite *suite, const struct testsuite_mail *mail);
/* The one at `index`, from 0; or null. */
const struct testsuite_mail *testsuite_mail_at(const struct testsuite_mail *first, uint64_t index);
enum sieve_answer testsuite_mailbox_exists(void *suite, struct span folder);
enum sieve_answer testsuite_metadata(void *suite, struct arena *arena, struct span folder,
    struct span annotation, struct span *value_out);
void testsuite_set_metadata(
    struct testsuite *suite, struct span folder, struct span annotation, struct span value);

/* testsuite_dict.c: lists and scripts in dictionaries that the settings name */
enum sieve_answer testsuite_list_has(void *suite, struct span list, struct span value);
/* `load` of struct sieve_compile_options: from there or, mostly, from the directories. */
enum sieve_answer testsuite_load(
    void *suite, struct arena *arena, struct span name, bool is_global, struct span *source_out);

/* testsuite_programs.c: programs in the directories that the settings name really run */
enum sieve_program_end testsuite_filter(void *suite, struct arena *arena,
    const struct action_program *program, const struct message *message,
    const struct message **message_out);
enum sieve_program_end testsuite_run_program(void *suite, struct arena *arena,
    const struct action_program *program, const struct message *message, struct span input,
    struct span *output_out);
/* Why it failed is in the error log. */
bool testsuite_pipe(
    struct testsuite *suite, const struct action_program *program, const struct message *message);

/* testsuite_execute.c: what actions do in this world */
const char *testsuite_action_name(const struct action *action);
/* Executes what was not executed yet: all of it or, where something cannot be done, nothing but a
 * keep. False: so it was; why is in the error log. */
bool testsuite_execute(struct testsuite *suite, struct run *run);
/* Its two steps. The first asks whether all behind result->done can be done, which is then all of
 * it; */
bool testsuite_prepare(struct testsuite *suite, struct sieve_result *result);
/* the second does it, from `first` to result->done, and keeps the message where that is due. */
bool testsuite_finish(
    struct testsuite *suite, struct sieve_result *result, const struct action *first, bool is_good);

/* testsuite_config.c: settings by Pigeonhole's names */
void testsuite_config_set(struct testsuite *suite, struct span name, struct span value);
void testsuite_config_reload(struct testsuite *suite);
/* The host's part of the environment; the engine knows the rest. */
enum sieve_answer testsuite_environment(
    void *suite, struct arena *arena, struct span name, struct span *value_out);
/* The value in force; null data: it was not set. */
struct span testsuite_config(const struct testsuite *suite, const char *name);
/* The next name of a list of names, its escapes undone. */
bool testsuite_config_next(struct testsuite *suite, struct span *rest, struct span *name_out);
/* The value in force of "list/name/key"; of one of "list/name/.../path" where `key` is "/path". */
struct span testsuite_config_of(
    const struct testsuite *suite, const char *list, struct span name, const char *key);
bool testsuite_config_is_on(const struct testsuite *suite, const char *name);
/* How long a script under test may compute. */
int64_t testsuite_cpu_limit_ms(const struct testsuite *suite);

#endif
