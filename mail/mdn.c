#include "mail/mdn.h"

#include "mail/header.h"

/* "rfc822; user@example.org" (RFC 8098 3.2.3); addresses with UTF-8 have a type of their own. */
static void append_recipient(struct bytes *to, const char *name, const struct address *address)
{
	struct bytes value = {0};
	bool is_utf8 = false;
	for (size_t i = 0; i < address->text.len; i++)
		is_utf8 = is_utf8 || (unsigned char)address->text.data[i] >= 0x80;
	bytes_append_text(&value, is_utf8 ? "utf-8; " : "rfc822; ");
	bytes_append_span(&value, address->text);
	compose_words(to, name, bytes_span(&value));
	bytes_clear(&value);
}

static struct span find_id(const struct mdn *mdn)
{
	struct header_field field;
	if (!header_find(mdn->message->head, "Message-ID", &field))
		return (struct span){NULL, 0};
	return compose_find_id(field.value);
}

static void append_fields(
    struct arena *arena, struct bytes *to, const struct mdn *mdn, struct span id)
{
	struct span domain = mdn->recipient->address.domain;
	struct compose_mailbox from = {
	    .name = SPAN("Mail Delivery Subsystem"), .address = mdn->postmaster};
	struct compose_mailbox sender = {
	    .address = mdn->envelope->sender.text, .is_bracketed = true};
	if (from.address.len == 0)
		from.address = arena_spanf(arena, "postmaster@%.*s", (int)domain.len, domain.data);
	compose_words(to, "Message-ID", id);
	compose_date(to, mdn->now);
	compose_mailboxes(to, "From", &from, 1);
	compose_mailboxes(to, "To", &sender, 1);
	if (mdn->subject.len > 0)
		compose_text(to, "Subject", mdn->subject);
	else
		compose_text(to, "Subject",
		    arena_spanf(
		        arena, "Rejected: %.*s", (int)mdn->old_subject.len, mdn->old_subject.data));
	compose_threading(to, mdn->message->head);
	compose_words(to, "Auto-Submitted", SPAN("auto-replied (rejected)"));
	compose_words(to, "Precedence", SPAN("bulk"));
}

static void append_reason(struct bytes *to, const struct mdn *mdn)
{
	struct bytes text = {0};
	bytes_appendf(&text,
	    "Your message to <%.*s> was refused by the recipient's mail filter:\n\n",
	    (int)mdn->recipient->address.text.len, mdn->recipient->address.text.data);
	bytes_append_span(&text, mdn->reason);
	compose_body(to, bytes_span(&text));
	bytes_clear(&text);
}

static void append_disposition(struct bytes *to, const struct mdn *mdn)
{
	struct span id = find_id(mdn);
	bytes_append_text(to, "Content-Type: message/disposition-notification\n\n");
	bytes_append_text(to, "Reporting-UA: " PACKAGE_NAME "; " PACKAGE_STRING "\n");
	if (mdn->recipient->original.text.len > 0)
		append_recipient(to, "Original-Recipient", &mdn->recipient->original);
	append_recipient(to, "Final-Recipient", &mdn->recipient->address);
	if (id.data != NULL)
		compose_words(to, "Original-Message-ID", id);
	bytes_append_text(to, "Disposition: automatic-action/MDN-sent-automatically; deleted\n");
}

struct message *mdn_compose(struct arena *arena, const struct mdn *mdn)
{
	struct bytes text = {0};
	struct span original = find_id(mdn);
	const struct span pieces[] = {original, mdn->envelope->queue_id, mdn->envelope->sender.text,
	    mdn->recipient->address.text, original.data == NULL ? mdn->message->head : SPAN("")};
	struct span id = compose_message_id(arena, "reject", pieces,
	    sizeof(pieces) / sizeof(pieces[0]), mdn->recipient->address.domain);
	append_fields(arena, &text, mdn, id);
	compose_multipart(&text, "multipart/report; report-type=disposition-notification", id);
	compose_part(&text, id);
	append_reason(&text, mdn);
	compose_part(&text, id);
	append_disposition(&text, mdn);
	compose_part(&text, id);
	bytes_append_text(
	    &text, "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: 8bit\n\n");
	compose_foreign(&text, id, mdn->message->head);
	compose_end(&text, id);
	return compose_finish(arena, &text);
}
