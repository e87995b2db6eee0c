/* cmd_run_user.c - sieve-lite run for a user of the configuration: who it is, which scripts and
 * what they may ask is what a delivery's pipeline says, and nothing is left behind. */
#include "sieve-lite/cmd.h"

#include "base/clock.h"
#include "base/json.h"
#include "deliver/delivery.h"
#include "deliver/pipeline_errands.h"
#include "deliver/script_cache.h"
#include "sieve-lite/action_text.h"
#include "sieve-lite/explain.h"
#include "sieve-lite/report.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct teller {
	const struct run_request *request;
	bool has_colours;
	unsigned script_count;
	bool has_errors;
	struct bytes scripts; /* what each one did; for programs JSON objects with commas */
	struct bytes end;
};

static struct span source_of(const struct script_version *version, const char *name)
{
	for (const struct script_file *file = version->files; file != NULL; file = file->next) {
		if (strcmp(file->name, name) == 0)
			return file->text;
	}
	return SPAN("");
}

/* -- while it runs ----------------------------------------------------------------------------- */

static void ran_json(struct teller *teller, const char *path, const struct explain *explain,
    const struct sieve_errors *errors)
{
	struct bytes *to = &teller->scripts;
	bytes_append_text(to, teller->script_count > 1 ? ",{\"script\":" : "{\"script\":");
	json_append_string(to, span_of(path));
	bytes_append_text(to, ",\"errors\":");
	report_json(to, errors);
	bytes_append_text(to, ",\"trace\":");
	if (explain != NULL)
		explain_print_json(explain, to);
	else
		bytes_append_text(to, "[]");
	bytes_append_byte(to, '}');
}

static void ran(void *context, const char *path, const struct script_version *version,
    const struct explain *explain, const struct sieve_errors *errors)
{
	struct teller *teller = context;
	struct bytes *to = &teller->scripts;
	if (errors == NULL)
		errors = &version->errors;
	teller->script_count++;
	teller->has_errors = teller->has_errors || errors->error_count > 0;
	if (teller->request->is_json) {
		ran_json(teller, path, explain, errors);
		return;
	}
	bytes_appendf(to, "%s\n", path);
	if (explain != NULL)
		explain_print(explain, teller->has_colours, to);
	for (const struct sieve_error *e = errors->first; e != NULL; e = e->next)
		report_error(to, e, e->script, source_of(version, e->script));
	bytes_append_byte(to, '\n');
}

static void wrote(void *context, struct span text)
{
	(void)context;
	fprintf(stderr, "debug: %.*s\n", (int)text.len, text.data);
}

/* -- at the end -------------------------------------------------------------------------------- */

/* Where the action's copy would be; empty: it has none of its own. */
static struct span stored_in(const struct delivery *delivery, const struct action *action)
{
	for (size_t i = 0; i < delivery->copy_count; i++) {
		const struct delivery_copy *copy = &delivery->copies[i];
		if (copy->action == action)
			return store_folder_shown(delivery->arena, delivery->store, copy->folder);
	}
	return SPAN("");
}

static void decided_json(
    struct teller *teller, const struct delivery *delivery, const struct status *status)
{
	const struct action_teller to_tell = {delivery->arena, &delivery->message};
	struct bytes *to = &teller->end;
	const struct action *first = delivery->actions.first;
	bytes_append_text(to, ",\"user\":");
	json_append_string(to, delivery->user.name);
	bytes_append_text(to, ",\"actions\":[");
	for (const struct action *action = first; action != NULL; action = action->next) {
		bytes_append_text(to, action != first ? "," : "");
		action_print_json(&to_tell, action, stored_in(delivery, action), to);
	}
	bytes_append_byte(to, ']');
	if (delivery->note != NULL) {
		bytes_append_text(to, ",\"note\":");
		json_append_string(to, span_of(delivery->note));
	}
	if (!status_is_success(status)) {
		bytes_append_text(to, ",\"refusal\":");
		json_append_string(to, span_of(status->text));
	}
}

