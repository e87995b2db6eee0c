/* outbox.c - the envelope block above outgoing mail, and sending what waits.
 *
 *	Ladle-Outbox: 1			then an empty line and the message itself
 *	Kind: redirect
 *	Made: 1700000000
 *	Delivery: ID
 *	Sender: <anna@example.org>	<> is null
 *	Recipient: <bert@example.net>
 *	Owner: <carl@example.com>
 *	Smtputf8: yes			only then; so the others:
 *	Srs: yes
 *	Notify: 4			enum envelope_notify
 *	Ret: 1				enum envelope_ret
 *	Envid: 123
 *	Orcpt: rfc822;dora@example.org
 *	Program: name			what is piped; in it and the next, %20 and the like
 *	Argument: x%20y			each
 *	Try: yes			it may fail
 *
 * When it was last tried is the file's mtime, if its mode has S_IXUSR; else it never was. With
 * S_IXGRP it is over, and could not be removed. So nothing is ever rewritten. */
#include "deliver/outbox.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/spawn.h"
#include "mail/header.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An envelope block is never longer: three addresses, two words, a program with its arguments. */
#define BLOCK_MAX ((size_t)256 * 1024)
#define ARGUMENTS_MAX 64
/* All bits of enum envelope_notify. */
#define NOTIFY_MAX 15
#define WORD_MAX ((size_t)1000)

/* What a client said is only taken along where it cannot be anything else here. */
static void wrap_word(struct bytes *head, const char *name, struct span word)
{
	bool is_plain = word.len > 0 && word.len <= WORD_MAX;
	for (size_t i = 0; is_plain && i < word.len; i++)
		is_plain = word.data[i] > ' ' && word.data[i] < 0x7F;
	if (is_plain)
		bytes_appendf(head, "%s: %.*s\n", name, (int)word.len, word.data);
}

/* So that a field is one line, and no blank is lost. */
static void wrap_escaped(struct bytes *head, const char *name, struct span text)
{
	bytes_appendf(head, "%s: ", name);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (byte <= ' ' || byte == '%' || byte == 0x7F)
			bytes_appendf(head, "%%%02X", byte);
		else
			bytes_append_byte(head, text.data[i]);
	}
	bytes_append_byte(head, '\n');
}

static void wrap_program(struct bytes *head, const struct action_program *program)
{
	wrap_escaped(head, "Program", program->name);
	for (size_t i = 0; i < program->argument_count && i < ARGUMENTS_MAX; i++)
		wrap_escaped(head, "Argument", program->arguments[i]);
	if (program->may_fail)
		bytes_append_text(head, "Try: yes\n");
}

struct message outbox_wrap(struct arena *arena, const struct outbox_item *item)
{
	struct bytes head = {0};
	bytes_appendf(&head, "Ladle-Outbox: 1\nKind: %s\nMade: %lld\nDelivery: %.*s\n", item->kind,
	    (long long)clock_now().tv_sec, (int)item->delivery_id.len, item->delivery_id.data);
	bytes_appendf(&head, "Sender: <%.*s>\nRecipient: <%.*s>\n", (int)item->sender.len,
	    item->sender.data, (int)item->recipient.len, item->recipient.data);
	bytes_appendf(&head, "Owner: <%.*s>\n", (int)item->owner.len, item->owner.data);
	if (item->smtputf8)
		bytes_append_text(&head, "Smtputf8: yes\n");
	if (item->wants_srs)
		bytes_append_text(&head, "Srs: yes\n");
	if (item->notify != ENVELOPE_NOTIFY_UNSAID)
		bytes_appendf(&head, "Notify: %u\n", item->notify);
	if (item->ret != ENVELOPE_RET_UNSAID)
		bytes_appendf(&head, "Ret: %u\n", (unsigned)item->ret);
	wrap_word(&head, "Envid", item->envid);
	wrap_word(&head, "Orcpt", item->orcpt);
	if (item->program.name.len > 0)
		wrap_program(&head, &item->program);
	bytes_append_byte(&head, '\n');
	bytes_append_span(&head, item->message->head);
	struct span wrapped = arena_span(arena, bytes_span(&head));
	bytes_clear(&head);
	return message_with_head(item->message, wrapped);
}

/* -- reading an item back -------------------------------------------------------------------- */

struct waiting {
	struct arena *arena;
	const char *name;
	int dir;
	int fd;
	time_t made;
	time_t changed;
	bool was_tried;
	bool is_over; /* sent or given up */
	off_t start;  /* of the message */
	struct outbox_item item;
	struct span arguments[ARGUMENTS_MAX];
};

