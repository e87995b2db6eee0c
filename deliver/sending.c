/* sending.c - what leaves the house: redirects, letters of scripts, mailed refusals.
 *
 * Each becomes one file for each recipient in the user's outbox, written, synced and published
 * with the delivery's other copies; the flusher sends it, apart from the delivery.
 *
 * A redirected message is what came, byte for byte, but for the trace on top: the fields of this
 * delivery go (our Return-Path would be a lie at the next hop, our Delivered-To would make it
 * bounce where it comes back to), our mark is put there. By the mark we know what we sent before.
 */
#include "deliver/delivery.h"
#include "deliver/notice.h"
#include "deliver/outbox.h"
#include "deliver/pending.h"
#include "deliver/programs.h"
#include "deliver/receipt.h"
#include "deliver/state.h"

#include "base/utf8.h"
#include "mail/header.h"

#include <string.h>

#define MARK "X-Sieve-Redirected-From"
#define RECEIVED_MAX 100

/* -- who --------------------------------------------------------------------------------------- */

/* The recipient as an address that means the same elsewhere. */
static struct span own_address(const struct delivery *delivery)
{
	const struct address *address = &delivery->recipient->envelope.address;
	if (address->domain.len > 0)
		return address->text;
	return arena_spanf(delivery->arena, "%.*s@%s", (int)address->text.len, address->text.data,
	    delivery->settings->hostname);
}

static struct span postmaster(const struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	if (strchr(settings->postmaster, '@') != NULL)
		return span_of(settings->postmaster);
	return arena_spanf(delivery->arena, "%s@%s", settings->postmaster, settings->hostname);
}

bool sending_check(const struct settings *settings, struct status *status)
{
	static const char *const words[] = {
	    "sender", "recipient", "original_recipient", "postmaster", "srs"};
	const char *setting = settings->sieve.redirect_sender;
	struct span text = span_of(setting);
	struct address address;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(setting, words[i]) == 0)
			return true;
	}
	bool has_brackets = text.len > 2 && text.data[0] == '<' && text.data[text.len - 1] == '>';
	struct arena *arena = arena_new();
	bool is_address =
	    has_brackets &&
	    address_parse(arena, span_first(span_from(text, 1), text.len - 2), &address, NULL);
	arena_free(&arena);
	return is_address ||
	       status_fail(status, CAUSE_CONFIGURATION,
	           "sieve.redirect_sender = \"%s\": write sender, recipient, original_recipient, "
	           "postmaster, srs or <ADDRESS>",
	           setting);
}

/* The null sender stays null: what answers an answer makes loops. */
static void set_redirect_sender(const struct delivery *delivery, struct outbox_item *item)
{
	const char *setting = delivery->settings->sieve.redirect_sender;
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	item->sender = delivery->envelope->sender.text;
	if (item->sender.len == 0 || strcmp(setting, "sender") == 0)
		return;
	if (strcmp(setting, "srs") == 0)
		item->wants_srs = true;
	else if (strcmp(setting, "postmaster") == 0)
		item->sender = postmaster(delivery);
	else if (setting[0] == '<')
		item->sender = span_first(span_of(setting + 1), strlen(setting) - 2);
	else if (strcmp(setting, "original_recipient") == 0 && recipient->original.text.len > 0)
		item->sender = recipient->original.text;
	else
		item->sender = own_address(delivery);
}

/* -- loops ------------------------------------------------------------------------------------- */

/* Why it must not be sent on, or null. */
static const char *loop_sign(const struct delivery *delivery)
{
	struct span rest = delivery->message.head;
	struct span own = own_address(delivery);
	struct header_field field;
	unsigned received = 0;
	while (header_next(&rest, &field)) {
		if (span_is_nocase(field.name, MARK) &&
		    span_equals_nocase(header_unfold(delivery->arena, field.value), own))
			return "it was redirected from here before";
		if (span_is_nocase(field.name, "Received") && ++received > RECEIVED_MAX)
			return "it has too many Received fields";
	}
	return NULL;
}

void sending_judge(struct delivery *delivery)
{
	const char *sign = NULL;
	bool has_redirect = false;
	bool is_stored = delivery->implicit_keep;
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		has_redirect = has_redirect || action->kind == ACTION_REDIRECT;
		is_stored = is_stored || copies_is_stored(action);
	}
	if (has_redirect)
		sign = loop_sign(delivery);
	if (sign == NULL)
		return;
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind == ACTION_REDIRECT)
			delivery_note(delivery, "not redirected to <%.*s>: %s",
			    (int)action->address.len, action->address.data, sign);
	}
	action_drop(&delivery->actions, ACTION_REDIRECT);
	delivery->implicit_keep = delivery->implicit_keep || !is_stored;
}

