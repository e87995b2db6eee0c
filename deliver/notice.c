/* notice.c - what we write to people: mail of yours was not sent; your mail was refused. */
#include "deliver/notice.h"

#include "base/clock.h"
#include "mail/compose.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "sieve-lite/header_text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct span postmaster(const struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	if (strchr(settings->postmaster, '@') != NULL)
		return span_of(settings->postmaster);
	return arena_spanf(delivery->arena, "%s@%s", settings->postmaster, settings->hostname);
}

static struct span printable(struct arena *arena, const char *text)
{
	struct span copy = arena_span(arena, span_of(text));
	char *bytes = arena_text(arena, copy);
	for (size_t i = 0; i < copy.len; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			bytes[i] = '?';
	}
	return (struct span){bytes, copy.len};
}

static void append_explanation(const struct delivery *delivery, struct bytes *to,
    const struct outbox_item *item, const char *why)
{
	struct span text = arena_spanf(delivery->arena,
	    "What your mail filter sent could not be delivered, and is not tried again.\n"
	    "\n"
	    "What:    %s\n"
	    "To:      %.*s\n"
	    "Reason:  %s\n"
	    "\n"
	    "The message is attached.\n",
	    item->kind, (int)item->recipient.len, item->recipient.data, why);
	compose_body(to, text);
}

static void append_status(const struct delivery *delivery, struct bytes *to,
    const struct outbox_item *item, const char *why)
{
	struct span host = span_of(delivery->settings->hostname);
	bytes_append_text(to, "Content-Type: message/delivery-status\n\n");
	bytes_appendf(to, "Reporting-MTA: dns; %.*s\n\n", (int)host.len, host.data);
	bytes_appendf(to, "Final-Recipient: %s; %.*s\n", item->smtputf8 ? "utf-8" : "rfc822",
	    (int)item->recipient.len, item->recipient.data);
	bytes_append_text(to, "Action: failed\nStatus: 5.0.0\n");
	compose_words(to, "Diagnostic-Code",
	    arena_spanf(delivery->arena, "x-ladle; %s", printable(delivery->arena, why).data));
}

/* All but the attached message and the end. */
static struct span write_start(const struct delivery *delivery, struct bytes *to,
    const struct outbox_item *item, const char *why)
{
	const struct span pieces[] = {item->delivery_id, item->recipient};
	struct span id = compose_message_id(
	    delivery->arena, "notice", pieces, 2, span_of(delivery->settings->hostname));
	struct compose_mailbox from = {
	    .name = SPAN("Mail filter"), .address = postmaster(delivery)};
	struct compose_mailbox owner = {.address = item->owner};
	bytes_append_text(to, "Return-Path: <>\n");
	compose_words(to, "Message-ID", id);
	compose_date(to, clock_now().tv_sec);
	compose_mailboxes(to, "From", &from, 1);
	compose_mailboxes(to, "To", &owner, 1);
	compose_text(to, "Subject",
	    arena_spanf(delivery->arena, "Not sent: %s to %.*s", item->kind,
	        (int)item->recipient.len, item->recipient.data));
	compose_words(to, "Auto-Submitted", SPAN("auto-generated"));
	compose_multipart(to, "multipart/report; report-type=delivery-status", id);
	compose_part(to, id);
	append_explanation(delivery, to, item, why);
	compose_part(to, id);
	append_status(delivery, to, item, why);
	compose_part(to, id);
	bytes_append_text(to, "Content-Type: message/rfc822\n\n");
	return id;
}

static bool append_file(struct spool *spool, int fd, struct status *status)
{
	char data[65536];
	ssize_t got;
	while ((got = read(fd, data, sizeof(data))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return status_errno(status, CAUSE_MAILBOX, errno, "read the message");
		if (!spool_append(spool, data, (size_t)got, status))
			return false;
	}
	return true;
}

struct spool *notice_undelivered(const struct delivery *delivery, const struct outbox_item *item,
    int fd, const char *why, struct status *status)
{
	struct bytes start = {0};
	struct bytes end = {0};
	struct spool *spool = spool_new(delivery->settings->spool_directory);
	struct span id = write_start(delivery, &start, item, why);
	/* The boundary is made of an id nobody could know when the message was written. */
	bytes_append_byte(&end, '\n');
	compose_end(&end, id);
	bool is_good =
	    spool_append(spool, start.data, start.len, status) && append_file(spool, fd, status) &&
	    spool_append(spool, end.data, end.len, status) && spool_finish(spool, status);
	bytes_clear(&start);
	bytes_clear(&end);
	if (!is_good)
		spool_free(&spool);
	return spool;
}

struct message *notice_refused(const struct delivery *delivery, const struct action *refusal)
{
	struct header_field subject = {0};
	(void)header_find(delivery->message.head, "Subject", &subject);
	struct mdn mdn = {
	    .message = &delivery->message,
	    .envelope = delivery->envelope,
	    .recipient = &delivery->recipient->envelope,
	    .reason = refusal->text,
	    .old_subject =
	        header_text_decode(delivery->arena, header_unfold(delivery->arena, subject.value)),
	    .postmaster = postmaster(delivery),
	    .now = clock_now().tv_sec,
	};
	return mdn_compose(delivery->arena, &mdn);
}
