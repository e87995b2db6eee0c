/* script_log.c - scripts' errors on their way to who can mend them.
 *
 * The file beside a script has Dovecot's name and rules: private, never through a link, turned over
 * at 10 KiB. The mail goes around the quota, so that telling of an error cannot be what makes a
 * mailbox full. */
#include "deliver/script_log.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "deliver/state.h"
#include "mail/compose.h"
#include "sieve-lite/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERRORS_MAX 30
#define ROTATE_BYTES 10240
/* So much of what scripts write is kept in one delivery. */
#define TEXT_BYTES_MAX ((size_t)16 * 1024)
#define NOTICE_PERIOD_S 86400
#define NOTICE_NAME "script-notice"

/* What there is to tell about one script. */
struct script_log {
	const char *path;
	bool is_personal;
	bool has_errors;
	struct span text;
	struct script_log *next;
};

static struct script_log *log_of(struct delivery *delivery, const char *path, bool is_personal)
{
	struct script_log **at = &delivery->script_log;
	while (*at != NULL && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	if (*at == NULL) {
		*at = ARENA_NEW(delivery->arena, struct script_log);
		(*at)->path = arena_text(delivery->arena, span_of(path));
		(*at)->is_personal = is_personal;
		(*at)->text = SPAN("");
	}
	return *at;
}

static void add(struct delivery *delivery, struct script_log *log, struct span text)
{
	if (log->text.len + text.len > TEXT_BYTES_MAX)
		return;
	log->text = arena_spanf(delivery->arena, "%.*s%.*s", (int)log->text.len, log->text.data,
	    (int)text.len, text.data);
}

static struct span source_of(const struct script_version *version, const char *name)
{
	for (const struct script_file *file = version->files; file != NULL; file = file->next) {
		if (strcmp(file->name, name) == 0)
			return file->text;
	}
	return SPAN("");
}

void script_log_errors(struct delivery *delivery, const char *path, bool is_personal,
    const struct script_version *version, const struct sieve_errors *errors)
{
	struct script_log *log = log_of(delivery, path, is_personal);
	unsigned left = ERRORS_MAX;
	for (const struct sieve_error *e = errors->first; e != NULL && left > 0; e = e->next) {
		struct bytes text = {0};
		if (e->is_warning)
			continue;
		report_error(&text, e, e->script, source_of(version, e->script));
		add(delivery, log, bytes_span(&text));
		bytes_clear(&text);
		left--;
	}
	log->has_errors = true;
}

void script_log_text(
    struct delivery *delivery, const char *path, bool is_personal, struct span text)
{
	struct bytes line = {0};
	bytes_append_span(&line, text);
	for (size_t i = 0; i < line.len; i++) {
		if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7F)
			line.data[i] = ' ';
	}
	bytes_append_byte(&line, '\n');
	add(delivery, log_of(delivery, path, is_personal), bytes_span(&line));
	bytes_clear(&line);
}

/* -- the file beside a script ------------------------------------------------------------------ */

static const char *time_text(struct arena *arena)
{
	char text[40];
	time_t now = clock_now().tv_sec;
	struct tm local;
	bool is_known = localtime_r(&now, &local) != NULL &&
	                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local) > 0;
	return is_known ? arena_text(arena, span_of(text)) : "";
}

/* Ours alone: a file that somebody else could have put there is not written to. */
static int open_log(const char *path, struct stat *found)
{
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd >= 0 && (fstat(fd, found) != 0 || !S_ISREG(found->st_mode) ||
	                   found->st_uid != geteuid() || found->st_nlink != 1)) {
		close(fd);
		errno = EPERM;
		fd = -1;
	}
	return fd;
}

static int open_log_with_room(struct arena *arena, const char *path, struct stat *found)
{
	int fd = open_log(path, found);
	if (fd < 0 || found->st_size < ROTATE_BYTES)
		return fd;
	close(fd);
	return rename(path, arena_textf(arena, "%s.0", path)) == 0 ? open_log(path, found) : -1;
}

static void append_to_file(const struct delivery *delivery, const struct script_log *log)
{
	struct arena *arena = delivery->arena;
	const char *path = arena_textf(arena, "%s.log", log->path);
	const char *now = time_text(arena);
	struct stat found;
	struct bytes text = {0};
	int fd = open_log_with_room(arena, path, &found);
	if (fd >= 0 && found.st_size == 0)
		bytes_appendf(&text, "started at %s\n", now);
	bytes_appendf(&text, "%s delivery %s:\n", now, delivery->call->id);
	bytes_append_span(&text, log->text);
	if (fd < 0 || file_write_all(fd, text.data, text.len) != 0)
		log_write(LOG_LEVEL_WARNING, "%s: write %s: %s", delivery->call->id, path,
		    strerror(errno));
	bytes_clear(&text);
	file_close(&fd);
}

