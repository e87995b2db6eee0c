/* record.c - one entry per recipient and delivery.
 *
 * The entry is a list of keys and values first; how that looks is decided behind it, so that both
 * formats cannot tell different stories. */
#include "deliver/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "mail/header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGE_ID_MAX 250

struct record {
	enum record_format format;
	bool is_syslog;
	int fd; /* -1: none */
};

struct record *record_open(const struct record_settings *settings)
{
	struct record *record = memory_new(1, sizeof(*record));
	record->format = settings->format;
	record->fd = -1;
	if (strcmp(settings->target, "syslog") == 0)
		record->is_syslog = true;
	else if (strcmp(settings->target, "stderr") == 0)
		record->fd = dup(STDERR_FILENO);
	else if (strcmp(settings->target, "none") != 0) {
		record->fd = file_open_log(settings->target);
		if (record->fd < 0)
			log_write(LOG_LEVEL_WARNING, "record.target = \"%s\": %s", settings->target,
			    strerror(errno));
	}
	return record;
}

void record_close(struct record **record)
{
	if (*record == NULL)
		return;
	file_close(&(*record)->fd);
	free(*record);
	*record = NULL;
}

/* -- how values look --------------------------------------------------------------------------- */

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c <= ' ' || c >= 0x7F || c == '"' || c == '\\')
			return false;
	}
	return text.len > 0;
}

static void text_string(struct bytes *to, struct span text)
{
	if (is_plain(text)) {
		bytes_append_span(to, text);
		return;
	}
	bytes_append_byte(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c == '"' || c == '\\')
			bytes_appendf(to, "\\%c", (char)c);
		else if (c < ' ' || c == 0x7F)
			bytes_appendf(to, "\\x%02x", c);
		else
			bytes_append_byte(to, (char)c);
	}
	bytes_append_byte(to, '"');
}

/* -- the entry --------------------------------------------------------------------------------- */

struct entry {
	struct bytes *to;
	enum record_format format;
	bool has_keys;
};

static void begin_key(struct entry *entry, const char *key)
{
	bool is_json = entry->format == RECORD_JSON;
	if (entry->has_keys)
		bytes_append_byte(entry->to, is_json ? ',' : ' ');
	entry->has_keys = true;
	bytes_append_text(entry->to, is_json ? "\"" : "");
	bytes_append_text(entry->to, key);
	bytes_append_text(entry->to, is_json ? "\":" : "=");
}

static void put_text(struct entry *entry, const char *key, struct span value)
{
	if (value.data == NULL && entry->format == RECORD_TEXT)
		return;
	begin_key(entry, key);
	if (value.data == NULL)
		bytes_append_text(entry->to, "null");
	else if (entry->format == RECORD_JSON)
		json_append_string(entry->to, value);
	else
		text_string(entry->to, value);
}

static void put_number(struct entry *entry, const char *key, uint64_t value)
{
	begin_key(entry, key);
	bytes_appendf(entry->to, "%" PRIu64, value);
}

static struct span none_if_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? (struct span){NULL, 0} : span_of(text);
}

/* Why a letter is not sent, for people. */
static struct span not_sent(const struct action *action)
{
	bool is_withheld = action->kind == ACTION_SEND && action->letter->withheld != NULL;
	return span_of(is_withheld ? action->letter->withheld : NULL);
}

/* {"action":"fileinto","folder":"Work","script":"/path","line":3}, or fileinto(Work)@/path:3 */
static void put_action(struct entry *entry, const struct action *action)
{
	struct bytes *to = entry->to;
	const struct action_origin *origin = &action->origin;
	bool has_folder = action->kind == ACTION_FILEINTO;
	if (entry->format == RECORD_JSON) {
		bytes_appendf(to, "{\"action\":\"%s\"", action_name(action));
		if (action->is_implicit)
			bytes_append_text(to, ",\"implicit\":true");
		if (has_folder) {
			bytes_append_text(to, ",\"folder\":");
			json_append_string(to, action->folder);
		}
		if (not_sent(action).len > 0) {
			bytes_append_text(to, ",\"not_sent\":");
			json_append_string(to, not_sent(action));
		}
		if (origin->script != NULL) {
			bytes_append_text(to, ",\"script\":");
			json_append_string(to, span_of(origin->script));
			bytes_appendf(to, ",\"line\":%u", origin->line);
		}
		bytes_append_byte(to, '}');
		return;
	}
	bytes_appendf(to, "%s%s", action->is_implicit ? "implicit-" : "", action_name(action));
	if (has_folder || not_sent(action).len > 0) {
		bytes_append_text(to, has_folder ? "(" : "(not sent: ");
		text_string(to, has_folder ? action->folder : not_sent(action));
		bytes_append_byte(to, ')');
	}
	if (origin->script != NULL)
		bytes_appendf(to, "@%s:%u", origin->script, origin->line);
}

