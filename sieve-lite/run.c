/* run.c - walks the checked tree.
 *
 * Nothing is done here: commands add to the list of actions, and the caller does those or not.
 * Every loop of a script and every comparison spends steps, so that no script and no message
 * can hold a delivery. Knows no command by name. */
#include "sieve-lite/run.h"

#include "sieve-lite/problems.h"

#include <stdarg.h>
#include <string.h>

#define BYTES_PER_STEP 64

void run_fail(struct run *run, const char *format, ...)
{
	if (run->unwind == UNWIND_FAILED || run->unwind == UNWIND_CANNOT_TELL)
		return;
	struct problems problems = {run->arena, run->script->name, &run->result->errors};
	struct place at = run->node != NULL ? run->node->at : (struct place){1, 1};
	struct bytes text = {0};
	va_list args;
	va_start(args, format);
	bytes_appendv(&text, format, args);
	va_end(args);
	problem_error(&problems, at, "%s", bytes_terminate(&text));
	bytes_clear(&text);
	run->unwind = UNWIND_FAILED;
}

void run_cannot_tell(struct run *run, const char *what)
{
	run_fail(run, "cannot tell %s at the moment", what);
	run->unwind = UNWIND_CANNOT_TELL;
}

bool run_answer(struct run *run, enum sieve_answer answer, const char *what)
{
	if (answer == SIEVE_CANNOT_TELL)
		run_cannot_tell(run, what);
	return answer == SIEVE_YES;
}

static void fail_over_budget(struct run *run, const char *what)
{
	run_fail(run, "this script %s", what);
	run->result->is_over_budget = true;
}

void run_spend(struct run *run, uint64_t steps)
{
	const struct sieve_host *host = run->input->host;
	run->steps += steps;
	if (run->steps > run->script->options->max_steps) {
		fail_over_budget(run, "takes too many steps");
		return;
	}
	if (run->steps < run->steps_until_clock || host == NULL || host->is_out_of_time == NULL)
		return;
	run->steps_until_clock = run->steps + LIMIT_STEPS_BETWEEN_CLOCKS;
	if (host->is_out_of_time(host->context) != SIEVE_NO)
		fail_over_budget(run, "exceeded its CPU time limit");
}

void run_spend_bytes(struct run *run, uint64_t bytes)
{
	run->taken_bytes += bytes;
	run_spend(run, bytes / BYTES_PER_STEP);
	if (run->taken_bytes > LIMIT_RUN_BYTES)
		fail_over_budget(run, "takes too much memory");
}

static void tell(struct run *run, const struct node *node, enum sieve_trace_kind kind, bool result)
{
	const struct sieve_trace_event event = {
	    .kind = kind,
	    .script = run->script->name,
	    .line = node->at.line,
	    .column = node->at.column,
	    .depth = run->depth,
	    .name = node->command->name,
	    .result = result,
	};
	run->input->trace->tell(run->input->trace->context, &event);
}

/* The start of a long value: the trace may keep what it is told, and not every value stays as long
 * as the run. A value is told again for each key. */
static struct span value_to_tell(struct run *run, struct span value)
{
	if (value.len <= LIMIT_TOLD_BYTES)
		return value;
	value = span_first(value, LIMIT_TOLD_BYTES);
	if (!span_equals(run->told_value, value))
		run->told_value = arena_span(run->arena, value);
	return run->told_value;
}

void run_tell_value(
    struct run *run, struct span source, struct span value, struct span key, bool result)
{
	if (run->input->trace == NULL)
		return;
	const struct matching *how = run->node->matching;
	const struct sieve_trace_event event = {
	    .kind = SIEVE_TRACE_VALUE,
	    .script = run->script->name,
	    .line = run->node->at.line,
	    .column = run->node->at.column,
	    .depth = run->depth,
	    .name = how != NULL ? how->type->name : run->node->command->name,
	    .source = source,
	    .value = value_to_tell(run, value),
	    .key = key,
	    .result = result,
	};
	run->input->trace->tell(run->input->trace->context, &event);
}

void run_commands(struct run *run, const struct node *first)
{
	run->depth++;
	for (const struct node *node = first; node != NULL && run->unwind == UNWIND_NONE;
	     node = node->next) {
		if (node->command->run == NULL)
			continue;
		run->node = node;
		run_spend(run, 1);
		if (run->input->trace != NULL)
			tell(run, node, SIEVE_TRACE_COMMAND, true);
		node->command->run(run, node);
	}
	run->depth--;
}

