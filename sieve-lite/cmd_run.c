/* cmd_run.c - sieve-lite run [options] SCRIPT MESSAGE: what would happen, and why. A dry run:
 * nothing is stored or sent, no mailbox is looked at. */
#include "sieve-lite/cmd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "sieve-lite/explain.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/mail_file.h"
#include "sieve-lite/report.h"
#include "sieve-lite/script_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	const char *user;
	const char *sender;
	const char *recipient;
	const char *original;
	bool is_json;
	const char *script;
	const char *message;
};

struct session {
	struct options options;
	struct arena *arena;
	struct bytes source;
	struct mail_file mail;
	struct explain explain;
	struct sieve_errors compile_errors;
	struct sieve_result result;
	enum sieve_end end;
};

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "sieve-lite: %s: %s\n", what, why);
	return false;
}

/* -- The command line -------------------------------------------------------------------------- */

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {{"json", no_argument, NULL, 'j'}, {0}};
	int letter;
	while ((letter = getopt_long(argc, argv, "d:f:r:a:", names, NULL)) != -1) {
		switch (letter) {
		case 'd':
			options->user = optarg;
			break;
		case 'f':
			options->sender = optarg;
			break;
		case 'r':
			options->recipient = optarg;
			break;
		case 'a':
			options->original = optarg;
			break;
		case 'j':
			options->is_json = true;
			break;
		default:
			return false;
		}
	}
	if (argc - optind != 2)
		return false;
	options->script = argv[optind];
	options->message = argv[optind + 1];
	return true;
}

/* -- The message and its envelope -------------------------------------------------------------- */

static bool read_message(struct session *session)
{
	const char *path = session->options.message;
	bool is_stdin = strcmp(path, "-") == 0;
	struct status status;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path, strerror(errno));
	bool is_read = mail_file_read(session->arena, fd, &session->mail, &status);
	if (!is_stdin)
		close(fd);
	return is_read || complain(path, status.detail);
}

static bool take_address(
    struct session *session, const char *what, const char *text, struct address *address_out)
{
	const char *why;
	struct span given = span_of(address_is_null_sender(span_of(text)) ? "" : text);
	return address_parse(session->arena, given, address_out, &why) || complain(what, why);
}

/* What an option says counts more than the top of the message. */
static bool take_envelope(struct session *session)
{
	const struct options *options = &session->options;
	struct mail_file *mail = &session->mail;
	const char *recipient = options->recipient != NULL ? options->recipient : options->user;
	return (options->sender == NULL ||
	           take_address(session, "-f", options->sender, &mail->envelope.sender)) &&
	       (recipient == NULL ||
	           take_address(session, "-r", recipient, &mail->recipient.address)) &&
	       (options->original == NULL ||
	           take_address(session, "-a", options->original, &mail->recipient.original));
}

/* -- Running ----------------------------------------------------------------------------------- */

/* Null: it has errors, which are told. */
static const struct sieve_script *compile(struct session *session)
{
	struct bytes report = {0};
	const char *directory = script_dirs_of(session->arena, session->options.script);
	struct script_dirs dirs = {directory, directory};
	const struct sieve_compile_options options = {.name = session->options.script,
	    .abilities = SIEVE_CAN_EVERYTHING,
	    .load_context = &dirs,
	    .load = script_dirs_load};
	const struct sieve_script *script = sieve_compile(
	    session->arena, bytes_span(&session->source), &options, &session->compile_errors);
	const struct sieve_error *error = session->compile_errors.first;
	for (; error != NULL; error = error->next)
		report_error(&report, error, session->options.script, bytes_span(&session->source));
	if (report.len > 0)
		fwrite(report.data, 1, report.len, stderr);
	bytes_clear(&report);
	return script;
}

static void log_text(void *context, const char *script, unsigned line, struct span text)
{
	(void)context;
	fprintf(stderr, "%s:%u: debug: %.*s\n", script, line, (int)text.len, text.data);
}

static void run_script_once(struct session *session, const struct sieve_script *script)
{
	const struct sieve_host host = {.log = log_text};
	const struct sieve_trace trace = {&session->explain, explain_tell};
	const struct sieve_input input = {
	    .message = &session->mail.message,
	    .envelope = &session->mail.envelope,
	    .recipient = &session->mail.recipient,
	    .recipient_delimiter = "+",
	    .now = clock_now(),
	    .host = &host,
	    .trace = &trace,
	};
	explain_init(&session->explain, session->arena);
	session->end = sieve_run(session->arena, script, &input, &session->result);
	explain_finish(&session->explain);
}

