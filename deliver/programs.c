/* programs.c - programs of the site's, run for a delivery or, for "pipe", by the flusher.
 *
 * What a program does cannot be taken back, so "pipe" is an item of the outbox: it runs after the
 * delivery's copies are durable, and again until it succeeds. "filter" and "execute" have an answer
 * that the script waits for; they stand outside of all or nothing. */
#include "deliver/programs.h"

#include "base/clock.h"
#include "mail/program.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXECUTE_OUTPUT_MAX ((size_t)1024 * 1024) /* it becomes a variable */

bool programs_check(const struct programs_settings *settings, struct status *status)
{
	const char *const directories[] = {
	    settings->pipe_directory, settings->filter_directory, settings->execute_directory};
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		if (directories[i][0] != '\0' && directories[i][0] != '/')
			return status_fail(status, CAUSE_CONFIGURATION,
			    "sieve.programs: \"%s\": write the whole path", directories[i]);
	}
	return true;
}

static struct span or_none(struct span text)
{
	return text.len > 0 ? text : (struct span){NULL, 0};
}

static const char *const *environment(const struct delivery *delivery, struct span sender,
    struct span recipient, struct span original)
{
	static const char *const names[] = {
	    "HOME", "USER", "SENDER", "RECIPIENT", "ORIG_RECIPIENT", NULL};
	const struct span values[] = {
	    or_none(delivery->user.home),
	    or_none(delivery->user.name),
	    or_none(sender),
	    or_none(recipient),
	    or_none(original),
	};
	return program_environment(delivery->arena, names, values);
}

/* What everybody may write, everybody could fill; and what is ours to run is not root's. */
static const char *directory_fault(const char *directory)
{
	struct stat found;
	if (directory[0] == '\0')
		return "the site offers none";
	if (geteuid() == 0)
		return "not as root";
	if (stat(directory, &found) != 0 || !S_ISDIR(found.st_mode))
		return "its directory is not there";
	return (found.st_mode & S_IWOTH) != 0 ? "everybody may write its directory" : NULL;
}

static enum program_end run(const struct delivery *delivery, const char *directory,
    struct program_request *request, struct bytes *output, struct status *status)
{
	const struct programs_settings *settings = &delivery->settings->sieve.programs;
	const char *fault = directory_fault(directory);
	int64_t deadline_ms = clock_monotonic_ms() + (int64_t)settings->timeout_s * 1000;
	if (fault != NULL) {
		status_fail(status, CAUSE_CONFIGURATION, "program %s/%.*s: %s", directory,
		    (int)request->program->name.len, request->program->name.data, fault);
		return PROGRAM_UNKNOWN;
	}
	if (request->deadline_ms > deadline_ms)
		request->deadline_ms = deadline_ms;
	request->directory = directory;
	request->work_directory = "/";
	request->has_crlf = settings->crlf;
	return program_run(request, output, status);
}

/* The same inside a delivery. */
static enum sieve_program_end run_now(struct delivery *delivery, const char *directory,
    struct program_request *request, struct bytes *output, struct status *trouble)
{
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	struct status status;
	request->deadline_ms = delivery->call->deadline_ms;
	request->env = environment(delivery, delivery->envelope->sender.text,
	    recipient->address.text, recipient->original.text);
	switch (run(delivery, directory, request, output, &status)) {
	case PROGRAM_DONE:
		return SIEVE_PROGRAM_DONE;
	case PROGRAM_FAILED:
		delivery_note(delivery, "%s", status.detail);
		return SIEVE_PROGRAM_FAILED;
	case PROGRAM_UNKNOWN:
		delivery_note(delivery, "%s", status.detail);
		return SIEVE_PROGRAM_UNKNOWN;
	case PROGRAM_TROUBLE:
		break;
	}
	*trouble = status;
	trouble->cause = CAUSE_CANNOT_TELL;
	return SIEVE_PROGRAM_CANNOT_TELL;
}

/* -- filter and execute ------------------------------------------------------------------------ */

