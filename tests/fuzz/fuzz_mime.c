/* fuzz_mime.c - any bytes as a message with parts: they lie within one another and within the
 * message, what they hold is bounded, and a part can be replaced without a change around it.
 * Build and run: tests/fuzz/run.sh fuzz_mime 60
 *
 * The first byte of the input says which part is replaced, the second how often the rest is
 * repeated. */
#include "mail/html_text.h"
#include "mail/mime.h"
#include "mail/mime_text.h"
#include "mail/mime_value.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_all(const struct message *message, struct bytes *to)
{
	struct status status;
	size_t got;
	size_t wanted = (size_t)message->size_bytes;
	assert(message_read(message, 0, bytes_reserve(to, wanted + 1), wanted + 1, &got, &status));
	assert(got == wanted);
	to->len = got;
}

static uint64_t count_lines(struct span text)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r');
	return lines;
}

static void check_tree(const struct message *message, const struct mime_tree *tree)
{
	assert(tree->count >= 1 && tree->count <= MIME_PARTS_MAX);
	assert(tree->parts[0].end == tree->count && tree->parts[0].body_end == message->size_bytes);
	for (size_t i = 0; i < tree->count; i++) {
		const struct mime_part *part = &tree->parts[i];
		assert(part->end > i && part->end <= tree->count);
		assert(part->depth <= MIME_DEPTH_MAX && (i == 0) == (part->depth == 0));
		assert(part->header_start <= part->body_start);
		assert(part->body_start <= part->body_end);
		assert(part->body_end <= message->size_bytes);
		assert(part->kind == MIME_LEAF ? part->end == i + 1 : part->type.len > 0);
		assert(part->kind != MIME_MESSAGE || part->end > i + 1);
		if (part->kind == MIME_MULTIPART) {
			assert(part->body_start <= part->prologue_end);
			assert(part->prologue_end <= part->body_end);
			assert(part->epilogue_start <= part->body_end);
		}
		uint64_t last = part->body_start;
		for (size_t child = i + 1; child < part->end; child = tree->parts[child].end) {
			assert(tree->parts[child].depth == part->depth + 1);
			assert(tree->parts[child].header_start >= last);
			last = tree->parts[child].body_end;
		}
	}
}

static void check_texts(const struct message *message, const struct mime_tree *tree)
{
	struct bytes text = {0};
	struct status status;
	for (size_t i = 0; i < tree->count && i < 50; i++) {
		bytes_reset(&text);
		assert(mime_text_visible(message, &tree->parts[i], &text, &status));
		assert(text.len <= 4 * MIME_TEXT_MAX);
		bytes_reset(&text);
		assert(mime_text_content(message, &tree->parts[i], &text, &status));
		assert(text.len <= MIME_TEXT_MAX);
	}
	bytes_clear(&text);
}

static void check_version(const struct message *version, struct span wanted)
{
	struct bytes all = {0};
	read_all(version, &all);
	assert(span_equals(bytes_span(&all), wanted));
	assert(version->line_count == count_lines(wanted));
	bytes_clear(&all);
}

/* The message with other text in the place of a part, twice. */
static void check_replacing(struct arena *arena, const struct message *message,
    const struct mime_part *part, struct span text)
{
	struct status status;
	struct message version = *message;
	struct bytes all = {0};
	struct bytes wanted = {0};
	uint64_t from = part->header_start;
	uint64_t end = part->body_end;
	read_all(message, &all);
	for (int i = 0; i < 2; i++) {
		struct message_draft draft = {.arena = arena, .spool = message->spool};
		assert(message_draft_range(&draft, &version, version.head.len, from, &status));
		message_draft_text(&draft, text);
		assert(message_draft_range(&draft, &version, end, version.size_bytes, &status));
		version = message_draft_finish(&draft, version.head);
		end = from + text.len;
	}
	bytes_append(&wanted, all.data, (size_t)from);
	bytes_append_span(&wanted, text);
	bytes_append_span(&wanted, span_from(bytes_span(&all), (size_t)part->body_end));
	check_version(&version, bytes_span(&wanted));
	bytes_clear(&wanted);
	bytes_clear(&all);
}

static void check_value(struct arena *arena, struct span value)
{
	struct mime_value parsed;
	struct bytes text = {0};
	if (mime_value_type(arena, value, &parsed))
		assert(parsed.type.len > 0 && parsed.subtype.len > 0);
	mime_value_disposition(arena, value, &parsed);
	html_text_append(&text, value);
	assert(text.len <= 2 * value.len + 2);
	bytes_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	struct span text = {(const char *)data + 2, len - 2};
	struct spool *spool = spool_new("/tmp");
	struct arena *arena = arena_new();
	struct status status;
	struct message message;
	struct mime_tree tree;
	for (unsigned i = 0; i <= (data[1] < 128 ? 0 : data[1] - 127u); i++)
		assert(spool_append(spool, text.data, text.len, &status));
	assert(spool_finish(spool, &status));
	assert(message_open(arena, spool, &message, &status));
	assert(mime_parse(arena, &message, &tree, &status));
	check_tree(&message, &tree);
	check_texts(&message, &tree);
	const struct mime_part *part = &tree.parts[data[0] % tree.count];
	if (part->header_start >= message.head.len && part->depth > 0)
		check_replacing(arena, &message, part, span_first(text, 50));
	check_value(arena, text);
	arena_free(&arena);
	spool_free(&spool);
	return 0;
}