/* -- For people -------------------------------------------------------------------------------- */

/* Whom a letter goes to, or why to nobody. */
static void print_letter(const struct action_letter *letter, struct bytes *to)
{
	for (size_t i = 0; i < letter->recipient_count; i++) {
		bytes_append_byte(to, ' ');
		explain_quote(to, letter->recipients[i]);
	}
	if (letter->withheld != NULL)
		bytes_appendf(to, ", not sent: %s", letter->withheld);
	else if (letter->sender.len == 0)
		bytes_append_text(to, ", without a sender");
	else
		bytes_appendf(to, ", from %.*s", (int)letter->sender.len, letter->sender.data);
}

/* All of what was composed. It is in memory. */
static struct span composed(const struct session *session, const struct message *message)
{
	struct status status;
	size_t got = 0;
	char *data = arena_new_items(session->arena, (size_t)message->size_bytes + 1, 1);
	message_read(message, 0, data, (size_t)message->size_bytes, &got, &status);
	return (struct span){data, got};
}

/* A bar before each line; what could do harm to a terminal is "?". */
static void print_composed(struct span rest, struct bytes *to)
{
	struct span line;
	while (span_next_line(&rest, &line)) {
		bytes_append_text(to, line.len > 0 ? "    | " : "    |");
		for (size_t i = 0; i < line.len; i++) {
			unsigned char byte = (unsigned char)line.data[i];
			bool is_control = (byte < ' ' && byte != '\t') || byte == 0x7F;
			bytes_append_byte(to, is_control ? '?' : line.data[i]);
		}
		bytes_append_byte(to, '\n');
	}
}

static void print_action(
    const struct session *session, const struct action *action, struct bytes *to)
{
	bool is_sent = action->kind == ACTION_SEND;
	const struct span objects[] = {
	    action->folder, action->special_use, action->address, action->text};
	bytes_appendf(to, "  %s", action_name(action));
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		if (objects[i].len == 0)
			continue;
		bytes_append_byte(to, ' ');
		explain_quote(to, objects[i]);
	}
	if (action->may_create)
		bytes_append_text(to, ", made where missing");
	for (size_t i = 0; i < action->flag_count; i++)
		bytes_appendf(to, "%s%.*s", i == 0 ? ", flags " : " ", (int)action->flags[i].len,
		    action->flags[i].data);
	if (is_sent)
		print_letter(action->letter, to);
	else if (action->letter != NULL)
		bytes_appendf(to, ", a copy of what %s sends", action->letter->name);
	else if (action->message != NULL && action->message != &session->mail.message)
		bytes_append_text(to, ", as the script changed the message");
	if (action->is_implicit)
		bytes_append_text(to, " (implicit: nothing cancelled it)");
	else
		bytes_appendf(to, "  (%s:%u)", action->origin.script, action->origin.line);
	bytes_append_byte(to, '\n');
	if (is_sent && action->message != NULL)
		print_composed(composed(session, action->message), to);
}

static void print_text(const struct session *session, struct bytes *to)
{
	const struct sieve_result *result = &session->result;
	bool has_colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	bytes_appendf(to, "%s\n", session->options.script);
	explain_print(&session->explain, has_colours, to);
	for (const struct sieve_error *e = result->errors.first; e != NULL; e = e->next)
		report_error(to, e, session->options.script, bytes_span(&session->source));
	bytes_append_text(to, "\nActions:\n");
	if (session->end != SIEVE_DONE) {
		bytes_append_text(to, session->end == SIEVE_FAILED
		                          ? "  keep (the script failed: what it did is dropped)\n"
		                          : "  none yet (this would be tried again later)\n");
		return;
	}
	const struct action *action = result->actions.first;
	for (; action != NULL; action = action->next)
		print_action(session, action, to);
	if (result->implicit_keep)
		print_action(session, &result->keep, to);
}

/* -- For programs ------------------------------------------------------------------------------ */

static void json_field(struct bytes *to, const char *name, struct span value)
{
	bytes_appendf(to, "\"%s\":", name);
	json_append_string(to, value);
}

static void json_optional(struct bytes *to, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	bytes_append_byte(to, ',');
	json_field(to, name, value);
}

