/* script_run.c - one script in a delivery.
 *
 * A broken script never loses or delays mail: its own actions are dropped, those of finished
 * scripts stay, and the message is kept. Only what cannot be told makes it wait. */
#include "deliver/script_run.h"

#include "base/clock.h"
#include "deliver/expand.h"
#include "deliver/pipeline_errands.h"
#include "deliver/script_keep.h"
#include "deliver/script_log.h"
#include "deliver/sieve_host.h"
#include "deliver/story.h"

struct script {
	struct script_runner *runner;
	struct delivery *delivery;
	const struct script_wanted *wanted;
	const struct script_version *version;
};

static void append_actions(struct action_list *to, const struct action_list *from)
{
	if (from->first == NULL)
		return;
	if (to->last != NULL)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->count += from->count;
}

static const char *first_message(struct arena *arena, const struct sieve_errors *errors)
{
	const struct sieve_error *e = errors->first;
	while (e != NULL && e->is_warning)
		e = e->next;
	return e == NULL ? "it failed"
	                 : arena_textf(arena, "%s:%u:%u: error: %s", e->script, e->line, e->column,
	                       e->message);
}

/* What this run leaves for later ones: nothing, of a rehearsal. */
static bool leaves_trace(const struct script *script)
{
	return script->delivery->rehearsal == NULL && !script->wanted->is_global;
}

static void tell(
    const struct script *script, const struct explain *explain, const struct sieve_errors *errors)
{
	const struct pipeline_rehearsal *rehearsal = script->delivery->rehearsal;
	if (rehearsal != NULL)
		rehearsal->ran(
		    rehearsal->context, script->wanted->path, script->version, explain, errors);
}

/* The script is in error: the message is kept, whatever else was asked for. */
static enum script_end keep(
    const struct script *script, const struct sieve_errors *errors, const char *outcome)
{
	struct delivery *delivery = script->delivery;
	delivery_note(delivery, "%s; %s", first_message(delivery->arena, errors), outcome);
	script_log_errors(
	    delivery, script->wanted->path, !script->wanted->is_global, script->version, errors);
	delivery->implicit_keep = true;
	return SCRIPT_END_LAST;
}

/* What a script has made of the message is what the next one sees. */
static enum script_end take_over(const struct script *script, struct sieve_result *result)
{
	struct delivery *delivery = script->delivery;
	struct script_runner *runner = script->runner;
	const struct message *current = runner->message;
	for (struct action *action = result->actions.first; action != NULL; action = action->next) {
		if (action->message == NULL)
			action->message = current;
	}
	if (result->keep.message == NULL)
		result->keep.message = current;
	runner->message = result->keep.message;
	sieve_chain_add(&runner->chain, script->version->script, result);
	sieve_chain_keep(&runner->chain, &result->keep);
	action_drop_keeps(&delivery->actions);
	append_actions(&delivery->actions, &result->actions);
	delivery->implicit_keep = result->implicit_keep;
	delivery->keep = result->keep;
	return result->implicit_keep || action_has_keep(&result->actions) ? SCRIPT_END_NEXT
	                                                                  : SCRIPT_END_LAST;
}

static enum script_end fail(const struct script *script, const struct sieve_result *result)
{
	struct delivery *delivery = script->delivery;
	/* That the delivery as a whole took too long is not the script's fault. */
	if (result->is_over_budget && leaves_trace(script) &&
	    delivery->settings->sieve.max_overruns > 0 &&
	    clock_left_ms(delivery->call->deadline_ms) > 0)
		script_keep_overrun(delivery, script->wanted->path, script->version);
	return keep(script, &result->errors, "its actions are dropped, the message is kept");
}

/* Whether a script that ran before sends an answer. */
static bool is_answered(const struct delivery *delivery)
{
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind == ACTION_SEND && action->letter != NULL &&
		    action->letter->withheld == NULL &&
		    span_is(span_of(action->letter->name), "vacation"))
			return true;
	}
	return false;
}

/* How the user is called outside, or null: nobody says, or what cannot be an address. */
static const struct address *find_user_email(const struct delivery *delivery)
{
	const struct user *user = &delivery->user;
	const char *setting = delivery->settings->sieve.user_email;
	struct address *address = ARENA_NEW(delivery->arena, struct address);
	struct span text = user_field(user, "email");
	struct status status;
	const char *why;
	if (text.data == NULL && setting[0] != '\0' &&
	    expand(delivery->arena, "sieve.user_email", setting, user, &setting, &status))
		text = span_of(setting);
	if (text.data == NULL && span_find(user->name, '@') < user->name.len)
		text = user->name;
	return text.data != NULL && address_parse_unquoted(delivery->arena, text, address, &why)
	           ? address
	           : NULL;
}