bool run_test(struct run *run, const struct node *test)
{
	const struct node *outer = run->node;
	run->node = test;
	run->depth++;
	run_spend(run, 1);
	bool result = test->command->test(run, test);
	if (run->input->trace != NULL && run->unwind == UNWIND_NONE)
		tell(run, test, SIEVE_TRACE_TEST, result);
	run->depth--;
	run->node = outer;
	return result && run->unwind == UNWIND_NONE;
}

/* How much of `text` may be used: an expanded string has a size limit, and all of them. */
static struct span limit_text(struct run *run, struct span text)
{
	text = span_first(text, LIMIT_TEXT_BYTES);
	run_spend_bytes(run, text.len);
	return run->unwind == UNWIND_NONE ? text : SPAN("");
}

struct span run_text(struct run *run, const struct text *text)
{
	if (text->parts == NULL)
		return text->literal;
	if (text->parts->next == NULL)
		return text->parts->value(run, text->parts);
	struct bytes expanded = {0};
	for (const struct text_part *part = text->parts; part != NULL; part = part->next) {
		bytes_append_span(
		    &expanded, part->value != NULL ? part->value(run, part) : part->literal);
		if (expanded.len > LIMIT_TEXT_BYTES)
			break;
	}
	struct span value = arena_span(run->arena, limit_text(run, bytes_span(&expanded)));
	bytes_clear(&expanded);
	return value;
}

static void *state(struct run *run, void **states, const struct extension *extension, size_t size)
{
	size_t index = registry_index(extension);
	if (states[index] == NULL)
		states[index] = arena_new_items(run->arena, 1, size);
	return states[index];
}

void *run_state(struct run *run, const struct extension *extension, size_t size)
{
	return state(run, run->states, extension, size);
}

void *run_local_state(struct run *run, const struct extension *extension, size_t size)
{
	return state(run, run->local_states, extension, size);
}

const void *run_script_state(const struct run *run, const struct extension *extension)
{
	return run->script->states[registry_index(extension)];
}

void run_set_matches(
    struct run *run, struct span whole, const struct span *parts, size_t part_count)
{
	if (run->are_matches_kept)
		return;
	if (part_count > LIMIT_MATCHES)
		part_count = LIMIT_MATCHES;
	run->matches[0] = whole;
	for (size_t i = 0; i < part_count; i++)
		run->matches[i + 1] = parts[i];
	run->match_count = part_count + 1;
}

void run_log(struct run *run, const struct node *node)
{
	const struct sieve_host *host = run->input->host;
	struct span text = run_text(run, &node->positionals[0]->texts[0]);
	run_tell_value(run, SPAN("log"), text, SPAN(""), true);
	if (host != NULL && host->log != NULL)
		host->log(host->context, run->script->name, node->at.line, text);
}

void run_cancel_keep(struct run *run, const struct node *node)
{
	for (const struct argument *use = node->arguments; use != NULL; use = use->next) {
		if (use->meaning != NULL && use->meaning->leaves_keep)
			return;
	}
	run->result->implicit_keep = false;
}

static void apply_tags(struct run *run, const struct node *node, struct action *action)
{
	for (const struct argument *use = node->arguments; use != NULL; use = use->next) {
		if (use->meaning != NULL && use->meaning->apply != NULL)
			use->meaning->apply(run, use, action);
	}
}

const struct action *run_first_action(const struct run *run)
{
	const struct action *done = run->result->done;
	return done != NULL ? done->next : run->result->actions.first;
}

/* What would make a refused message a delivered one too (RFC 5429 2.4). */
static bool conflicts(const struct run *run, const struct node *node, enum action_kind kind)
{
	for (const struct action *action = run_first_action(run); action != NULL;
	     action = action->next) {
		if ((kind == ACTION_REJECT && !action->stays_beside_refusal) ||
		    (action->kind == ACTION_REJECT && !node->command->stays_beside_refusal))
			return true;
	}
	return false;
}