/* -- the redirected message -------------------------------------------------------------------- */

/* 64 bits each of two different mixtures: no secret, only the same for the same bytes. */
struct digest {
	uint64_t a;
	uint64_t b;
};

static void digest_add(struct digest *digest, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];
		digest->a = (digest->a ^ byte) * UINT64_C(1099511628211); /* FNV-1a */
		digest->b = (digest->b + byte + 1) * UINT64_C(6364136223846793005);
	}
}

/* A Message-ID for a message that has none: the same whenever the same message comes for the same
 * recipient, so that what is sent twice can be known for it. */
static bool append_message_id(
    const struct delivery *delivery, struct bytes *to, struct status *status)
{
	char data[16384];
	struct digest digest = {UINT64_C(14695981039346656037), 1};
	struct span own = own_address(delivery);
	digest_add(&digest, own.data, own.len);
	for (uint64_t at = delivery->top_bytes; at < delivery->message.size_bytes;) {
		size_t got;
		if (!message_read(&delivery->message, at, data, sizeof(data), &got, status))
			return false;
		digest_add(&digest, data, got);
		at += got;
	}
	bytes_appendf(to, "Message-ID: <%016llx%016llx.redirect@%s>\n",
	    (unsigned long long)digest.a, (unsigned long long)digest.b,
	    delivery->settings->hostname);
	return true;
}

static bool make_redirected(const struct delivery *delivery, const struct message *version,
    struct message *message_out, struct status *status)
{
	struct bytes head = {0};
	struct header_field field;
	struct span own = own_address(delivery);
	struct span top = span_first(delivery->message.head, delivery->top_bytes);
	struct span rest = version->head;
	/* Whatever a script has made of it. */
	if (span_equals(span_first(rest, top.len), top))
		rest = span_from(rest, top.len);
	bytes_appendf(&head, MARK ": %.*s\n", (int)own.len, own.data);
	bool is_good = header_find(version->head, "Message-ID", &field) ||
	               append_message_id(delivery, &head, status);
	while (header_next(&top, &field)) {
		if (span_is_nocase(field.name, "Received"))
			bytes_append_span(&head, field.whole);
	}
	bytes_append_span(&head, rest);
	*message_out = message_with_head(version, arena_span(delivery->arena, bytes_span(&head)));
	bytes_clear(&head);
	return is_good;
}

/* -- the outbox -------------------------------------------------------------------------------- */

bool sending_open_outbox(struct delivery *delivery, struct status *status)
{
	if (delivery->outbox != NULL)
		return true;
	const char *directory = state_directory(delivery, status);
	if (directory == NULL)
		return false;
	struct store_options *options = ARENA_NEW(delivery->arena, struct store_options);
	*options = (struct store_options){
	    .location = arena_textf(delivery->arena, "maildir:%s/" OUTBOX_NAME, directory),
	    .host_name = delivery->settings->hostname,
	};
	delivery->pending = pending_of(delivery);
	delivery->outbox = store_open(delivery->arena, options, status);
	return delivery->outbox != NULL;
}

static bool add_item(struct delivery *delivery, const struct action *action,
    struct outbox_item *item, struct status *status)
{
	if (!sending_open_outbox(delivery, status))
		return false;
	item->owner = own_address(delivery);
	item->delivery_id = span_of(delivery->call->id);
	struct message *wrapped = ARENA_NEW(delivery->arena, struct message);
	*wrapped = outbox_wrap(delivery->arena, item);
	size_t at = delivery->copy_count + delivery->outgoing_count++;
	delivery->copies[at] = (struct delivery_copy){.action = action,
	    .folder = SPAN(""),
	    .may_create = true,
	    .message = wrapped,
	    .store = delivery->outbox};
	return true;
}

static bool plan_redirect(
    struct delivery *delivery, const struct action *action, struct status *status)
{
	const struct message *version =
	    action->message != NULL ? action->message : &delivery->message;
	const struct envelope *envelope = delivery->envelope;
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	struct message message;
	struct outbox_item item = {.kind = "redirect",
	    .recipient = action->address,
	    .smtputf8 = envelope->smtputf8 || !utf8_is_ascii(action->address),
	    .notify = recipient->notify,
	    .ret = envelope->ret,
	    .envid = envelope->envid,
	    .orcpt = recipient->orcpt,
	    .message = &message};
	set_redirect_sender(delivery, &item);
	if (receipt_is_due(delivery))
		item.notify = receipt_notify_others(item.notify);
	if (action->dsn != NULL && action->dsn->notify != ENVELOPE_NOTIFY_UNSAID)
		item.notify = action->dsn->notify;
	if (action->dsn != NULL && action->dsn->ret != ENVELOPE_RET_UNSAID)
		item.ret = action->dsn->ret;
	return make_redirected(delivery, version, &message, status) &&
	       add_item(delivery, action, &item, status);
}

