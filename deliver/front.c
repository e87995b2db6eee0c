/* front.c - one delivery from standard input, in the child that deliver's parent watches: makes
 * envelope and spool of options, environment and input, and hands them to the pipeline. */
#include "deliver/front.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "deliver/front_options.h"
#include "deliver/library.h"
#include "deliver/parent.h"
#include "deliver/pipeline.h"
#include "deliver/settings.h"
#include "mail/top_block.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

struct front {
	struct arena *arena;
	struct front_options options;
	struct settings *settings;
	struct spool *spool;
	struct envelope envelope;
	struct pipeline_recipient recipient;
	struct pipeline_call call;
};

bool front_load_settings(
    const struct front_options *options, struct settings **settings_out, struct status *status)
{
	*settings_out = settings_load(options->config_path, status);
	if (*settings_out == NULL)
		return false;
	for (size_t i = 0; i < options->override_count; i++) {
		/* Root's settings are not for whoever may choose our arguments. */
		if (getuid() == 0 && !front_options_wants_talk(options)) {
			log_write(LOG_LEVEL_WARNING, "-o is not read when started as root");
			break;
		}
		if (!settings_override(*settings_out, options->overrides[i], status))
			return false;
	}
	return true;
}

/* -- the message ----------------------------------------------------------------------------- */

static bool read_into_spool(struct front *front, int fd, struct status *status)
{
	char data[65536];
	for (;;) {
		ssize_t got = read(fd, data, sizeof(data));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN) {
			/* Whoever started us made it non-blocking; the parent has the clock. */
			poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
			continue;
		}
		if (got < 0)
			return status_errno(status, CAUSE_INTERNAL, errno, "read the message");
		if (got == 0)
			return spool_finish(front->spool, status);
		if (!spool_append(front->spool, data, (size_t)got, status))
			return false;
	}
}

static bool read_message(struct front *front, struct status *status)
{
	const char *path = front->options.message_path;
	front->spool = spool_new(front->settings->spool_directory);
	if (path == NULL)
		return read_into_spool(front, STDIN_FILENO, status);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return status_errno(status, CAUSE_USAGE, errno, "open message %s", path);
	bool is_read = read_into_spool(front, fd, status);
	close(fd);
	return is_read;
}

/* -- the envelope ---------------------------------------------------------------------------- */

static struct span without_brackets(struct span text)
{
	bool has_brackets = text.len >= 2 && text.data[0] == '<' && text.data[text.len - 1] == '>';
	return has_brackets ? span_first(span_from(text, 1), text.len - 2) : text;
}

static bool parse_address(struct front *front, const char *what, struct span text,
    struct address *address_out, struct status *status)
{
	const char *why;
	if (address_parse_unquoted(front->arena, without_brackets(text), address_out, &why))
		return true;
	return status_setf(status, CAUSE_USAGE, "%s: %s", what, why);
}

/* Who the message is for, as Delivered-To and Sieve's envelope say it. */
static struct span final_recipient(const struct front *front)
{
	const struct front_options *options = &front->options;
	if (options->recipient.data != NULL)
		return options->recipient;
	bool has_domain = span_find(options->user_name, '@') < options->user_name.len;
	if (options->original.data != NULL && !has_domain)
		return options->original;
	if (options->user_name.data != NULL)
		return options->user_name;
	if (options->login.data != NULL)
		return options->login;
	struct passwd *account = getpwuid(getuid());
	return account == NULL ? arena_spanf(front->arena, "uid-%u", (unsigned)getuid())
	                       : arena_span(front->arena, span_of(account->pw_name));
}

static bool make_envelope(struct front *front, struct status *status)
{
	const struct front_options *options = &front->options;
	struct message message;
	struct top_block block;
	if (!message_open(front->arena, front->spool, &message, status))
		return false;
	top_block_take(front->arena, &message, true, &block);

	front->envelope.sender.text = SPAN("");
	if (options->sender.data != NULL) {
		/* A sender nobody can parse came from outside: like dovecot-lda, take it as none.
		 */
		if (!parse_address(
		        front, "sender", options->sender, &front->envelope.sender, status))
			front->envelope.sender =
			    (struct address){span_of(""), span_of(""), span_of("")};
	} else if (block.has_sender) {
		front->envelope.sender = block.sender;
	}
	if (!parse_address(front, "recipient", final_recipient(front),
	        &front->recipient.envelope.address, status))
		return false;
	if (options->original.data != NULL)
		return parse_address(front, "original recipient", options->original,
		    &front->recipient.envelope.original, status);
	if (block.has_original)
		front->recipient.envelope.original = block.original;
	return true;
}