/* Nothing that could end a line where it is said to somebody: the file may be forged. */
static bool is_one_line(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F)
			return false;
	}
	return true;
}

static struct span in_brackets(struct span value)
{
	if (value.len < 2 || value.data[0] != '<' || value.data[value.len - 1] != '>')
		return (struct span){NULL, 0};
	return span_first(span_from(value, 1), value.len - 2);
}

static struct span unescape(struct arena *arena, struct span value)
{
	char *text = arena_text(arena, value);
	size_t len = 0;
	for (size_t i = 0; i < value.len; i++) {
		bool has_room = value.data[i] == '%' && i + 2 < value.len;
		int high = has_room ? ascii_hex_value(value.data[i + 1]) : -1;
		int low = has_room ? ascii_hex_value(value.data[i + 2]) : -1;
		bool is_escape = high >= 0 && low >= 0;
		text[len++] = is_escape ? (char)(high * 16 + low) : value.data[i];
		i += is_escape ? 2 : 0;
	}
	return (struct span){text, len};
}

static bool take_argument(struct waiting *waiting, struct span value)
{
	struct action_program *program = &waiting->item.program;
	if (program->argument_count == ARGUMENTS_MAX)
		return false;
	waiting->arguments[program->argument_count++] = unescape(waiting->arena, value);
	program->arguments = waiting->arguments;
	return true;
}

static bool take_field(struct waiting *waiting, const struct header_field *field)
{
	struct span value = span_trim(field->value);
	uint64_t number;
	if (span_is(field->name, "Kind")) {
		waiting->item.kind = arena_text(waiting->arena, value);
	} else if (span_is(field->name, "Made")) {
		if (!number_parse(value, INT64_MAX, &number))
			return false;
		waiting->made = waiting->item.made = (time_t)number;
	} else if (span_is(field->name, "Delivery")) {
		waiting->item.delivery_id = value;
	} else if (span_is(field->name, "Sender")) {
		waiting->item.sender = in_brackets(value);
	} else if (span_is(field->name, "Recipient")) {
		waiting->item.recipient = in_brackets(value);
	} else if (span_is(field->name, "Owner")) {
		waiting->item.owner = in_brackets(value);
	} else if (span_is(field->name, "Smtputf8")) {
		waiting->item.smtputf8 = true;
	} else if (span_is(field->name, "Srs")) {
		waiting->item.wants_srs = true;
	} else if (span_is(field->name, "Envid")) {
		waiting->item.envid = value;
	} else if (span_is(field->name, "Orcpt")) {
		waiting->item.orcpt = value;
	} else if (span_is(field->name, "Program")) {
		waiting->item.program.name = unescape(waiting->arena, value);
	} else if (span_is(field->name, "Argument")) {
		return take_argument(waiting, value);
	} else if (span_is(field->name, "Try")) {
		waiting->item.program.may_fail = true;
	} else if (span_is(field->name, "Notify")) {
		if (!number_parse(value, NOTIFY_MAX, &number))
			return false;
		waiting->item.notify = (unsigned)number;
	} else if (span_is(field->name, "Ret")) {
		if (!number_parse(value, ENVELOPE_RET_HDRS, &number))
			return false;
		waiting->item.ret = (enum envelope_ret)number;
	}
	return true;
}

/* Reads the block and leaves the descriptor at the message. */
static bool read_block(struct waiting *waiting)
{
	char *data = arena_new_items(waiting->arena, BLOCK_MAX, 1);
	ssize_t got = file_read_at(waiting->fd, data, BLOCK_MAX, 0);
	struct span rest = {data, got > 0 ? (size_t)got : 0};
	struct header_field field;
	if (!header_next(&rest, &field) || !span_is(field.name, "Ladle-Outbox"))
		return false;
	while (header_next(&rest, &field)) {
		if (!take_field(waiting, &field))
			return false;
	}
	const struct outbox_item *item = &waiting->item;
	bool is_whole = rest.len > 0 && item->kind != NULL && item->sender.data != NULL &&
	                item->recipient.len > 0 && is_one_line(item->sender) &&
	                is_one_line(item->recipient) && is_one_line(item->owner) &&
	                is_one_line(item->envid) && is_one_line(item->orcpt) &&
	                is_one_line(item->delivery_id) && is_one_line(span_of(item->kind));
	waiting->start = is_whole ? (off_t)(rest.data + 1 - data) : 0;
	return is_whole && lseek(waiting->fd, waiting->start, SEEK_SET) == waiting->start;
}

/* -- sending --------------------------------------------------------------------------------- */

