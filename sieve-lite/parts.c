/* parts.c - the MIME parts of the message in effect. What is made of them is kept for the next
 * test, as long as it is not much. */
#include "sieve-lite/parts.h"

#include "mail/mime_text.h"
#include "sieve-lite/fields.h"

/* Reading is counted: a script that reads a long message again and again is stopped. */
#define BYTES_PER_STEP 1024
/* Text that is kept, in all; short ones always are. */
#define KEPT_BYTES ((size_t)4 * 1024 * 1024)
#define KEPT_ALWAYS_BYTES LIMIT_TOLD_BYTES

struct part_memory {
	struct field *fields;
	bool has_fields;
	struct span texts[PART_VIEWS]; /* null data: not kept */
};

struct parts {
	struct mime_tree tree;
	struct part_memory *memory;
	size_t kept_bytes;
};

bool parts_note_failure(struct run *run, bool is_done)
{
	if (!is_done)
		run_cannot_tell(run, "what the message holds");
	return is_done;
}

static struct parts *find_parts(struct run *run)
{
	struct status status;
	if (run->parts != NULL)
		return run->parts;
	struct parts *parts = ARENA_NEW(run->arena, struct parts);
	run_spend(run, 1 + run->message->size_bytes / BYTES_PER_STEP);
	if (run->unwind != UNWIND_NONE ||
	    !parts_note_failure(run, mime_parse(run->arena, run->message, &parts->tree, &status)))
		return NULL;
	size_t bytes = 0;
	for (size_t i = 0; i < parts->tree.count; i++)
		bytes += parts->tree.parts[i].header.len + sizeof(*parts->tree.parts) +
		         sizeof(*parts->memory);
	run_spend_bytes(run, bytes);
	parts->memory = arena_new_items(run->arena, parts->tree.count, sizeof(*parts->memory));
	run->parts = parts;
	return run->unwind == UNWIND_NONE ? parts : NULL;
}

const struct mime_tree *parts_tree(struct run *run)
{
	const struct parts *parts = find_parts(run);
	return parts != NULL ? &parts->tree : NULL;
}

size_t parts_current(const struct run *run)
{
	const struct part_loop *loop = run->part_loop;
	return loop != NULL && !loop->is_over ? loop->current : 0;
}

struct field *parts_fields(struct run *run, size_t index)
{
	struct parts *parts = find_parts(run);
	if (parts == NULL || index >= parts->tree.count)
		return NULL;
	struct part_memory *memory = &parts->memory[index];
	if (!memory->has_fields)
		memory->fields = fields_read(run, parts->tree.parts[index].header);
	memory->has_fields = true;
	return memory->fields;
}

static bool read_text(
    struct run *run, const struct mime_part *part, enum part_view view, struct bytes *to)
{
	struct status status;
	uint64_t size = part->body_end - part->body_start;
	run_spend(run, 1 + (size < MIME_TEXT_MAX ? size : MIME_TEXT_MAX) / BYTES_PER_STEP);
	switch (view) {
	case PART_RAW:
		return mime_text_raw(run->message, part->body_start, part->body_end, to, &status);
	case PART_CONTENT:
		return mime_text_content(run->message, part, to, &status);
	case PART_VISIBLE:
		return mime_text_visible(run->message, part, to, &status);
	}
	return false;
}

struct span parts_text(struct run *run, size_t index, enum part_view view, struct bytes *scratch)
{
	struct parts *parts = find_parts(run);
	if (parts == NULL || index >= parts->tree.count)
		return SPAN("");
	struct span *kept = &parts->memory[index].texts[view];
	if (kept->data != NULL)
		return *kept;
	bytes_reset(scratch);
	if (!parts_note_failure(run, read_text(run, &parts->tree.parts[index], view, scratch)))
		return SPAN("");
	struct span text = bytes_span(scratch);
	if (text.len > KEPT_ALWAYS_BYTES && text.len > KEPT_BYTES - parts->kept_bytes)
		return text;
	if (text.len > KEPT_ALWAYS_BYTES)
		parts->kept_bytes += text.len;
	run_spend_bytes(run, text.len);
	*kept = arena_span(run->arena, text);
	return *kept;
}

void parts_set_message(struct run *run, const struct message *version)
{
	for (struct part_loop *loop = run->part_loop; loop != NULL; loop = loop->outer)
		loop->is_over = true;
	fields_set_message(run, version);
}

void parts_set_text(struct run *run, struct span text)
{
	run_spend_bytes(run, text.len);
	if (run->unwind != UNWIND_NONE)
		return;
	struct message version = message_of_text(run->arena, text);
	parts_set_message(run, &version);
}