/* -- the mail ---------------------------------------------------------------------------------- */

/* Is it time for one? Takes the turn: others see that there was one now. */
static bool take_turn(struct delivery *delivery)
{
	struct status status;
	struct stat found;
	const char *directory = state_directory(delivery, &status);
	if (directory == NULL)
		return false;
	int fd = open(arena_textf(delivery->arena, "%s/" NOTICE_NAME, directory),
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool is_due =
	    lock_take(fd, clock_monotonic_ms()) == 0 && fstat(fd, &found) == 0 &&
	    (found.st_size == 0 || found.st_mtim.tv_sec + NOTICE_PERIOD_S <= clock_now().tv_sec);
	/* Written anew, its time is now. */
	is_due = is_due && ftruncate(fd, 0) == 0 && file_write_all(fd, "1", 1) == 0;
	close(fd);
	return is_due;
}

static struct message *compose_notice(const struct delivery *delivery, const struct script_log *log)
{
	struct arena *arena = delivery->arena;
	const char *postmaster = delivery->settings->postmaster;
	struct span host = span_of(delivery->settings->hostname);
	struct span pieces[] = {span_of(delivery->call->id), delivery->user.name};
	struct bytes text = {0};
	struct bytes body = {0};
	struct compose_mailbox from = {
	    .name = SPAN("Mail delivery"), .address = span_of(postmaster)};
	struct compose_mailbox to = {.address = delivery->recipient->envelope.address.text};
	if (strchr(postmaster, '@') == NULL)
		from.address = arena_spanf(arena, "%s@%.*s", postmaster, (int)host.len, host.data);
	compose_words(&text, "Return-Path", SPAN("<>"));
	compose_date(&text, clock_now().tv_sec);
	compose_mailboxes(&text, "From", &from, 1);
	compose_mailboxes(&text, "To", &to, 1);
	compose_text(&text, "Subject", SPAN("Your mail filter has an error"));
	compose_words(&text, "Message-ID", compose_message_id(arena, "notice", pieces, 2, host));
	compose_words(&text, "Auto-Submitted", SPAN("auto-generated"));
	compose_words(&text, "MIME-Version", SPAN("1.0"));
	bytes_appendf(&body,
	    "The script that filters your mail had an error when a message arrived.\n"
	    "No mail is lost: what the script would have done was left out.\n\n%.*s\n"
	    "You get this notice once a day at most. All errors are in\n%s.log\n",
	    (int)log->text.len, log->text.data, log->path);
	compose_body(&text, bytes_span(&body));
	bytes_clear(&body);
	return compose_finish(arena, &text);
}

static void store_notice(struct delivery *delivery, const struct script_log *log)
{
	struct status status;
	struct store_request request = {
	    .message = compose_notice(delivery, log), .folder = SPAN("")};
	struct store_copy *copy = store_write(delivery->store, &request, &status);
	if (copy == NULL || !store_sync(copy, &status) || !store_publish(copy, &status) ||
	    !store_commit(copy, &status))
		log_write(LOG_LEVEL_WARNING, "%s: the notice of a script's error: %s",
		    delivery->call->id, status.detail);
	store_abandon(&copy);
}

/* -- telling ----------------------------------------------------------------------------------- */

static void tell_administrator(const struct delivery *delivery, const struct script_log *log)
{
	struct span rest = log->text;
	struct span line;
	while (span_next_line(&rest, &line))
		log_write(log->has_errors ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "%s: %.*s",
		    delivery->call->id, (int)line.len, line.data);
}

void script_log_tell(struct delivery *delivery)
{
	const struct sieve_settings *settings = &delivery->settings->sieve;
	for (struct script_log *log = delivery->script_log; log != NULL; log = log->next) {
		if (!log->is_personal)
			tell_administrator(delivery, log);
		else if (settings->user_log)
			append_to_file(delivery, log);
		if (log->is_personal && log->has_errors && settings->error_notice &&
		    status_is_success(&delivery->status) && take_turn(delivery))
			store_notice(delivery, log);
	}
	delivery->script_log = NULL;
}