bool outbox_is_due(const struct outbox_options *options, time_t made, time_t tried, time_t now)
{
	/* A clock that went back makes everything due, rather than nothing for a long time. */
	if (now < tried || now < made || tried < made)
		return true;
	uint64_t wait_s = (uint64_t)(tried - made) / 2;
	if (wait_s < options->retry_min_s)
		wait_s = options->retry_min_s;
	if (wait_s > options->retry_max_s)
		wait_s = options->retry_max_s;
	return (uint64_t)(now - tried) >= wait_s;
}

/* What stays must not be sent again by each who looks. */
static void remove_item(const struct waiting *waiting)
{
	bool is_removed = unlinkat(waiting->dir, waiting->name, 0) == 0;
	if (is_removed && file_sync_dir(waiting->dir) == 0)
		return;
	int error = errno;
	bool is_marked = !is_removed && fchmod(waiting->fd, S_IRWXU | S_IXGRP) == 0;
	log_write(LOG_LEVEL_ERROR, "remove %s from the outbox: %s%s", waiting->name,
	    strerror(error), is_marked ? "" : "; it may be sent twice");
}

static void give_up(const struct outbox_options *options, const struct waiting *waiting,
    const char *why, struct outbox_tally *tally)
{
	log_write(LOG_LEVEL_WARNING, "giving up %s to <%.*s> of delivery %.*s: %s",
	    waiting->item.kind, (int)waiting->item.recipient.len, waiting->item.recipient.data,
	    (int)waiting->item.delivery_id.len, waiting->item.delivery_id.data, why);
	if (options->give_up != NULL &&
	    (lseek(waiting->fd, waiting->start, SEEK_SET) != waiting->start ||
	        !options->give_up(options->context, &waiting->item, waiting->fd, why))) {
		tally->waiting++;
		return;
	}
	remove_item(waiting);
	tally->given_up++;
}

static void send_item(const struct outbox_options *options,
    const struct outbox_transport *transport, const struct waiting *waiting,
    struct outbox_tally *tally)
{
	char why[256] = "";
	time_t now = clock_now().tv_sec;
	int64_t deadline_ms = clock_monotonic_ms() + (int64_t)options->send_timeout_s * 1000;
	enum outbox_answer answer = transport->send(
	    transport->context, &waiting->item, waiting->fd, deadline_ms, why, sizeof(why));
	if (answer == OUTBOX_RELAYED && options->relayed != NULL &&
	    lseek(waiting->fd, waiting->start, SEEK_SET) == waiting->start)
		options->relayed(options->context, &waiting->item, waiting->fd);
	if (answer == OUTBOX_ACCEPTED || answer == OUTBOX_RELAYED) {
		remove_item(waiting);
		tally->sent++;
		return;
	}
	/* Others had time enough: the owner would never hear of it. */
	bool is_stuck = now - waiting->made >= 2 * (time_t)options->expire_s;
	if (answer == OUTBOX_NOT_OURS && is_stuck) {
		give_up(options, waiting, why, tally);
		return;
	}
	if (answer == OUTBOX_NOT_OURS) {
		log_write(LOG_LEVEL_INFO, "%s of delivery %.*s is left to another process: %s",
		    waiting->item.kind, (int)waiting->item.delivery_id.len,
		    waiting->item.delivery_id.data, why);
		tally->waiting++;
		return;
	}
	(void)fchmod(waiting->fd, S_IRWXU);
	(void)futimens(waiting->fd, (struct timespec[2]){clock_now(), clock_now()});
	if (answer == OUTBOX_REFUSED || now - waiting->made >= (time_t)options->expire_s) {
		give_up(options, waiting, why, tally);
		return;
	}
	log_write(LOG_LEVEL_INFO, "%s to <%.*s> of delivery %.*s waits: %s", waiting->item.kind,
	    (int)waiting->item.recipient.len, waiting->item.recipient.data,
	    (int)waiting->item.delivery_id.len, waiting->item.delivery_id.data, why);
	tally->waiting++;
}

