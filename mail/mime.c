/* mime.c - finds the parts of a message.
 *
 * Lines come one after the other, of each only the start is looked at; it is a boundary of one of
 *the multiparts that are open, innermost first, or part of what is being read: a header or a body.
 *So only headers are looked at twice, and nothing recurses.
 *
 *	delimiter = "--" boundary ["--"] *blank		the line end before it belongs to it
 */
#include "mail/mime.h"

#include "mail/address.h"
#include "mail/header.h"
#include "mail/mime_value.h"

#include <string.h>

#define READ_BYTES ((size_t)32 * 1024)

/* A part that is not closed yet. */
struct open_part {
	size_t index;
	struct span boundary; /* null data: no multipart, or its last boundary has passed */
	bool has_begun;       /* the first boundary has passed */
};

struct reader {
	struct arena *arena;
	const struct message *message;
	struct status *status;
	bool has_failed;
	struct mime_part *parts;
	size_t count;
	size_t capacity;
	struct open_part open[MIME_DEPTH_MAX + 1]; /* the innermost last */
	size_t depth;                              /* how many of them */
	bool is_in_header;                         /* of the innermost */
	size_t headers_len;                        /* kept so far */
	uint64_t line_start;
};

static struct mime_part *innermost(struct reader *reader)
{
	return &reader->parts[reader->open[reader->depth - 1].index];
}

/* -- Parts begin and end ------------------------------------------------------------------------
 */

static bool can_open(const struct reader *reader)
{
	return reader->depth <= MIME_DEPTH_MAX && reader->count < MIME_PARTS_MAX;
}

static void open_part(struct reader *reader, uint64_t start, bool is_in_message)
{
	if (reader->count == reader->capacity) {
		size_t capacity = reader->capacity * 4 + 4;
		struct mime_part *parts = arena_new_items(reader->arena, capacity, sizeof(*parts));
		if (reader->count > 0)
			memcpy(parts, reader->parts, reader->count * sizeof(*parts));
		reader->parts = parts;
		reader->capacity = capacity;
	}
	reader->parts[reader->count] = (struct mime_part){
	    .depth = (unsigned)reader->depth,
	    .header_start = start,
	    .is_in_message = is_in_message,
	    .type = SPAN("text"),
	    .subtype = SPAN("plain"),
	};
	reader->open[reader->depth++] = (struct open_part){.index = reader->count++};
	reader->is_in_header = true;
}

/* The header of a part, from its start to `end`, read again: it is needed in one piece. */
static struct span read_header(struct reader *reader, const struct mime_part *part, uint64_t end)
{
	uint64_t len = end - part->header_start;
	size_t room = MIME_HEADERS_MAX - reader->headers_len;
	if (room > MIME_HEADER_MAX)
		room = MIME_HEADER_MAX;
	size_t wanted = len < room ? (size_t)len : room;
	size_t got = 0;
	char *data = arena_new_items(reader->arena, wanted + 1, 1);
	if (!message_read(reader->message, part->header_start, data, wanted, &got, reader->status))
		reader->has_failed = true;
	struct span header = {data, got};
	/* Cut between lines; what was left out of a field is no field then. */
	if (wanted < len)
		header = span_first(header, span_find_last(header, '\n') + 1);
	reader->headers_len += span_first(header, wanted).len;
	return span_first(header, wanted);
}

static void read_type(struct reader *reader, struct mime_part *part, struct open_part *open)
{
	struct header_field field;
	struct mime_value value;
	const struct mime_part *outer =
	    reader->depth > 1 ? &reader->parts[reader->open[reader->depth - 2].index] : NULL;
	if (!header_find(part->header, "Content-Type", &field) ||
	    !mime_value_type(reader->arena, field.value, &value)) {
		/* RFC 2046 5.1.5 */
		if (outer != NULL && outer->kind == MIME_MULTIPART &&
		    span_is(outer->subtype, "digest")) {
			part->type = SPAN("message");
			part->subtype = SPAN("rfc822");
		}
		return;
	}
	part->type = value.type;
	part->subtype = value.subtype;
	part->charset = mime_value_parameter(&value, "charset");
	/* Blanks at its end cannot be told from those behind a boundary. */
	struct span boundary = mime_value_parameter(&value, "boundary");
	while (boundary.len > 0 && boundary.data[boundary.len - 1] == ' ')
		boundary.len--;
	if (span_is(part->type, "multipart") && boundary.len > 0 &&
	    boundary.len < MIME_LINE_MAX - 4) {
		part->kind = MIME_MULTIPART;
		open->boundary = boundary;
	}
}

static bool is_identity(struct span encoding)
{
	return encoding.data == NULL || span_is(encoding, "7bit") || span_is(encoding, "8bit") ||
	       span_is(encoding, "binary");
}

static void read_encoding(struct reader *reader, struct mime_part *part)
{
	struct header_field field;
	if (!header_find(part->header, "Content-Transfer-Encoding", &field))
		return;
	/* Some write a semicolon or a comment behind it. */
	struct span token = span_first(field.value, span_find(field.value, ';'));
	token = span_trim(span_first(token, span_find(token, '(')));
	if (token.len > 0)
		part->encoding = address_lower(reader->arena, token);
}