static void json_letter(
    const struct session *session, const struct action *action, struct bytes *to)
{
	const struct action_letter *letter = action->letter;
	bytes_append_byte(to, ',');
	json_field(to, "sender", letter->sender);
	bytes_append_text(to, ",\"recipients\":[");
	for (size_t i = 0; i < letter->recipient_count; i++) {
		bytes_append_text(to, i > 0 ? "," : "");
		json_append_string(to, letter->recipients[i]);
	}
	bytes_append_byte(to, ']');
	json_optional(to, "not_sent", span_of(letter->withheld));
	if (action->message != NULL)
		json_optional(to, "message", composed(session, action->message));
}

static void json_action(
    const struct session *session, const struct action *action, struct bytes *to)
{
	bytes_append_byte(to, '{');
	json_field(to, "action", span_of(action_name(action)));
	bytes_appendf(to, ",\"implicit\":%s", action->is_implicit ? "true" : "false");
	json_optional(to, "folder", action->folder);
	json_optional(to, "special_use", action->special_use);
	json_optional(to, "address", action->address);
	json_optional(to, "text", action->text);
	if (action->kind == ACTION_SEND)
		json_letter(session, action, to);
	else if (action->letter != NULL)
		json_optional(to, "copy_of", span_of(action->letter->name));
	bytes_append_text(to, ",\"flags\":[");
	for (size_t i = 0; i < action->flag_count; i++) {
		bytes_append_text(to, i > 0 ? "," : "");
		json_append_string(to, action->flags[i]);
	}
	bytes_append_byte(to, ']');
	if (!action->is_implicit) {
		bytes_append_byte(to, ',');
		json_field(to, "script", span_of(action->origin.script));
		bytes_appendf(
		    to, ",\"line\":%u,\"column\":%u", action->origin.line, action->origin.column);
	}
	bytes_append_byte(to, '}');
}

static void print_json(const struct session *session, bool is_compiled, struct bytes *to)
{
	static const char *const ends[] = {
	    [SIEVE_DONE] = "done", [SIEVE_FAILED] = "failed", [SIEVE_CANNOT_RUN] = "later"};
	const struct sieve_result *result = &session->result;
	bytes_append_byte(to, '{');
	json_field(to, "end", span_of(is_compiled ? ends[session->end] : "broken"));
	bytes_append_byte(to, ',');
	bytes_append_text(to, "\"errors\":");
	report_json(to, is_compiled ? &result->errors : &session->compile_errors);
	if (is_compiled) {
		const struct action *first = result->actions.first;
		bytes_append_text(to, ",\"trace\":");
		explain_print_json(&session->explain, to);
		bytes_append_text(to, ",\"actions\":[");
		for (const struct action *action = first; action != NULL; action = action->next) {
			bytes_append_text(to, action != first ? "," : "");
			json_action(session, action, to);
		}
		if (result->implicit_keep) {
			bytes_append_text(to, first != NULL ? "," : "");
			json_action(session, &result->keep, to);
		}
		bytes_append_byte(to, ']');
	}
	bytes_append_text(to, "}\n");
}

/* -- All of it --------------------------------------------------------------------------------- */

static int run(struct session *session)
{
	const struct options *options = &session->options;
	struct bytes text = {0};
	if (file_read_path(options->script, LIMIT_SCRIPT_BYTES, &session->source, NULL) != 0) {
		complain(options->script, strerror(errno));
		return CMD_TROUBLE;
	}
	if (!read_message(session) || !take_envelope(session))
		return CMD_TROUBLE;
	const struct sieve_script *script = compile(session);
	if (script != NULL)
		run_script_once(session, script);
	if (options->is_json)
		print_json(session, script != NULL, &text);
	else if (script != NULL)
		print_text(session, &text);
	if (text.len > 0)
		fwrite(text.data, 1, text.len, stdout);
	bytes_clear(&text);
	return script != NULL && session->end == SIEVE_DONE ? CMD_OK : CMD_BAD;
}

int cmd_run(int argc, char **argv)
{
	struct session session = {.end = SIEVE_DONE};
	if (!read_options(argc, argv, &session.options)) {
		fputs("usage: sieve-lite run [-d user] [-f sender] [-r recipient] [-a original]\n"
		      "                      [--json] SCRIPT MESSAGE\n",
		    stderr);
		return CMD_TROUBLE;
	}
	session.arena = arena_new();
	int result = run(&session);
	mail_file_free(&session.mail);
	bytes_clear(&session.source);
	arena_free(&session.arena);
	return result;
}
