/* fuzz_message.c - any bytes as a message: through the spool, split into head and body, its top
 * block read and written. The body stays byte for byte, the sizes are those of the bytes, and no
 * forged trace survives. Build and run: tests/fuzz/run.sh fuzz_message 60
 *
 * The first bytes of the input: flags, how it is cut, how often it is repeated (so that it
 * outgrows the memory of the spool). */
#include "mail/header.h"
#include "mail/top_block.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { IS_BELIEVED = 1, IS_LMTP = 2, IS_REPEATED = 4 };

/* What the spool must hold: CR LF as LF, everything else as it came. */
static void normalise(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != '\r' || i + 1 == text.len || text.data[i + 1] != '\n')
			bytes_append_byte(to, text.data[i]);
	}
}

static uint64_t count_lines(struct span text)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r');
	return lines;
}

/* The version's bytes are as many as it says, however they are read. */
static void check_version(const struct message *message, struct span spooled)
{
	struct bytes all = {0};
	struct status status;
	size_t step = 1 + message->size_bytes / 7;
	size_t got;
	do {
		assert(
		    message_read(message, all.len, bytes_reserve(&all, step), step, &got, &status));
		all.len += got;
	} while (got > 0);
	assert(all.len == message->size_bytes);
	assert(count_lines(bytes_span(&all)) == message->line_count);
	assert(span_equals(span_first(bytes_span(&all), message->head.len), message->head));
	assert(span_equals(span_from(bytes_span(&all), message->head.len),
	    span_from(spooled, (size_t)message->body->offset)));
	bytes_clear(&all);
}

static bool is_trace(const struct header_field *field)
{
	return span_is_nocase(field->name, "Return-Path") ||
	       span_is_nocase(field->name, "X-Original-To");
}

/* Every other field is there, in its order; of the traces at most one of each. */
static void check_fields(struct span before, struct span after, const struct top_block *block)
{
	struct header_field was;
	struct header_field is;
	unsigned traces = 0;
	while (header_next(&after, &is)) {
		if (is_trace(&is)) {
			traces++;
			continue;
		}
		do {
			assert(header_next(&before, &was));
		} while (is_trace(&was));
		assert(span_equals(was.whole, is.whole));
	}
	while (header_next(&before, &was))
		assert(is_trace(&was));
	assert(traces == (unsigned)block->wrote_return_path + (unsigned)block->wrote_original_to);
}

static void check_top(
    struct arena *arena, const struct message *message, struct span spooled, unsigned flags)
{
	struct top_block block;
	struct envelope envelope = {0};
	struct envelope_recipient recipient = {0};
	struct message taken = top_block_take(arena, message, (flags & IS_BELIEVED) != 0, &block);
	check_version(&taken, spooled);
	struct span head = message->head;
	struct span line;
	if (span_starts_with(head, "From ") || span_starts_with(head, ">From "))
		span_next_line(&head, &line);
	check_fields(head, taken.head, &block);

	assert(address_parse(arena, SPAN("s@example.org"), &envelope.sender, NULL));
	assert(address_parse(arena, SPAN("r@example.org"), &recipient.address, NULL));
	if ((flags & IS_LMTP) != 0)
		envelope.protocol = SPAN("LMTP");
	struct message written =
	    top_block_write(arena, &taken, &block, &envelope, &recipient, "mx.example.org", "ID");
	check_version(&written, spooled);
	assert(span_equals(span_from(written.head, written.head.len - taken.head.len), taken.head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 3)
		return 0;
	unsigned flags = data[0];
	size_t step = (size_t)data[1] + 1;
	unsigned times = (flags & IS_REPEATED) != 0 ? data[2] * 16u : 1;
	struct bytes raw = {0};
	struct bytes wanted = {0};
	struct status status;
	struct message message;
	for (unsigned i = 0; i < times && raw.len < 3000000; i++)
		bytes_append(&raw, data + 3, len - 3);
	normalise(&wanted, bytes_span(&raw));
	if (raw.len > 100000)
		step *= 500;

	struct spool *spool = spool_new("/tmp");
	for (size_t at = 0; at < raw.len; at += step)
		assert(spool_append(
		    spool, raw.data + at, step < raw.len - at ? step : raw.len - at, &status));
	assert(spool_finish(spool, &status));
	assert(spool_size_bytes(spool) == wanted.len);
	assert(spool_line_count(spool) == count_lines(bytes_span(&wanted)));

	struct arena *arena = arena_new();
	assert(message_open(arena, spool, &message, &status));
	assert(message.head.len <= MESSAGE_HEADER_MAX);
	check_version(&message, bytes_span(&wanted));
	check_top(arena, &message, bytes_span(&wanted), flags);
	arena_free(&arena);
	spool_free(&spool);
	bytes_clear(&raw);
	bytes_clear(&wanted);
	return 0;
}
