/* lmtp_transaction.c - who is to get the message, and whose reply is next. */
#include "lmtp-bridge/lmtp_transaction.h"

#include "base/memory.h"
#include "lmtp-bridge/lmtp_reply.h"

#include <assert.h>
#include <stdlib.h>

void lmtp_transaction_init(struct lmtp_transaction *transaction)
{
	*transaction = (struct lmtp_transaction){.arena = arena_new()};
}

void lmtp_transaction_clear(struct lmtp_transaction *transaction)
{
	arena_free(&transaction->arena);
	free(transaction->recipients);
	free(transaction->replies);
	free(transaction->mentions);
}

void lmtp_transaction_reset(struct lmtp_transaction *transaction)
{
	arena_reset(transaction->arena);
	transaction->envelope = (struct envelope){0};
	transaction->recipient_count = 0;
	transaction->mention_count = 0;
	transaction->answered = 0;
	transaction->answered_mention = 0;
}

static struct address keep_address(struct arena *arena, const struct address *from)
{
	if (from->text.data == NULL)
		return *from;
	return (struct address){arena_span(arena, from->text), arena_span(arena, from->local),
	    arena_span(arena, from->domain)};
}

static struct span keep_span(struct arena *arena, struct span from)
{
	return from.data == NULL ? from : arena_span(arena, from);
}

/* Doubles the room for items of `size` bytes where it is used up. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity == 0 ? 8 : *capacity * 2;
	return memory_resize(items, *capacity * size);
}

void lmtp_transaction_begin(struct lmtp_transaction *transaction, const struct envelope *envelope)
{
	struct arena *arena = transaction->arena;
	struct envelope *kept = &transaction->envelope;
	*kept = *envelope;
	kept->sender = keep_address(arena, &envelope->sender);
	kept->envid = keep_span(arena, envelope->envid);
	kept->client_name = keep_span(arena, envelope->client_name);
	kept->client_address = keep_span(arena, envelope->client_address);
	kept->protocol = keep_span(arena, envelope->protocol);
	kept->queue_id = keep_span(arena, envelope->queue_id);
	kept->origin_name = keep_span(arena, envelope->origin_name);
	kept->origin_address = keep_span(arena, envelope->origin_address);
}

size_t lmtp_transaction_find(
    const struct lmtp_transaction *transaction, const struct envelope_recipient *wanted)
{
	for (size_t i = 0; i < transaction->recipient_count; i++) {
		const struct envelope_recipient *one = &transaction->recipients[i];
		/* Local parts byte for byte: whether case means something is not ours to say. */
		if (span_equals(one->address.local, wanted->address.local) &&
		    span_equals_nocase(one->address.domain, wanted->address.domain) &&
		    span_equals(one->orcpt, wanted->orcpt) && one->notify == wanted->notify)
			return i;
	}
	return transaction->recipient_count;
}

void lmtp_transaction_mention(struct lmtp_transaction *transaction, size_t index)
{
	transaction->mentions = grow(transaction->mentions, transaction->mention_count,
	    &transaction->mention_capacity, sizeof(transaction->mentions[0]));
	transaction->mentions[transaction->mention_count++] = index;
}

void lmtp_transaction_accept(
    struct lmtp_transaction *transaction, const struct envelope_recipient *recipient)
{
	struct arena *arena = transaction->arena;
	size_t count = transaction->recipient_count;
	size_t capacity = transaction->recipient_capacity;
	transaction->recipients = grow(transaction->recipients, count,
	    &transaction->recipient_capacity, sizeof(transaction->recipients[0]));
	transaction->replies =
	    grow(transaction->replies, count, &capacity, sizeof(transaction->replies[0]));
	transaction->recipients[count] = (struct envelope_recipient){
	    .address = keep_address(arena, &recipient->address),
	    .original = keep_address(arena, &recipient->original),
	    .orcpt = keep_span(arena, recipient->orcpt),
	    .notify = recipient->notify,
	};
	lmtp_transaction_mention(transaction, transaction->recipient_count++);
}

/* "<address> text"; a text that names the address itself begins with it already. */
void lmtp_transaction_tell(const struct lmtp_transaction *transaction, const struct status *status,
    struct span address, const char *id, struct bytes *to)
{
	struct bytes text = {0};
	if (status->text[0] != '<') {
		bytes_append_text(&text, "<");
		bytes_append_span(&text, address);
		bytes_append_text(&text, "> ");
	}
	if (status_is_success(status) && id != NULL)
		bytes_appendf(&text, "%s ", id);
	bytes_append_text(&text, status->text);
	lmtp_reply_append(to, status_reply(status), status_enhanced(status), bytes_span(&text),
	    transaction->envelope.smtputf8);
	bytes_clear(&text);
}

size_t lmtp_transaction_due(const struct lmtp_transaction *transaction)
{
	return transaction->recipient_count - transaction->answered;
}

void lmtp_transaction_answer(struct lmtp_transaction *transaction, const struct status *status,
    const char *id, struct bytes *to)
{
	struct bytes text = {0};
	size_t index = transaction->answered++;
	lmtp_transaction_tell(
	    transaction, status, transaction->recipients[index].address.text, id, &text);
	transaction->replies[index] = arena_span(transaction->arena, bytes_span(&text));
	bytes_clear(&text);
	while (transaction->answered_mention < transaction->mention_count &&
	       transaction->mentions[transaction->answered_mention] < transaction->answered) {
		size_t mentioned = transaction->mentions[transaction->answered_mention++];
		bytes_append_span(to, transaction->replies[mentioned]);
	}
	assert(lmtp_transaction_due(transaction) > 0 ||
	       transaction->answered_mention == transaction->mention_count);
}
