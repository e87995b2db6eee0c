/* repeats.c - the same message, redirected to the same address again.
 *
 * The same is what has the same Message-ID and would look the same to whoever reads it; when
 * somebody or a mailing list has sent it again, that makes it another one. A message without is
 * always new: what stands in its place in what we send (sending.c) tells the next one. */
#include "deliver/repeats.h"

#include "base/sha256.h"
#include "mail/header.h"

/* Beyond that its length tells. */
#define BODY_READ_MAX ((uint64_t)1024 * 1024)

static bool add_body(struct sha256 *sha, const struct message *message, struct status *status)
{
	char chunk[16384];
	uint64_t at = message->head.len;
	uint64_t size_bytes = message->size_bytes - at;
	uint64_t end = at + (size_bytes < BODY_READ_MAX ? size_bytes : BODY_READ_MAX);
	size_t got = sizeof(chunk);
	sha256_add(sha, &size_bytes, sizeof(size_bytes));
	for (; at < end && got > 0; at += got) {
		if (!message_read(message, at, chunk, sizeof(chunk), &got, status))
			return false;
		sha256_add(sha, chunk, got);
	}
	return true;
}

static void add_text(struct sha256 *sha, struct span text)
{
	sha256_add(sha, text.data, text.len);
	/* Nothing runs into the next: neither addresses nor unfolded fields have any. */
	sha256_add(sha, "\n", 1);
}

/* What the message is known by. There are programs that send everything under one Message-ID. */
static bool add_message(struct sha256 *sha, const struct delivery *delivery, struct status *status)
{
	static const char *const names[] = {
	    "Message-ID", "Resent-Message-ID", "Resent-From", "List-Id", "From", "Subject", "Date"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct header_field field = {0};
		(void)header_find(delivery->message.head, names[i], &field);
		add_text(sha, header_unfold(delivery->arena, field.value));
	}
	add_text(sha, delivery->recipient->envelope.address.text);
	return add_body(sha, &delivery->message, status);
}

static struct span id_of(const struct delivery *delivery, struct sha256 message, struct span target)
{
	unsigned char digest[SHA256_BYTES];
	struct bytes id = {0};
	add_text(&message, target);
	sha256_end(&message, digest);
	bytes_append_text(&id, "redirect ");
	for (size_t i = 0; i < sizeof(digest); i++)
		bytes_appendf(&id, "%02x", digest[i]);
	struct span copy = arena_span(delivery->arena, bytes_span(&id));
	bytes_clear(&id);
	return copy;
}

static bool is_redirect(const struct action *action)
{
	return action->kind == ACTION_REDIRECT;
}

static bool has_redirect(const struct action_list *actions)
{
	for (const struct action *action = actions->first; action != NULL; action = action->next) {
		if (is_redirect(action))
			return true;
	}
	return false;
}

bool repeats_judge(struct seen_room *room, struct delivery *delivery, struct status *status)
{
	uint64_t period_s = delivery->settings->sieve.redirect_duplicate_period_s;
	struct action_list left = {0};
	struct header_field field;
	struct sha256 message;
	if (period_s == 0 || !has_redirect(&delivery->actions) ||
	    !header_find(delivery->message.head, "Message-ID", &field))
		return true;
	sha256_init(&message);
	if (!add_message(&message, delivery, status))
		return false;
	for (struct action *next, *action = delivery->actions.first; action != NULL;
	     action = next) {
		enum seen_answer answer = SEEN_NO;
		next = action->next;
		if (is_redirect(action))
			answer = seen_ask(room, delivery, id_of(delivery, message, action->address),
			    period_s, false, status);
		if (answer == SEEN_CANNOT_TELL)
			return false;
		if (answer == SEEN_YES)
			delivery_note(delivery,
			    "not redirected to <%.*s>: the same message was, not long ago",
			    (int)action->address.len, action->address.data);
		else
			action_append(&left, action);
	}
	delivery->actions = left;
	return true;
}