/* Holds the item against other flushers; false when somebody else has it or had it. */
static bool hold_item(struct waiting *waiting)
{
	struct stat found;
	waiting->fd =
	    openat(waiting->dir, waiting->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (waiting->fd < 0 || lock_take(waiting->fd, 0) != 0)
		return false;
	/* Whoever held it before us may have sent and removed it. */
	if (fstat(waiting->fd, &found) != 0 || !S_ISREG(found.st_mode) || found.st_nlink == 0)
		return false;
	waiting->was_tried = (found.st_mode & S_IXUSR) != 0;
	waiting->is_over = (found.st_mode & S_IXGRP) != 0;
	waiting->changed = found.st_mtime;
	return true;
}

static void flush_one(const struct outbox_options *options,
    const struct outbox_transport *transport, int dir, const char *name, struct outbox_tally *tally)
{
	struct waiting waiting = {.arena = arena_new(), .name = name, .dir = dir, .fd = -1};
	if (!hold_item(&waiting)) {
		tally->waiting += waiting.fd >= 0;
	} else if (waiting.is_over) {
		tally->waiting += unlinkat(dir, name, 0) != 0;
	} else if (!read_block(&waiting)) {
		/* Users can make any number of them. */
		if (tally->strays++ == 0)
			log_write(LOG_LEVEL_ERROR,
			    "outbox file %s/new/%s has no envelope block: it and its like are left "
			    "there",
			    options->directory, name);
		tally->waiting++;
	} else if ((waiting.was_tried && !outbox_is_due(options, waiting.made, waiting.changed,
	                                     clock_now().tv_sec)) ||
	           (options->begin_until_ms != 0 && clock_left_ms(options->begin_until_ms) == 0)) {
		tally->waiting++;
	} else {
		send_item(options, transport, &waiting, tally);
	}
	file_close(&waiting.fd);
	arena_free(&waiting.arena);
}

bool outbox_flush(const struct outbox_options *options, const struct outbox_transport *transport,
    struct outbox_tally *tally_out, struct status *status)
{
	struct bytes path = {0};
	*tally_out = (struct outbox_tally){0};
	bytes_appendf(&path, "%s/new", options->directory);
	DIR *names = opendir(bytes_terminate(&path));
	int error = errno;
	bytes_clear(&path);
	if (names == NULL)
		return error == ENOENT || status_errno(status, CAUSE_INTERNAL, error,
		                              "open outbox %s", options->directory);
	struct dirent *entry;
	while ((errno = 0, entry = readdir(names)) != NULL) {
		if (entry->d_name[0] != '.')
			flush_one(options, transport, dirfd(names), entry->d_name, tally_out);
	}
	error = errno;
	closedir(names);
	return error == 0 ||
	       status_errno(status, CAUSE_INTERNAL, error, "read outbox %s", options->directory);
}

/* -- sendmail -------------------------------------------------------------------------------- */

static ssize_t feed_file(void *context, char *data, size_t len)
{
	ssize_t got;
	do {
		got = read(*(int *)context, data, len);
	} while (got < 0 && errno == EINTR);
	return got;
}

static const char *notify_words(struct arena *arena, unsigned notify)
{
	struct bytes words = {0};
	static const char *const names[] = {"never", "success", "failure", "delay"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((notify & (1u << i)) != 0)
			bytes_appendf(&words, "%s%s", words.len > 0 ? "," : "", names[i]);
	}
	const char *text = arena_text(arena, bytes_span(&words));
	bytes_clear(&words);
	return text;
}

enum outbox_answer outbox_send_by_program(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	const char *program = context;
	struct arena *arena = arena_new();
	const char *argv[16] = {
	    program, "-i", "-f", item->sender.len == 0 ? "<>" : arena_text(arena, item->sender)};
	size_t count = 4;
	if (item->notify != ENVELOPE_NOTIFY_UNSAID) {
		argv[count++] = "-N";
		argv[count++] = notify_words(arena, item->notify);
	}
	if (item->ret != ENVELOPE_RET_UNSAID) {
		argv[count++] = "-R";
		argv[count++] = item->ret == ENVELOPE_RET_FULL ? "full" : "hdrs";
	}
	if (item->envid.len > 0) {
		argv[count++] = "-V";
		argv[count++] = arena_text(arena, item->envid);
	}
	argv[count++] = "--";
	argv[count] = arena_text(arena, item->recipient);
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	struct spawn_request request = {
	    .argv = argv,
	    .env = env,
	    .directory = "/",
	    .feed = feed_file,
	    .context = &fd,
	    .output_limit = 200,
	    .deadline_ms = deadline_ms,
	};
	struct spawn_result result;
	spawn_run(&request, &result);
	arena_free(&arena);
	bool is_accepted = result.end == SPAWN_EXITED && result.code == 0;
	static const char *const ends[] = {
	    "exit status", "signal", "timed out", "cannot read the file", "not started, errno", ""};
	if (!is_accepted)
		snprintf(why_out, why_size, "%s: %s %d %s", program, ends[result.end], result.code,
		    bytes_terminate(&result.output));
	bytes_clear(&result.output);
	return is_accepted ? OUTBOX_ACCEPTED : OUTBOX_TRY_LATER;
}