static void decided(void *context, const struct delivery *delivery, const struct status *status)
{
	struct teller *teller = context;
	const struct action_teller to_tell = {delivery->arena, &delivery->message};
	struct bytes *to = &teller->end;
	if (teller->request->is_json) {
		decided_json(teller, delivery, status);
		return;
	}
	bytes_append_text(to, teller->script_count == 0 ? "no script\n\nActions:\n" : "Actions:\n");
	const struct action *action = delivery->actions.first;
	for (; action != NULL; action = action->next)
		action_print(&to_tell, action, stored_in(delivery, action), to);
	if (delivery->note != NULL)
		bytes_appendf(to, "Note: %s\n", delivery->note);
	if (!status_is_success(status))
		bytes_appendf(to, "The sender is told: %d %s %s\n", status_reply(status),
		    status_enhanced(status), status->text);
}

static void print(struct teller *teller, bool is_good)
{
	struct bytes text = {0};
	if (teller->request->is_json) {
		bytes_appendf(&text, "{\"end\":\"%s\",\"scripts\":[", is_good ? "done" : "later");
		bytes_append_span(&text, bytes_span(&teller->scripts));
		bytes_append_byte(&text, ']');
		bytes_append_span(&text, bytes_span(&teller->end));
		bytes_append_text(&text, "}\n");
	} else {
		bytes_append_span(&text, bytes_span(&teller->scripts));
		bytes_append_span(&text, bytes_span(&teller->end));
	}
	if (text.len > 0)
		fwrite(text.data, 1, text.len, stdout);
	bytes_clear(&text);
}

/* -- all of it --------------------------------------------------------------------------------- */

static int complain(const struct status *status)
{
	fprintf(
	    stderr, "sieve-lite: %s\n", status->detail[0] != '\0' ? status->detail : status->text);
	return CMD_TROUBLE;
}

/* As `deliver -d` has it: without an address the recipient is called like the user. */
static struct pipeline_recipient recipient_of(const struct run_request *request)
{
	const struct passwd *account = request->user == NULL ? getpwuid(geteuid()) : NULL;
	const char *name = request->user != NULL ? request->user
	                   : account != NULL     ? account->pw_name
	                                         : "";
	struct pipeline_recipient recipient = {
	    .envelope = request->mail->recipient,
	    .user_name = arena_span(request->arena, span_of(name)),
	    .is_self = request->user == NULL,
	};
	struct address *address = &recipient.envelope.address;
	if (address->text.len == 0 &&
	    !address_parse_unquoted(request->arena, recipient.user_name, address, NULL))
		*address = (struct address){recipient.user_name, recipient.user_name, SPAN("")};
	return recipient;
}

static int rehearse(struct teller *teller, const struct settings *settings)
{
	const struct run_request *request = teller->request;
	struct pipeline_recipient recipient = recipient_of(request);
	struct pipeline_call call = {.front = "sieve-lite",
	    .id = "run",
	    .deadline_ms = clock_monotonic_ms() + (int64_t)settings->delivery_timeout_s * 1000};
	struct pipeline_rehearsal rehearsal = {.script_path = request->script_path,
	    .script_text = request->script,
	    .ran = ran,
	    .wrote = wrote,
	    .decided = decided,
	    .context = teller};
	struct status status;
	struct pipeline *pipeline = pipeline_open(settings, &status);
	if (pipeline == NULL)
		return complain(&status);
	bool is_good = pipeline_rehearse(pipeline, &call, &request->mail->envelope,
	    request->mail->spool, &recipient, &rehearsal, &status);
	pipeline_close(&pipeline);
	print(teller, is_good);
	if (!is_good)
		return complain(&status);
	return teller->has_errors ? CMD_BAD : CMD_OK;
}

int cmd_run_user(const struct run_request *request)
{
	struct teller teller = {
	    .request = request, .has_colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL};
	struct status status;
	struct settings *settings = settings_load(request->config, &status);
	if (settings == NULL)
		return complain(&status);
	/* Its file might be made here, by somebody whose file it must not be. */
	settings->record.target = "none";
	int result = rehearse(&teller, settings);
	settings_free(&settings);
	bytes_clear(&teller.scripts);
	bytes_clear(&teller.end);
	return result;
}
