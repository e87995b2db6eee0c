/* top_block.c - the trace fields above a message: reading what the MTA wrote there, removing what
 * came forged with the message, writing ours. */
#include "mail/top_block.h"

#include "base/clock.h"
#include "mail/date.h"
#include "mail/header.h"

static bool is_from_line(struct span line)
{
	return span_starts_with(line, "From ") || span_starts_with(line, ">From ");
}

/* Takes "From sender date" off `head`; the sender is its second word. */
static bool take_from_line(struct span *head, struct span *sender_out)
{
	struct span line;
	if (!is_from_line(*head))
		return false;
	span_next_line(head, &line);
	line = span_from(line, span_find(line, ' ') + 1);
	*sender_out = span_first(line, span_find(line, ' '));
	return true;
}

static struct span without_brackets(struct span text)
{
	text = span_trim(text);
	if (text.len >= 2 && text.data[0] == '<' && text.data[text.len - 1] == '>')
		return span_first(span_from(text, 1), text.len - 2);
	return text;
}

static void take_sender(struct arena *arena, struct span text, struct top_block *block)
{
	text = without_brackets(text);
	if (address_is_null_sender(text))
		text = SPAN("");
	if (address_parse(arena, text, &block->sender, NULL))
		block->has_sender = true;
}

/* One field of the run: true if it belongs to it and is the first of its name. */
static bool take_field(
    struct arena *arena, const struct header_field *field, struct top_block *block)
{
	if (span_is_nocase(field->name, "Return-Path") && !block->wrote_return_path) {
		block->wrote_return_path = true;
		take_sender(arena, header_unfold(arena, field->value), block);
		return true;
	}
	if (span_is_nocase(field->name, "X-Original-To") && !block->wrote_original_to) {
		struct span text = without_brackets(header_unfold(arena, field->value));
		block->wrote_original_to = true;
		block->has_original =
		    text.len > 0 && address_parse(arena, text, &block->original, NULL);
		return true;
	}
	if (span_is_nocase(field->name, "Delivered-To") && !block->wrote_delivered_to) {
		block->wrote_delivered_to = true;
		return true;
	}
	return false;
}

/* The length of the believed run at the top of `head`. */
static size_t take_run(struct arena *arena, struct span head, struct top_block *block)
{
	struct span rest = head;
	struct header_field field;
	size_t len = 0;
	/* A line that is no field ends the run: header_next() would pass over it. */
	while (header_next(&rest, &field) && field.whole.data == head.data + len &&
	       take_field(arena, &field, block))
		len += field.whole.len;
	return len;
}

static bool is_forged(const struct header_field *field)
{
	return span_is_nocase(field->name, "Return-Path") ||
	       span_is_nocase(field->name, "X-Original-To");
}

/* `kept` and then the rest of the head without the fields that came with the message. */
static struct span without_forged(struct arena *arena, struct span kept, struct span rest)
{
	struct bytes clean = {0};
	struct header_field field;
	const char *copied = rest.data;
	const char *end = rest.data + rest.len;
	bytes_append_span(&clean, kept);
	while (header_next(&rest, &field)) {
		if (!is_forged(&field))
			continue;
		bytes_append(&clean, copied, (size_t)(field.whole.data - copied));
		copied = field.whole.data + field.whole.len;
	}
	if (copied != NULL)
		bytes_append(&clean, copied, (size_t)(end - copied));
	struct span copy = arena_span(arena, bytes_span(&clean));
	bytes_clear(&clean);
	return copy;
}

struct message top_block_take(struct arena *arena, const struct message *message, bool is_believed,
    struct top_block *block_out)
{
	struct span head = message->head;
	struct span from_sender;
	*block_out = (struct top_block){0};
	bool has_from = take_from_line(&head, &from_sender);
	size_t run = is_believed ? take_run(arena, head, block_out) : 0;
	if (has_from && is_believed && !block_out->has_sender)
		take_sender(arena, from_sender, block_out);
	struct span kept = span_first(head, run);
	block_out->len = run;
	return message_with_head(message, without_forged(arena, kept, span_from(head, run)));
}

static void write_address(struct bytes *to, const char *name, struct span text, bool has_brackets)
{
	bytes_appendf(
	    to, has_brackets ? "%s: <%.*s>\n" : "%s: %.*s\n", name, (int)text.len, text.data);
}

/* RFC 5321 4.4; folded where the peers fold it. */
static void write_received(struct arena *arena, struct bytes *to, const struct envelope *envelope,
    struct span recipient, const char *hostname, const char *id)
{
	struct span name = envelope->client_name;
	struct span address = envelope->client_address;
	struct span date = date_format(arena, clock_now().tv_sec);
	bytes_appendf(to, "Received: from %.*s", (int)name.len, name.data);
	/* RFC 5321 4.1.3: an IPv6 literal has a tag. */
	const char *tag = span_find(address, ':') < address.len ? "IPv6:" : "";
	if (address.len > 0)
		bytes_appendf(to, " ([%s%.*s])", tag, (int)address.len, address.data);
	bytes_appendf(to, "\n\tby %s with %.*s id %s\n\tfor <%.*s>; %s\n", hostname,
	    (int)envelope->protocol.len, envelope->protocol.data, id, (int)recipient.len,
	    recipient.data, date.data);
}

struct message top_block_write(struct arena *arena, const struct message *message,
    const struct top_block *taken, const struct envelope *envelope,
    const struct envelope_recipient *recipient, const char *hostname, const char *id)
{
	struct bytes top = {0};
	if (!taken->wrote_return_path)
		write_address(&top, "Return-Path", envelope->sender.text, true);
	if (!taken->wrote_original_to && recipient->original.text.data != NULL)
		write_address(&top, "X-Original-To", recipient->original.text, false);
	if (!taken->wrote_delivered_to)
		write_address(&top, "Delivered-To", recipient->address.text, false);
	if (envelope->protocol.data != NULL)
		write_received(arena, &top, envelope, recipient->address.text, hostname, id);
	bytes_append_span(&top, message->head);
	/* No empty line is put in where a message has none: what is below stays byte for byte. */
	struct span head = arena_span(arena, bytes_span(&top));
	bytes_clear(&top);
	return message_with_head(message, head);
}
