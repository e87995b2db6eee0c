/* sieve_host.c - the world, as a script may ask for it. Every answer may be "cannot tell": the
 * reason is kept for the log, the mail is tried again. */
#include "deliver/sieve_host.h"

#include "base/clock.h"
#include "base/log.h"
#include "deliver/pipeline_errands.h"
#include "deliver/programs.h"
#include "deliver/script_log.h"
#include "deliver/special_use.h"

#include <string.h>

#define LOG_BYTES_MAX 1000

/* -- mailboxes --------------------------------------------------------------------------------- */

static enum sieve_answer answer_of(enum store_answer answer)
{
	switch (answer) {
	case STORE_YES:
		return SIEVE_YES;
	case STORE_NO:
		return SIEVE_NO;
	case STORE_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

/* The folder a script means; false: there cannot be one of that name. */
static bool folder_of(
    const struct sieve_questions *questions, struct span name, struct span *folder)
{
	struct status why;
	return store_folder_name(
	    questions->delivery->arena, questions->delivery->store, name, folder, &why);
}

static enum sieve_answer mailbox_exists(void *context, struct span name)
{
	struct sieve_questions *questions = context;
	struct span folder;
	if (!folder_of(questions, name, &folder))
		return SIEVE_NO;
	return answer_of(store_has_folder(questions->delivery->store, folder, &questions->trouble));
}

static enum sieve_answer metadata(void *context, struct arena *arena, struct span name,
    struct span annotation, struct span *value_out)
{
	struct sieve_questions *questions = context;
	struct span folder = {NULL, 0};
	if (name.data != NULL && !folder_of(questions, name, &folder))
		return SIEVE_NO;
	return answer_of(store_annotation(
	    questions->delivery->store, arena, folder, annotation, value_out, &questions->trouble));
}

static enum sieve_answer special_use_exists(void *context, struct span name, struct span use)
{
	struct sieve_questions *questions = context;
	struct span folder;
	if (name.data == NULL)
		return answer_of(
		    special_use_find(questions->delivery, use, &folder, &questions->trouble));
	if (!folder_of(questions, name, &folder))
		return SIEVE_NO;
	return answer_of(special_use_has(questions->delivery, folder, use, &questions->trouble));
}

static enum sieve_answer mailbox_by_id(
    void *context, struct arena *arena, struct span id, struct span *folder_out)
{
	struct sieve_questions *questions = context;
	struct store *store = questions->delivery->store;
	struct span folder;
	enum store_answer answer = store_folder_by_id(store, id, &folder, &questions->trouble);
	if (answer == STORE_YES)
		*folder_out = store_folder_shown(arena, store, folder);
	return answer_of(answer);
}

/* -- lists and environment --------------------------------------------------------------------- */

static enum sieve_answer list_has(void *context, struct span list, struct span value)
{
	struct sieve_questions *questions = context;
	switch (
	    lists_ask(&questions->lists, questions->delivery, list, value, &questions->trouble)) {
	case LIST_HAS:
		return SIEVE_YES;
	case LIST_HAS_NOT:
		return SIEVE_NO;
	case LIST_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

static enum sieve_answer list_members(void *context, struct arena *arena, struct span list,
    size_t max, struct span **members_out, size_t *count_out)
{
	struct sieve_questions *questions = context;
	(void)arena;
	switch (lists_members(&questions->lists, questions->delivery, list, members_out, count_out,
	    &questions->trouble)) {
	case LIST_HAS:
		/* One more than are allowed: the script is told. */
		if (*count_out > max)
			*count_out = max + 1;
		return SIEVE_YES;
	case LIST_HAS_NOT:
		return SIEVE_NO;
	case LIST_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

/* What the user source says (as Dovecot 2.3 has it), else the settings. */
static bool find_configured(struct delivery *delivery, struct span name, struct span *value_out)
{
	const struct sieve_settings *settings = &delivery->settings->sieve;
	const char *field =
	    arena_textf(delivery->arena, "sieve_env_%.*s", (int)name.len, name.data);
	*value_out = user_field(&delivery->user, field);
	for (size_t i = 0; value_out->data == NULL && i < settings->environment_count; i++) {
		if (span_is_nocase(name, settings->environment[i].title))
			*value_out = span_of(settings->environment[i].value);
	}
	return value_out->data != NULL;
}

#define CONFIG_PREFIX "vnd.dovecot.config."

static enum sieve_answer environment(
    void *context, struct arena *arena, struct span name, struct span *value_out)
{
	struct sieve_questions *questions = context;
	struct delivery *delivery = questions->delivery;
	struct span host = span_of(delivery->settings->hostname);
	if (span_is_nocase(name, "host")) {
		*value_out = host;
	} else if (span_is_nocase(name, "domain")) {
		*value_out = span_from(host, span_find(host, '.') + 1);
	} else if (span_is_nocase(name, "vnd.dovecot.username")) {
		*value_out = delivery->user.name;
	} else if (span_is_nocase(name, "vnd.dovecot.default-mailbox")) {
		*value_out = store_folder_shown(arena, delivery->store, delivery->folder);
	} else {
		bool is_found =
		    span_starts_with_nocase(name, CONFIG_PREFIX) &&
		    find_configured(delivery, span_from(name, strlen(CONFIG_PREFIX)), value_out);
		return is_found ? SIEVE_YES : SIEVE_NO;
	}
	return SIEVE_YES;
}

/* -- programs ---------------------------------------------------------------------------------- */

/* What a program does nobody can take back. */
static bool is_left_out(
    const struct sieve_questions *questions, const struct action_program *program)
{
	struct delivery *delivery = questions->delivery;
	if (delivery->rehearsal == NULL)
		return false;
	delivery_note(delivery, "the program %.*s is not run here: it counts as failed",
	    (int)program->name.len, program->name.data);
	return true;
}

static enum sieve_program_end filter(void *context, struct arena *arena,
    const struct action_program *program, const struct message *message,
    const struct message **message_out)
{
	struct sieve_questions *questions = context;
	(void)arena;
	if (is_left_out(questions, program))
		return SIEVE_PROGRAM_FAILED;
	return programs_filter(
	    questions->delivery, program, message, message_out, &questions->trouble);
}

static enum sieve_program_end execute(void *context, struct arena *arena,
    const struct action_program *program, const struct message *message, struct span input,
    struct span *output_out)
{
	struct sieve_questions *questions = context;
	if (is_left_out(questions, program))
		return SIEVE_PROGRAM_FAILED;
	return programs_execute(
	    questions->delivery, arena, program, message, input, output_out, &questions->trouble);
}

/* -- memory ------------------------------------------------------------------------------------ */

static enum sieve_answer is_duplicate(void *context, struct span id, uint64_t seconds, bool is_last)
{
	struct sieve_questions *questions = context;
	if (questions->delivery->rehearsal != NULL)
		return SIEVE_NO;
	switch (seen_ask(
	    questions->seen, questions->delivery, id, seconds, is_last, &questions->trouble)) {
	case SEEN_YES:
		return SIEVE_YES;
	case SEEN_NO:
		return SIEVE_NO;
	case SEEN_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

/* -- the rest ---------------------------------------------------------------------------------- */

int64_t sieve_host_cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum sieve_answer is_out_of_time(void *context)
{
	const struct sieve_questions *questions = context;
	const struct delivery *delivery = questions->delivery;
	int64_t budget_us = (int64_t)delivery->settings->sieve.max_cpu_time_s * 1000000;
	bool is_out = clock_left_ms(delivery->call->deadline_ms) == 0 ||
	              sieve_host_cpu_us() - questions->started_us > budget_us;
	return is_out ? SIEVE_YES : SIEVE_NO;
}

/* What a user's script writes is for the user, what the site's do for the administrator. */
static void log_text(void *context, const char *script, unsigned line, struct span text)
{
	struct sieve_questions *questions = context;
	struct delivery *delivery = questions->delivery;
	const struct script_wanted *wanted = questions->wanted;
	struct span whole = arena_spanf(delivery->arena, "%s:%u: %.*s", script, line,
	    (int)(text.len < LOG_BYTES_MAX ? text.len : LOG_BYTES_MAX), text.data);
	if (delivery->rehearsal != NULL) {
		delivery->rehearsal->wrote(delivery->rehearsal->context, whole);
		return;
	}
	script_log_text(delivery, wanted->path, !wanted->is_global, whole);
	log_write(LOG_LEVEL_DEBUG, "%s: %.*s: %.*s", delivery->call->id,
	    (int)delivery->user.name.len, delivery->user.name.data, (int)whole.len, whole.data);
}

struct sieve_host sieve_host_of(struct sieve_questions *questions)
{
	return (struct sieve_host){
	    .context = questions,
	    .mailbox_exists = mailbox_exists,
	    .environment = environment,
	    .metadata = metadata,
	    .special_use_exists = special_use_exists,
	    .list_has = list_has,
	    .list_members = list_members,
	    .mailbox_by_id = mailbox_by_id,
	    .filter = filter,
	    .execute = execute,
	    .is_duplicate = is_duplicate,
	    .log = log_text,
	    .is_out_of_time = is_out_of_time,
	};
}