static bool plan_letter(
    struct delivery *delivery, const struct action *action, struct status *status)
{
	const struct action_letter *letter = action->letter;
	struct address sender;
	if (!address_parse(delivery->arena, letter->sender, &sender, NULL)) {
		delivery_note(delivery, "%s is sent without a sender: there is no <%.*s>",
		    letter->name, (int)letter->sender.len, letter->sender.data);
		sender.text = SPAN("");
	}
	for (size_t i = 0; i < letter->recipient_count; i++) {
		struct address recipient;
		struct outbox_item item = {
		    .kind = letter->name, .sender = sender.text, .message = action->message};
		if (!address_parse(delivery->arena, letter->recipients[i], &recipient, NULL) ||
		    recipient.text.len == 0) {
			delivery_note(delivery, "%s is not sent to <%.*s>: that is no address",
			    letter->name, (int)letter->recipients[i].len,
			    letter->recipients[i].data);
			continue;
		}
		item.recipient = recipient.text;
		/* Nobody waits for word of it (RFC 5230 5.1). */
		if (sender.text.len == 0)
			item.notify = ENVELOPE_NOTIFY_NEVER;
		item.smtputf8 = !utf8_is_ascii(recipient.text) || !utf8_is_ascii(sender.text);
		if (!add_item(delivery, action, &item, status))
			return false;
	}
	return true;
}

/* Unless the protocol tells it; a null sender is told nothing. */
static bool plan_refusal(
    struct delivery *delivery, const struct action *action, struct status *status)
{
	struct outbox_item item = {.kind = "reject",
	    .sender = SPAN(""),
	    .recipient = delivery->envelope->sender.text,
	    .smtputf8 = delivery->envelope->smtputf8};
	if (delivery->is_refused || item.recipient.len == 0)
		return true;
	item.message = notice_refused(delivery, action);
	return add_item(delivery, action, &item, status);
}

static bool plan_pipe(struct delivery *delivery, const struct action *action, struct status *status)
{
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	struct outbox_item item = {.kind = PROGRAMS_PIPE,
	    .sender = delivery->envelope->sender.text,
	    .recipient = recipient->address.text,
	    .orcpt = recipient->original.text,
	    .program = *action->program,
	    .message = action->message != NULL ? action->message : &delivery->message};
	return add_item(delivery, action, &item, status);
}

/* The last one, because it may be left out in the end (copies_write). */
static bool plan_receipt(struct delivery *delivery, struct status *status)
{
	struct outbox_item item = {.kind = RECEIPT_KIND,
	    .sender = SPAN(""),
	    .recipient = delivery->envelope->sender.text,
	    .notify = ENVELOPE_NOTIFY_NEVER,
	    .smtputf8 = delivery->envelope->smtputf8};
	if (!receipt_is_due(delivery))
		return true;
	item.message = receipt_compose(delivery);
	delivery->has_receipt = true;
	return add_item(delivery, delivery->actions.first, &item, status);
}

/* How many copies for the outbox there can be. */
static size_t count_outgoing(const struct action_list *actions)
{
	size_t count = 1; /* a receipt */
	for (const struct action *action = actions->first; action != NULL; action = action->next)
		count += action->kind == ACTION_SEND ? action->letter->recipient_count : 1;
	return count;
}

bool sending_plan(struct delivery *delivery, struct status *status)
{
	struct delivery_copy *copies = arena_new_items(delivery->arena,
	    delivery->copy_count + count_outgoing(&delivery->actions) + 1, sizeof(*copies));
	memcpy(copies, delivery->copies, delivery->copy_count * sizeof(*copies));
	delivery->copies = copies;
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind == ACTION_REDIRECT && !plan_redirect(delivery, action, status))
			return false;
		if (action->kind == ACTION_REJECT && !plan_refusal(delivery, action, status))
			return false;
		if (action->kind == ACTION_PIPE && !plan_pipe(delivery, action, status))
			return false;
		if (action->kind == ACTION_SEND && !plan_letter(delivery, action, status))
			return false;
	}
	return plan_receipt(delivery, status);
}
