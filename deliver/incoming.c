/* incoming.c - a message as it came becomes the version of each recipient. */
#include "deliver/incoming.h"

#include "deliver/delivery.h"
#include "deliver/queue_id.h"

void incoming_read(struct arena *arena, const struct envelope *envelope, const struct spool *spool,
    struct incoming *incoming)
{
	struct message whole;
	bool is_stdin = envelope->protocol.data == NULL;
	*incoming = (struct incoming){.envelope = *envelope};
	if (!message_open(arena, spool, &whole, &incoming->trouble))
		return;
	incoming->is_read = true;
	incoming->message = top_block_take(arena, &whole, is_stdin, &incoming->block);
	if (envelope->sender.text.data == NULL && incoming->block.has_sender)
		incoming->envelope.sender = incoming->block.sender;
	if (envelope->queue_id.data == NULL)
		incoming->envelope.queue_id = queue_id_find(arena, incoming->message.head);
}

void incoming_give(const struct incoming *incoming, struct delivery *delivery,
    struct pipeline_recipient *recipient)
{
	if (recipient->envelope.original.text.data == NULL && incoming->block.has_original)
		recipient->envelope.original = incoming->block.original;
	delivery->message = top_block_write(delivery->arena, &incoming->message, &incoming->block,
	    &incoming->envelope, &recipient->envelope, delivery->settings->hostname,
	    delivery->call->id);
	delivery->top_bytes =
	    delivery->message.head.len - incoming->message.head.len + incoming->block.len;
	delivery->has_message = true;
}