/* The header of the innermost part is complete, its body begins at `start`. */
static void end_header(struct reader *reader, uint64_t start, bool has_body)
{
	struct mime_part *part = innermost(reader);
	reader->is_in_header = false;
	part->body_start = start;
	part->has_body = has_body;
	part->header = reader->depth > 1 ? read_header(reader, part, start) : reader->message->head;
	read_type(reader, part, &reader->open[reader->depth - 1]);
	read_encoding(reader, part);
	bool is_message = span_is(part->type, "message") &&
	                  (span_is(part->subtype, "rfc822") || span_is(part->subtype, "global"));
	if (is_message && is_identity(part->encoding) && can_open(reader)) {
		part->kind = MIME_MESSAGE;
		open_part(reader, start, true);
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The innermost part ends at `end`. */
static void close_part(struct reader *reader, uint64_t end)
{
	const struct open_part *open = &reader->open[reader->depth - 1];
	struct mime_part *part = innermost(reader);
	part->end = reader->count;
	part->body_end = later(end, part->body_start);
	if (!open->has_begun)
		part->prologue_end = part->body_end;
	/* Without its last boundary, or with nothing behind that. */
	if (open->boundary.data != NULL || !open->has_begun ||
	    part->epilogue_start > part->body_end)
		part->epilogue_start = part->body_end;
	reader->depth--;
}

/* Parts deeper than `depth` end at `end`. */
static void close_parts(struct reader *reader, size_t depth, uint64_t end)
{
	while (reader->depth > depth) {
		/* That can open one more, a message of nothing, once. */
		if (reader->is_in_header)
			end_header(reader, later(end, innermost(reader)->header_start), false);
		else
			close_part(reader, end);
	}
}

/* -- Lines --------------------------------------------------------------------------------------
 */

/* How deep the multipart lies whose boundary this line is, from 1; or 0. */
static size_t find_boundary(const struct reader *reader, struct span line, bool *is_last_out)
{
	if (line.len < 2 || line.data[0] != '-' || line.data[1] != '-')
		return 0;
	struct span rest = span_from(line, 2);
	for (size_t depth = reader->depth; depth > 0; depth--) {
		struct span boundary = reader->open[depth - 1].boundary;
		if (boundary.data == NULL || !span_equals(span_first(rest, boundary.len), boundary))
			continue;
		struct span behind = span_from(rest, boundary.len);
		*is_last_out = span_starts_with(behind, "--");
		if (span_trim(*is_last_out ? span_from(behind, 2) : behind).len == 0)
			return depth;
	}
	return 0;
}

/* `next` is where the next line begins. */
static void take_boundary(struct reader *reader, size_t depth, bool is_last, uint64_t next)
{
	struct open_part *open = &reader->open[depth - 1];
	struct mime_part *multipart = &reader->parts[open->index];
	/* The line end goes with the boundary, unless it ends the header. */
	uint64_t end = later(reader->line_start, multipart->body_start + 1) - 1;
	close_parts(reader, depth, end);
	multipart = &reader->parts[open->index];
	if (!open->has_begun)
		multipart->prologue_end = end;
	multipart->epilogue_start = next;
	open->has_begun = true;
	if (is_last)
		open->boundary = (struct span){NULL, 0};
	else if (can_open(reader))
		open_part(reader, next, false);
}

/* A line, without its LF, or as much of it as is looked at; then it is no boundary. */
static void take_line(struct reader *reader, struct span line, bool is_cut, uint64_t next)
{
	bool is_last;
	size_t depth = is_cut ? 0 : find_boundary(reader, line, &is_last);
	if (depth > 0) {
		take_boundary(reader, depth, is_last, next);
		return;
	}
	if (reader->is_in_header && line.len == 0)
		end_header(reader, next, true);
}

/* Reads from where a line begins, to the end. */
static void read_lines(struct reader *reader, uint64_t start)
{
	char buffer[READ_BYTES];
	char carried[MIME_LINE_MAX]; /* the start of a line that was not all in the buffer */
	size_t carried_len = 0;
	size_t got = 0;
	reader->line_start = start;
	for (uint64_t offset = start; !reader->has_failed; offset += got) {
		if (!message_read(
		        reader->message, offset, buffer, READ_BYTES, &got, reader->status))
			reader->has_failed = true;
		if (reader->has_failed || got == 0)
			break;
		struct span rest = {buffer, got};
		while (rest.len > 0) {
			size_t len = span_find(rest, '\n');
			bool is_whole = len < rest.len;
			struct span line = span_first(rest, len);
			rest = span_from(rest, len + 1);
			uint64_t next = offset + (got - rest.len);
			if (carried_len > 0 || !is_whole) {
				size_t more = MIME_LINE_MAX - carried_len;
				more = line.len < more ? line.len : more;
				memcpy(carried + carried_len, line.data, more);
				carried_len += more;
				if (!is_whole)
					break;
				line = (struct span){carried, carried_len};
			}
			take_line(reader, span_first(line, MIME_LINE_MAX),
			    line.len >= MIME_LINE_MAX, next);
			carried_len = 0;
			reader->line_start = next;
		}
	}
	if (carried_len > 0 && !reader->has_failed)
		take_line(reader, (struct span){carried, carried_len}, carried_len == MIME_LINE_MAX,
		    reader->message->size_bytes);
}

/* An empty line ends it, or something stands behind it. */
static bool has_body(const struct message *message)
{
	struct span head = message->head;
	bool has_empty_line = head.len > 0 && head.data[head.len - 1] == '\n' &&
	                      (head.len == 1 || head.data[head.len - 2] == '\n');
	return has_empty_line || message->size_bytes > head.len;
}

bool mime_parse(struct arena *arena, const struct message *message, struct mime_tree *tree_out,
    struct status *status)
{
	struct reader reader = {.arena = arena, .message = message, .status = status};
	open_part(&reader, 0, true);
	reader.line_start = message->head.len;
	end_header(&reader, message->head.len, has_body(message));
	if (reader.parts[0].kind != MIME_LEAF)
		read_lines(&reader, message->head.len);
	close_parts(&reader, 0, message->size_bytes);
	*tree_out = (struct mime_tree){reader.parts, reader.count};
	return !reader.has_failed;
}