/* Our trace stays on top, whatever a program makes of the rest. */
static const struct message *with_top(
    struct delivery *delivery, struct span top, const struct message *message)
{
	struct bytes head = {0};
	struct message *version = ARENA_NEW(delivery->arena, struct message);
	bytes_append_span(&head, top);
	bytes_append_span(&head, message->head);
	*version = message_with_head(message, arena_span(delivery->arena, bytes_span(&head)));
	bytes_clear(&head);
	return version;
}

enum sieve_program_end programs_filter(struct delivery *delivery,
    const struct action_program *program, const struct message *message,
    const struct message **message_out, struct status *trouble)
{
	const struct programs_settings *settings = &delivery->settings->sieve.programs;
	struct message came =
	    message_with_head(message, span_from(message->head, delivery->top_bytes));
	struct message filtered;
	struct spool *spool = delivery_spool(delivery);
	struct program_request request = {.program = program,
	    .message = &came,
	    .output = spool,
	    .output_limit = (size_t)settings->output_max_bytes};
	enum sieve_program_end end =
	    run_now(delivery, settings->filter_directory, &request, NULL, trouble);
	if (end != SIEVE_PROGRAM_DONE)
		return end;
	if (!spool_finish(spool, trouble) ||
	    !message_open(delivery->arena, spool, &filtered, trouble))
		return SIEVE_PROGRAM_CANNOT_TELL;
	if (filtered.size_bytes == 0) {
		delivery_note(delivery, "program %.*s wrote nothing: the message stays as it was",
		    (int)program->name.len, program->name.data);
		return SIEVE_PROGRAM_FAILED;
	}
	*message_out =
	    with_top(delivery, span_first(message->head, delivery->top_bytes), &filtered);
	return SIEVE_PROGRAM_DONE;
}

enum sieve_program_end programs_execute(struct delivery *delivery, struct arena *arena,
    const struct action_program *program, const struct message *message, struct span input,
    struct span *output_out, struct status *trouble)
{
	struct bytes output = {0};
	struct program_request request = {.program = program,
	    .message = message,
	    .input = input,
	    .output_limit = EXECUTE_OUTPUT_MAX};
	enum sieve_program_end end = run_now(delivery,
	    delivery->settings->sieve.programs.execute_directory, &request, &output, trouble);
	*output_out = arena_span(arena, bytes_span(&output));
	bytes_clear(&output);
	return end;
}

/* -- pipe -------------------------------------------------------------------------------------- */

void programs_judge(struct delivery *delivery)
{
	const char *directory = delivery->settings->sieve.programs.pipe_directory;
	bool is_missing = false;
	bool is_stored = delivery->implicit_keep;
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		is_stored = is_stored || copies_is_stored(action);
		if (action->kind != ACTION_PIPE)
			continue;
		const char *fault = directory_fault(directory);
		if (fault == NULL)
			fault = program_fault(delivery->arena, directory, action->program);
		if (fault != NULL)
			delivery_note(delivery, "not piped to program %.*s: %s",
			    (int)action->program->name.len, action->program->name.data, fault);
		is_missing = is_missing || fault != NULL;
	}
	if (!is_missing)
		return;
	/* One that is missing is an error of the script: it pipes to none. */
	action_drop(&delivery->actions, ACTION_PIPE);
	delivery->implicit_keep = delivery->implicit_keep || !is_stored;
}

enum outbox_answer programs_pipe(struct delivery *delivery, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	const struct programs_settings *settings = &delivery->settings->sieve.programs;
	struct bytes output = {0};
	struct status status;
	struct program_request request = {.program = &item->program,
	    .input_fd = fd,
	    .output_limit = (size_t)settings->output_max_bytes,
	    .deadline_ms = deadline_ms,
	    .env = environment(delivery, item->sender, item->recipient, item->orcpt)};
	enum program_end end = run(delivery, settings->pipe_directory, &request, &output, &status);
	bytes_clear(&output);
	if (end == PROGRAM_DONE)
		return OUTBOX_ACCEPTED;
	snprintf(why_out, why_size, "%s", status.detail);
	return item->program.may_fail && end != PROGRAM_TROUBLE ? OUTBOX_REFUSED : OUTBOX_TRY_LATER;
}