/* -- the delivery ---------------------------------------------------------------------------- */

static bool send_note(int notes_fd, const struct parent_note *note)
{
	return write(notes_fd, note, sizeof(*note)) == (ssize_t)sizeof(*note);
}

/* A parent that cannot be told will say "try again" whatever we do: so nothing is done then. */
static bool set_call(struct front *front, int64_t start_ms, int notes_fd, struct status *status)
{
	struct parent_note note = {
	    .kind = PARENT_DEADLINE,
	    .deadline_ms = start_ms + (int64_t)front->settings->delivery_timeout_s * 1000,
	};
	front->call.front = "deliver";
	front->call.sends_at_once = front->settings->outbox.at_once;
	front->call.id = arena_textf(front->arena, "%016llx", (unsigned long long)random_u64());
	front->call.deadline_ms = note.deadline_ms;
	return send_note(notes_fd, &note) ||
	       status_errno(status, CAUSE_INTERNAL, errno, "tell the parent the deadline");
}

static void set_recipient(struct front *front)
{
	const struct front_options *options = &front->options;
	struct pipeline_recipient *recipient = &front->recipient;
	recipient->is_self = options->user_name.data == NULL;
	recipient->user_name = recipient->is_self ? options->login : options->user_name;
	recipient->home = options->home;
	recipient->detail = options->detail;
	recipient->folder = options->folder;
}

static bool prepare(struct front *front, int argc, char **argv, int notes_fd, struct status *status)
{
	int64_t start_ms = clock_monotonic_ms();
	bool is_root = getuid() == 0 || geteuid() == 0;
	if (!front_options_parse(
	        front->arena, argc, argv, environ, is_root, &front->options, status))
		return false;
	if (!front_load_settings(&front->options, &front->settings, status))
		return false;
	log_open(
	    front->settings->log.target, "deliver", (enum log_level)front->settings->log.level);
	set_recipient(front);
	return set_call(front, start_ms, notes_fd, status) && read_message(front, status) &&
	       make_envelope(front, status);
}

static void send_status(int notes_fd, const struct status *status)
{
	struct parent_note note = {.kind = PARENT_STATUS, .status = *status};
	send_note(notes_fd, &note);
}

/* At once: nothing that fails afterwards may undo it. */
static void tell(void *context, size_t index, const struct status *status)
{
	(void)index;
	send_status(*(int *)context, status);
}

/* Trouble before the pipeline could write its record goes to the log we have by then. */
static void log_trouble(const struct front *front, const struct status *status)
{
	if (front->settings == NULL)
		log_open("syslog", "deliver", LOG_LEVEL_ERROR);
	log_write(LOG_LEVEL_ERROR, "%s %s%s%s", status_enhanced(status), status->text,
	    status->detail[0] == '\0' ? "" : ": ", status->detail);
}

static void deliver(struct front *front, int notes_fd, struct status *status)
{
	struct pipeline *pipeline = pipeline_open(front->settings, status);
	if (pipeline == NULL) {
		log_trouble(front, status);
		send_status(notes_fd, status);
		return;
	}
	pipeline_deliver(pipeline, &front->call, &front->envelope, front->spool, &front->recipient,
	    1, status, tell, &notes_fd);
	/* Nobody has to wait for the tidying up. */
	close(notes_fd);
	pipeline_close(&pipeline);
}

int ladle_deliver(int argc, char **argv, int notes_fd)
{
	struct front front = {.arena = arena_new()};
	struct status status;
	if (prepare(&front, argc, argv, notes_fd, &status)) {
		deliver(&front, notes_fd, &status);
	} else {
		log_trouble(&front, &status);
		send_status(notes_fd, &status);
	}
	spool_free(&front.spool);
	settings_free(&front.settings);
	arena_free(&front.arena);
	return 0;
}
