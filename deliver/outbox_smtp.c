/* outbox_smtp.c - an item of the outbox to an SMTP server that takes mail from us: one connection,
 * one transaction, one recipient. */
#include "deliver/outbox.h"

#include "base/clock.h"
#include "base/file.h"
#include "mail/smtp_connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PORT "25"

/* What is behind the descriptor's offset, as a message. */
struct text {
	struct spool *spool;
	struct message_piece body;
	struct message message;
	bool is_8bit;
};

static bool open_text(struct text *text, int fd)
{
	char data[65536];
	struct stat found;
	off_t start = lseek(fd, 0, SEEK_CUR);
	uint64_t lines = 0;
	char before = '\n';
	ssize_t got = 0;
	if (start < 0 || fstat(fd, &found) != 0 || found.st_size < start)
		return false;
	for (uint64_t at = (uint64_t)start; (got = file_read_at(fd, data, sizeof(data), at)) > 0;
	     at += (uint64_t)got) {
		for (ssize_t i = 0; i < got; i++) {
			lines += data[i] == '\n' && before != '\r';
			text->is_8bit = text->is_8bit || (unsigned char)data[i] >= 0x80;
			before = data[i];
		}
	}
	int copy = got < 0 ? -1 : dup(fd);
	if (copy < 0)
		return false;
	text->spool = spool_adopt_fd(copy, (uint64_t)found.st_size, lines);
	text->body = (struct message_piece){.offset = (uint64_t)start,
	    .size_bytes = (uint64_t)(found.st_size - start),
	    .line_count = lines};
	text->message = (struct message){.spool = text->spool,
	    .head = SPAN(""),
	    .body = &text->body,
	    .size_bytes = text->body.size_bytes,
	    .line_count = lines};
	return true;
}

static enum outbox_answer answer_of(const struct status *status, char *why_out, size_t why_size)
{
	if (status_is_success(status))
		return OUTBOX_ACCEPTED;
	snprintf(why_out, why_size, "%d %s %s%s%s", status_reply(status), status_enhanced(status),
	    status->text, status->detail[0] != '\0' ? ": " : "", status->detail);
	return status_is_permanent(status) ? OUTBOX_REFUSED : OUTBOX_TRY_LATER;
}

static void talk(struct smtp_connection *connection, struct smtp_client *client,
    const struct text *text, int64_t deadline_ms)
{
	if (smtp_connection_drive(connection, client, deadline_ms) != SMTP_CLIENT_TEXT)
		return;
	if (!smtp_connection_send_text(connection, client, &text->message, deadline_ms))
		return;
	smtp_client_text_end(client);
	(void)smtp_connection_drive(connection, client, deadline_ms);
}

enum outbox_answer outbox_send_by_smtp(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	const struct outbox_smtp *server = context;
	struct arena *arena = arena_new();
	struct status status;
	struct text text = {0};
	struct envelope envelope = {.sender = {.text = item->sender},
	    .smtputf8 = item->smtputf8,
	    .ret = item->ret,
	    .envid = item->envid};
	struct envelope_recipient recipient = {
	    .address = {.text = item->recipient}, .notify = item->notify, .orcpt = item->orcpt};
	struct smtp_connection *connection = NULL;
	bool has_dsn = false;
	if (!open_text(&text, fd))
		status_errno(&status, CAUSE_INTERNAL, errno, "read it");
	else
		connection =
		    smtp_connection_open(server->place, DEFAULT_PORT, deadline_ms, &status);
	if (connection != NULL) {
		struct smtp_client_options options = {.hello = server->hello,
		    .envelope = &envelope,
		    .recipients = &recipient,
		    .recipient_count = 1,
		    .size_bytes = message_crlf_bytes(&text.message),
		    .is_8bit = text.is_8bit};
		struct smtp_client *client = smtp_client_new(arena, &options);
		talk(connection, client, &text, deadline_ms);
		status = *smtp_client_status(client, 0);
		has_dsn = smtp_client_offers_dsn(client);
		smtp_client_clear(client);
	}
	smtp_connection_close(&connection);
	spool_free(&text.spool);
	arena_free(&arena);
	enum outbox_answer answer = answer_of(&status, why_out, why_size);
	return answer == OUTBOX_ACCEPTED && !has_dsn ? OUTBOX_RELAYED : answer;
}