static void put_actions(struct entry *entry, const struct action_list *actions)
{
	if (actions->count == 0 && entry->format == RECORD_TEXT)
		return;
	begin_key(entry, "actions");
	bytes_append_text(entry->to, entry->format == RECORD_JSON ? "[" : "");
	for (const struct action *action = actions->first; action != NULL; action = action->next) {
		if (action != actions->first)
			bytes_append_byte(entry->to, ',');
		put_action(entry, action);
	}
	bytes_append_text(entry->to, entry->format == RECORD_JSON ? "]" : "");
}

/* The files that are there now: "new/1700000000.M1P2.host". */
static void put_mailbox(struct entry *entry, const struct delivery *delivery)
{
	struct bytes names = {0};
	for (size_t i = 0; i < delivery->copy_count; i++) {
		const struct delivery_copy *copy = &delivery->copies[i];
		if (copy->is_kept)
			bytes_appendf(&names, "%s%.*s", names.len > 0 ? "," : "",
			    (int)copy->name.len, copy->name.data);
	}
	put_text(entry, "mailbox", names.len > 0 ? bytes_span(&names) : (struct span){NULL, 0});
	bytes_clear(&names);
}

static struct span message_id(const struct delivery *delivery)
{
	struct header_field field;
	if (!delivery->has_message || !header_find(delivery->message.head, "Message-ID", &field))
		return (struct span){NULL, 0};
	return span_first(header_unfold(delivery->arena, field.value), MESSAGE_ID_MAX);
}

void record_format(
    struct bytes *to, enum record_format format, const char *time, const struct delivery *delivery)
{
	struct entry entry = {.to = to, .format = format};
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	const struct status *status = &delivery->status;
	struct span none = {NULL, 0};
	bytes_append_text(to, format == RECORD_JSON ? "{" : "");
	if (time != NULL)
		put_text(&entry, "time", span_of(time));
	put_text(&entry, "id", span_of(delivery->call->id));
	put_text(&entry, "front", span_of(delivery->call->front));
	put_text(&entry, "queue_id", delivery->envelope->queue_id);
	put_text(&entry, "message_id", message_id(delivery));
	put_text(&entry, "client", delivery->envelope->origin_address);
	put_text(&entry, "sender", delivery->envelope->sender.text);
	put_text(&entry, "recipient", recipient->address.text);
	put_text(&entry, "original", recipient->original.text);
	put_text(&entry, "user", delivery->has_user ? delivery->user.name : none);
	put_number(&entry, "bytes", delivery->has_message ? delivery->message.size_bytes : 0);
	put_actions(&entry, &delivery->actions);
	put_mailbox(&entry, delivery);
	put_text(&entry, "cause", span_of(cause_name(status->cause)));
	put_text(&entry, "code", span_of(status_enhanced(status)));
	put_text(&entry, "detail", none_if_empty(status->detail));
	put_text(&entry, "note", none_if_empty(delivery->note));
	put_number(&entry, "ms", (uint64_t)(clock_monotonic_ms() - delivery->started_ms));
	bytes_append_text(to, format == RECORD_JSON ? "}" : "");
}

const char *record_time(char to[RECORD_TIME_SIZE])
{
	struct tm local;
	struct timespec now = clock_now();
	localtime_r(&now.tv_sec, &local);
	strftime(to, RECORD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S%z", &local);
	return to;
}

void record_write(struct record *record, const struct delivery *delivery)
{
	struct bytes line = {0};
	char when[RECORD_TIME_SIZE];
	if (record->fd < 0 && !record->is_syslog)
		return;
	/* syslog brings its own time. */
	record_format(
	    &line, record->format, record->is_syslog ? NULL : record_time(when), delivery);
	if (record->is_syslog) {
		syslog(LOG_MAIL | LOG_INFO, "%s", bytes_terminate(&line));
	} else {
		bytes_append_byte(&line, '\n');
		/* One write, so that entries of several processes do not mix; never a reason to
		 * fail. */
		(void)file_write_all(record->fd, line.data, line.len);
	}
	bytes_clear(&line);
}
