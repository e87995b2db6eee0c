#include "mail/dsn.h"

#include "base/utf8.h"
#include "mail/date.h"

/* Visible characters, and "+" with two hexadecimal digits for others (RFC 3461 4). */
static void append_decoded(struct bytes *to, struct span xtext)
{
	for (size_t i = 0; i < xtext.len; i++) {
		bool is_code = xtext.data[i] == '+' && i + 2 < xtext.len;
		int high = is_code ? ascii_hex_value(xtext.data[i + 1]) : -1;
		int low = is_code ? ascii_hex_value(xtext.data[i + 2]) : -1;
		if (high < 0 || low < 0) {
			bytes_append_byte(to, xtext.data[i]);
			continue;
		}
		bytes_append_byte(to, (char)(high * 16 + low));
		i += 2;
	}
}

/* RFC 3464 2.3.1: the type as it was given, the address decoded. */
static void append_original(struct bytes *to, struct span orcpt)
{
	struct bytes value = {0};
	size_t semicolon = span_find(orcpt, ';');
	if (semicolon >= orcpt.len)
		return;
	bytes_append_span(&value, span_first(orcpt, semicolon));
	bytes_append_text(&value, "; ");
	append_decoded(&value, span_from(orcpt, semicolon + 1));
	compose_words(to, "Original-Recipient", bytes_span(&value));
	bytes_clear(&value);
}

static void append_final(struct arena *arena, struct bytes *to, struct span recipient)
{
	compose_words(to, "Final-Recipient",
	    arena_spanf(arena, "%s; %.*s", utf8_is_ascii(recipient) ? "rfc822" : "utf-8",
	        (int)recipient.len, recipient.data));
}

static void append_moment(struct arena *arena, struct bytes *to, const char *name, time_t when)
{
	struct span date = date_format(arena, when);
	bytes_appendf(to, "%s: %.*s\n", name, (int)date.len, date.data);
}

static void append_status(struct arena *arena, struct bytes *to, const struct dsn *dsn)
{
	/* RFC 6533 has a type of its own for what is not ASCII. */
	bool is_plain = utf8_is_ascii(dsn->recipient) && utf8_is_ascii(dsn->orcpt);
	bytes_appendf(to, "Content-Type: message/%sdelivery-status\n\n", is_plain ? "" : "global-");
	compose_words(to, "Reporting-MTA", arena_spanf(arena, "dns; %s", dsn->reporting_host));
	if (dsn->envid.len > 0)
		compose_words(to, "Original-Envelope-Id", dsn->envid);
	append_moment(arena, to, "Arrival-Date", dsn->arrived);
	bytes_append_byte(to, '\n');
	append_original(to, dsn->orcpt);
	append_final(arena, to, dsn->recipient);
	bytes_appendf(to, "Action: %s\nStatus: 2.0.0\n",
	    dsn->action == DSN_RELAYED ? "relayed" : "delivered");
	append_moment(arena, to, "Last-Attempt-Date", dsn->now);
}

static void append_explanation(struct arena *arena, struct bytes *to, const struct dsn *dsn)
{
	static const char *const what[] = {[DSN_DELIVERED] = "was delivered",
	    [DSN_RELAYED] = "was handed on to a server that does not report what becomes of it"};
	compose_body(to,
	    arena_spanf(arena, "Your message to <%.*s>\n%s.\n\nYou have asked for this report.\n",
	        (int)dsn->recipient.len, dsn->recipient.data, what[dsn->action]));
}

struct message *dsn_compose(struct arena *arena, const struct dsn *dsn)
{
	struct bytes text = {0};
	const struct span pieces[] = {dsn->delivery_id, dsn->sender, dsn->recipient};
	struct span id =
	    compose_message_id(arena, "success", pieces, 3, span_of(dsn->reporting_host));
	struct compose_mailbox from = {
	    .name = SPAN("Mail Delivery System"), .address = dsn->postmaster};
	struct compose_mailbox sender = {.address = dsn->sender};
	compose_words(&text, "Message-ID", id);
	compose_date(&text, dsn->now);
	compose_mailboxes(&text, "From", &from, 1);
	compose_mailboxes(&text, "To", &sender, 1);
	compose_text(&text, "Subject", SPAN("Successful Mail Delivery Report"));
	compose_threading(&text, dsn->head);
	compose_words(&text, "Auto-Submitted", SPAN("auto-replied"));
	compose_multipart(&text, "multipart/report; report-type=delivery-status", id);
	compose_part(&text, id);
	append_explanation(arena, &text, dsn);
	compose_part(&text, id);
	append_status(arena, &text, dsn);
	compose_part(&text, id);
	bytes_append_text(&text, "Content-Type: text/rfc822-headers\n\n");
	compose_foreign(&text, id, dsn->head);
	compose_end(&text, id);
	return compose_finish(arena, &text);
}