static struct action *add(struct run *run, const struct node *node, enum action_kind kind)
{
	if (conflicts(run, node, kind)) {
		run_fail(run,
		    "a message that is refused cannot be delivered, answered or refused again");
		return NULL;
	}
	uint64_t max = run->script->options->max_actions;
	if (max > 0 && run->result->actions.count >= max) {
		run_fail(run, "too many actions: at most %llu", (unsigned long long)max);
		return NULL;
	}
	struct action *action = action_add(run->arena, &run->result->actions, kind);
	action->stays_beside_refusal = node->command->stays_beside_refusal;
	action->origin = (struct action_origin){run->script->name, node->at.line, node->at.column};
	/* Null as long as it is the one that came. */
	action->message = run->message != run->input->message ? run->message : NULL;
	return action;
}

struct action *run_act(struct run *run, const struct node *node, enum action_kind kind)
{
	struct action *action = add(run, node, kind);
	if (action == NULL)
		return NULL;
	apply_tags(run, node, action);
	return run->unwind == UNWIND_NONE ? action : NULL;
}

static void let_features_store(struct run *run, struct action *action)
{
	for (size_t i = 0; i < registry_count(); i++) {
		if (registry_extension(i)->store != NULL)
			registry_extension(i)->store(run, action);
	}
}

/* "INBOX" in any case is the default folder's name (RFC 3501 5.1). */
static bool is_same_folder(struct span a, struct span b)
{
	bool a_is_inbox = a.len == 0 || span_is_nocase(a, "INBOX");
	bool b_is_inbox = b.len == 0 || span_is_nocase(b, "INBOX");
	return a_is_inbox || b_is_inbox ? a_is_inbox && b_is_inbox : span_equals(a, b);
}

static struct action *find_stored(struct run *run, struct span folder)
{
	for (struct action *action = run->result->actions.first; action != NULL;
	     action = action->next) {
		bool stores = action->kind == ACTION_KEEP ||
		              (action->kind == ACTION_FILEINTO && action->letter == NULL);
		if (stores && is_same_folder(action->folder, folder))
			return action;
	}
	return NULL;
}

/* Before the folder is looked for among those that are stored into already. */
struct span run_folder(struct run *run, const struct node *node, struct span folder)
{
	for (const struct argument *use = node->arguments; use != NULL; use = use->next) {
		if (use->meaning != NULL && use->meaning->redirect != NULL)
			folder = use->meaning->redirect(run, use, folder);
	}
	return folder;
}

void run_store(struct run *run, const struct node *node, struct span folder)
{
	folder = run_folder(run, node, folder);
	struct action *action = find_stored(run, folder);
	if (action == NULL) {
		action = add(run, node, folder.len > 0 ? ACTION_FILEINTO : ACTION_KEEP);
		if (action == NULL)
			return;
		action->folder = folder;
	} else if (folder.len == 0) {
		/* What was filed there becomes a keep, which the next script may undo. */
		action->kind = ACTION_KEEP;
		action->folder = folder;
	}
	/* The last one asked for says with which flags (RFC 5232 section 3). */
	action->flags = NULL;
	action->flag_count = 0;
	apply_tags(run, node, action);
	let_features_store(run, action);
}

void run_settle_keep(struct run *run)
{
	run->result->keep = (struct action){.kind = ACTION_KEEP,
	    .is_implicit = true,
	    .message = run->message != run->input->message ? run->message : NULL};
	let_features_store(run, &run->result->keep);
}

enum sieve_end sieve_run(struct arena *arena, const struct sieve_script *script,
    const struct sieve_input *input, struct sieve_result *result_out)
{
	*result_out = (struct sieve_result){.implicit_keep = true, .flags = input->chain_flags};
	return run_script(arena, script, input, result_out);
}

enum sieve_end run_script(struct arena *arena, const struct sieve_script *script,
    const struct sieve_input *input, struct sieve_result *result)
{
	struct run run = {
	    .arena = arena,
	    .script = script,
	    .input = input,
	    .result = result,
	    .message = result->keep.message != NULL ? result->keep.message : input->message,
	};
	run_commands(&run, script->first);
	run_settle_keep(&run);
	switch (run.unwind) {
	case UNWIND_FAILED:
		return SIEVE_FAILED;
	case UNWIND_CANNOT_TELL:
		return SIEVE_CANNOT_RUN;
	default:
		return SIEVE_DONE;
	}
}
