/* cmd_run.c - sieve-lite run [options] [SCRIPT] MESSAGE: what would happen, and why. A dry run:
 * nothing is stored or sent. Without a configuration no mailbox is looked at; with one,
 * cmd_run_user.c goes a delivery's way. */
#include "sieve-lite/cmd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "deliver/settings.h"
#include "sieve-lite/action_text.h"
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
	const char *config;
	const char *sender;
	const char *recipient;
	const char *original;
	bool is_json;
	bool is_quiet;      /* what would happen, not why */
	const char *script; /* null: all of the user's */
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

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* -- The command line -------------------------------------------------------------------------- */

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
	    {"json", no_argument, NULL, 'j'}, {"quiet", no_argument, NULL, 'q'}, {0}};
	int letter;
	while ((letter = getopt_long(argc, argv, "d:c:f:r:a:", names, NULL)) != -1) {
		switch (letter) {
		case 'd':
			options->user = optarg;
			break;
		case 'c':
			options->config = optarg;
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
		case 'q':
			options->is_quiet = true;
			break;
		default:
			return false;
		}
	}
	if (argc - optind != 1 && argc - optind != 2)
		return false;
	options->script = argc - optind == 2 ? argv[optind] : NULL;
	options->message = argv[argc - 1];
	return options->script == NULL || !is_stdin(options->script) || !is_stdin(options->message);
}

/* Is there a user to ask, or only a script? */
static bool is_for_user(const struct options *options)
{
	return options->config != NULL || options->script == NULL ||
	       (options->user != NULL && access(LADLE_CONFIG_FILE, F_OK) == 0);
}

/* -- The message and its envelope -------------------------------------------------------------- */

static bool read_script(struct session *session)
{
	const char *path = session->options.script;
	if (path == NULL)
		return true;
	int result = is_stdin(path)
	                 ? file_read_all(STDIN_FILENO, LIMIT_SCRIPT_BYTES, &session->source)
	                 : file_read_path(path, LIMIT_SCRIPT_BYTES, &session->source, NULL);
	return result == 0 || complain(path, strerror(errno));
}

static bool read_message(struct session *session)
{
	const char *path = session->options.message;
	struct status status;
	int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path, strerror(errno));
	bool is_read = mail_file_read(session->arena, fd, &session->mail, &status);
	if (!is_stdin(path))
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
	    .finds_warnings = !session->options.is_quiet,
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
	    .trace = session->options.is_quiet ? NULL : &trace,
	};
	explain_init(&session->explain, session->arena);
	session->end = sieve_run(session->arena, script, &input, &session->result);
	explain_finish(&session->explain);
}

/* -- For people -------------------------------------------------------------------------------- */

static void print_text(const struct session *session, struct bytes *to)
{
	const struct sieve_result *result = &session->result;
	bool has_colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	if (!session->options.is_quiet) {
		bytes_appendf(to, "%s\n", session->options.script);
		explain_print(&session->explain, has_colours, to);
	}
	for (const struct sieve_error *e = result->errors.first; e != NULL; e = e->next)
		report_error(to, e, session->options.script, bytes_span(&session->source));
	bytes_append_text(to, session->options.is_quiet ? "Actions:\n" : "\nActions:\n");
	if (session->end != SIEVE_DONE) {
		bytes_append_text(to, session->end == SIEVE_FAILED
		                          ? "  keep (the script failed: what it did is dropped)\n"
		                          : "  none yet (this would be tried again later)\n");
		return;
	}
	const struct action_teller teller = {session->arena, &session->mail.message};
	const struct action *action = result->actions.first;
	for (; action != NULL; action = action->next)
		action_print(&teller, action, SPAN(""), to);
	if (result->implicit_keep)
		action_print(&teller, &result->keep, SPAN(""), to);
}

/* -- For programs ------------------------------------------------------------------------------ */

static void print_json(const struct session *session, bool is_compiled, struct bytes *to)
{
	static const char *const ends[] = {
	    [SIEVE_DONE] = "done", [SIEVE_FAILED] = "failed", [SIEVE_CANNOT_RUN] = "later"};
	const struct sieve_result *result = &session->result;
	bytes_append_byte(to, '{');
	bytes_appendf(
	    to, "\"end\":\"%s\",\"errors\":", is_compiled ? ends[session->end] : "broken");
	report_json(to, is_compiled ? &result->errors : &session->compile_errors);
	if (is_compiled) {
		const struct action_teller teller = {session->arena, &session->mail.message};
		const struct action *first = result->actions.first;
		bytes_append_text(to, ",\"trace\":");
		explain_print_json(&session->explain, to);
		bytes_append_text(to, ",\"actions\":[");
		for (const struct action *action = first; action != NULL; action = action->next) {
			bytes_append_text(to, action != first ? "," : "");
			action_print_json(&teller, action, SPAN(""), to);
		}
		if (result->implicit_keep) {
			bytes_append_text(to, first != NULL ? "," : "");
			action_print_json(&teller, &result->keep, SPAN(""), to);
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
	if (!read_script(session) || !read_message(session) || !take_envelope(session))
		return CMD_TROUBLE;
	if (is_for_user(options))
		return cmd_run_user(&(struct run_request){.arena = session->arena,
		    .config = options->config,
		    .user = options->user,
		    .script_path = options->script,
		    .script = bytes_span(&session->source),
		    .mail = &session->mail,
		    .is_json = options->is_json});
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
		fputs("usage: sieve-lite run [-d user] [-c config] [-f sender] [-r recipient]\n"
		      "                      [-a original] [--json] [--quiet] [SCRIPT] MESSAGE\n",
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