static enum sieve_end run_told(
    const struct script *script, const struct sieve_input *input, struct sieve_result *result)
{
	struct delivery *delivery = script->delivery;
	struct explain explain;
	struct sieve_trace trace = {&explain, explain_tell};
	if (!story_is_wanted(delivery) && delivery->rehearsal == NULL)
		return sieve_run(delivery->arena, script->version->script, input, result);
	explain_init(&explain, delivery->arena);
	struct sieve_input told = *input;
	told.trace = &trace;
	enum sieve_end end = sieve_run(delivery->arena, script->version->script, &told, result);
	explain_finish(&explain);
	if (delivery->rehearsal == NULL)
		story_add_script(delivery, script->wanted->path, &explain);
	else
		tell(script, &explain, &result->errors);
	return end;
}

static enum script_end run(const struct script *script, struct status *status)
{
	struct delivery *delivery = script->delivery;
	struct sieve_result result = {0};
	struct sieve_questions questions = {.delivery = delivery,
	    .seen = script->runner->seen,
	    .wanted = script->wanted,
	    .started_us = sieve_host_cpu_us()};
	struct sieve_host host = sieve_host_of(&questions);
	size_t seen_before = seen_count(delivery);
	const struct message *current = script->runner->message;
	struct sieve_input input = {.message = current != NULL ? current : &delivery->message,
	    .top_bytes = delivery->top_bytes,
	    .envelope = delivery->envelope,
	    .recipient = &delivery->recipient->envelope,
	    .recipient_delimiter = delivery->settings->recipient_delimiter,
	    .user_email = find_user_email(delivery),
	    .chain_flags = script->runner->chain.flags,
	    .is_answered = is_answered(delivery),
	    .now = clock_now(),
	    .host = &host};
	switch (run_told(script, &input, &result)) {
	case SIEVE_DONE:
		if (delivery->settings->sieve.last_good && leaves_trace(script))
			script_keep_good(delivery, script->wanted->path, script->version);
		return take_over(script, &result);
	case SIEVE_FAILED:
		seen_forget(delivery, seen_before);
		return fail(script, &result);
	case SIEVE_CANNOT_RUN:
		break;
	}
	*status = questions.trouble;
	if (status->detail[0] == '\0')
		status_fail(status, CAUSE_CANNOT_TELL, "script %s: %s", script->wanted->path,
		    first_message(delivery->arena, &result.errors));
	return SCRIPT_END_TROUBLE;
}

static enum script_end run_last_good(struct script *script, struct status *status)
{
	struct delivery *delivery = script->delivery;
	const struct script_version *good =
	    delivery->settings->sieve.last_good && !script->wanted->is_global
	        ? script_keep_load(delivery, script->runner->rules, script->wanted)
	        : NULL;
	if (good == NULL)
		return keep(
		    script, &script->version->errors, "the script is not run, the message is kept");
	keep(script, &script->version->errors, "the last good version is run");
	script->version = good;
	return run(script, status);
}

/* One that goes over its budget again and again would cost the site that much for each message. */
static bool is_given_up(const struct script *script)
{
	struct delivery *delivery = script->delivery;
	uint64_t max = delivery->settings->sieve.max_overruns;
	if (max == 0 || script->wanted->is_global ||
	    script_keep_overruns(delivery, script->wanted->path, script->version) < max)
		return false;
	delivery_note(delivery,
	    "%s: over its budget again and again; it is not run for an hour or until it is "
	    "changed, the message is kept",
	    script->wanted->path);
	delivery->implicit_keep = true;
	return true;
}

enum script_end script_run(struct script_runner *runner, struct delivery *delivery,
    const struct script_wanted *wanted, enum script_answer answer,
    const struct script_version *version, struct status *status)
{
	struct script script = {runner, delivery, wanted, version};
	if (answer == SCRIPT_BROKEN) {
		tell(&script, NULL, NULL);
		return run_last_good(&script, status);
	}
	if (is_given_up(&script))
		return SCRIPT_END_LAST;
	return run(&script, status);
}
