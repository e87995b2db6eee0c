#include "mail/message.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>

#define COPY_BYTES ((size_t)128 * 1024)
#define BEGIN_SYNC_BYTES (8 * COPY_BYTES)

static uint64_t count_lines(struct span text)
{
	uint64_t lines = 0;
	struct span line;
	while (span_find(text, '\n') < text.len && span_next_line(&text, &line))
		lines += line.len == 0 || line.data[line.len - 1] != '\r';
	return lines;
}

/* How many bytes of `text` are header: up to and with the empty line. When the text goes on
 * behind `text` (`is_cut`), an unfinished last line is left to the body. */
static size_t header_len(struct span text, bool is_cut)
{
	struct span rest = text;
	struct span line;
	while (rest.len > 0) {
		struct span before = rest;
		span_next_line(&rest, &line);
		if (line.len == 0)
			return text.len - rest.len;
		if (is_cut && line.len == before.len)
			return text.len - before.len;
	}
	return text.len;
}

bool message_open(struct arena *arena, const struct spool *spool, struct message *message_out,
    struct status *status)
{
	uint64_t size = spool_size_bytes(spool);
	struct span start = spool_in_memory(spool);
	if (start.data == NULL) {
		/* Most headers are short: try with little first. */
		size_t wanted = 32768;
		for (;; wanted = MESSAGE_HEADER_MAX) {
			char *data = arena_new_items(arena, wanted, 1);
			size_t got;
			if (!spool_read(spool, 0, data, wanted, &got, status))
				return false;
			start = (struct span){data, got};
			if (wanted == MESSAGE_HEADER_MAX ||
			    header_len(start, got < size) < got * 3 / 4)
				break;
		}
	}
	start = span_first(start, MESSAGE_HEADER_MAX);
	size_t head_len = header_len(start, start.len < size);
	struct message_piece *body = ARENA_NEW(arena, struct message_piece);
	*message_out = (struct message){
	    .spool = spool,
	    .head = span_first(start, head_len),
	    .body = body,
	    .size_bytes = size,
	    .line_count = spool_line_count(spool),
	};
	*body = (struct message_piece){
	    .offset = head_len,
	    .size_bytes = size - head_len,
	    .line_count = message_out->line_count - count_lines(message_out->head),
	};
	return true;
}

struct message message_with_head(const struct message *message, struct span head)
{
	struct message version = *message;
	version.head = head;
	version.size_bytes = message->size_bytes - message->head.len + head.len;
	version.line_count = message->line_count - count_lines(message->head) + count_lines(head);
	return version;
}

uint64_t message_crlf_bytes(const struct message *message)
{
	return message->size_bytes + message->line_count;
}

/* -- Drafts -- */

/* `begins_with_lf` and `ends_in_cr` are of the piece: an LF behind a CR is no line of its own. */
static void add_piece(struct message_draft *draft, const struct message_piece *piece,
    bool begins_with_lf, bool ends_in_cr)
{
	struct message_piece *added = ARENA_NEW(draft->arena, struct message_piece);
	*added = *piece;
	added->next = NULL;
	if (draft->last == NULL)
		draft->first = added;
	else
		draft->last->next = added;
	draft->last = added;
	draft->size_bytes += piece->size_bytes;
	draft->line_count += piece->line_count - (begins_with_lf && draft->ends_in_cr);
	draft->ends_in_cr = ends_in_cr;
}

void message_draft_text(struct message_draft *draft, struct span text)
{
	if (text.len == 0)
		return;
	struct message_piece piece = {
	    .text = text, .size_bytes = text.len, .line_count = count_lines(text)};
	add_piece(draft, &piece, text.data[0] == '\n', text.data[text.len - 1] == '\r');
}

/* Lines of a stretch of the spool, read in pieces. */
static bool count_spool_lines(
    const struct spool *spool, struct message_piece *piece, struct status *status)
{
	char buffer[COPY_BYTES];
	bool has_cr = false;
	piece->line_count = 0;
	for (uint64_t done = 0; done < piece->size_bytes;) {
		uint64_t left = piece->size_bytes - done;
		size_t got;
		if (!spool_read(spool, piece->offset + done, buffer,
		        left < sizeof(buffer) ? (size_t)left : sizeof(buffer), &got, status))
			return false;
		if (got == 0)
			return status_fail(
			    status, CAUSE_INTERNAL, "message is shorter than its size");
		piece->line_count += count_lines((struct span){buffer, got});
		if (has_cr && buffer[0] == '\n')
			piece->line_count--;
		has_cr = buffer[got - 1] == '\r';
		done += got;
	}
	return true;
}

/* `is_part` where it is not the whole of a piece whose lines are known. */
static bool add_spool_piece(struct message_draft *draft, const struct message_piece *from,
    bool is_part, struct status *status)
{
	struct message_piece piece = *from;
	char first;
	char last;
	size_t got;
	if (piece.size_bytes == 0)
		return true;
	if ((is_part && !count_spool_lines(draft->spool, &piece, status)) ||
	    !spool_read(draft->spool, piece.offset, &first, 1, &got, status) ||
	    !spool_read(draft->spool, piece.offset + piece.size_bytes - 1, &last, 1, &got, status))
		return false;
	add_piece(draft, &piece, first == '\n', last == '\r');
	return true;
}

bool message_draft_range(struct message_draft *draft, const struct message *message, uint64_t from,
    uint64_t to, struct status *status)
{
	const struct message_piece head = {
	    .text = message->head, .size_bytes = message->head.len, .next = message->body};
	uint64_t start = 0; /* of the piece, in the message */
	for (const struct message_piece *piece = &head; piece != NULL && start < to;
	     start += piece->size_bytes, piece = piece->next) {
		uint64_t end = start + piece->size_bytes;
		uint64_t skip = from > start ? from - start : 0;
		uint64_t left_out = end > to ? end - to : 0;
		if (skip + left_out >= piece->size_bytes)
			continue;
		uint64_t wanted = piece->size_bytes - skip - left_out;
		if (piece->text.data != NULL) {
			message_draft_text(draft,
			    span_first(span_from(piece->text, (size_t)skip), (size_t)wanted));
			continue;
		}
		struct message_piece part = *piece;
		part.offset += skip;
		part.size_bytes = wanted;
		if (!add_spool_piece(draft, &part, wanted < piece->size_bytes, status))
			return false;
	}
	return true;
}

struct message message_draft_finish(const struct message_draft *draft, struct span head)
{
	return (struct message){
	    .spool = draft->spool,
	    .head = head,
	    .body = draft->first,
	    .size_bytes = head.len + draft->size_bytes,
	    .line_count = count_lines(head) + draft->line_count,
	};
}

/* A copy with the line ends of the spool. */
static struct span with_lf(struct arena *arena, struct span text)
{
	char *copy = arena_new_items(arena, text.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != '\r' || i + 1 == text.len || text.data[i + 1] != '\n')
			copy[len++] = text.data[i];
	}
	return (struct span){copy, len};
}

struct message message_of_text(struct arena *arena, struct span text)
{
	struct message_draft draft = {.arena = arena};
	text = with_lf(arena, text);
	size_t head_len =
	    header_len(span_first(text, MESSAGE_HEADER_MAX), text.len > MESSAGE_HEADER_MAX);
	message_draft_text(&draft, span_from(text, head_len));
	return message_draft_finish(&draft, span_first(text, head_len));
}

/* -- Reading -- */

static bool read_piece(const struct message *message, const struct message_piece *piece,
    uint64_t skip, char *data, size_t len, size_t *got_out, struct status *status)
{
	uint64_t left = piece->size_bytes - skip;
	if (len > left)
		len = (size_t)left;
	if (piece->text.data == NULL)
		return spool_read(message->spool, piece->offset + skip, data, len, got_out, status);
	memcpy(data, piece->text.data + skip, len);
	*got_out = len;
	return true;
}

bool message_read(const struct message *message, uint64_t offset, char *data, size_t len,
    size_t *got_out, struct status *status)
{
	const struct message_piece head = {
	    .text = message->head, .size_bytes = message->head.len, .next = message->body};
	size_t done = 0;
	uint64_t start = 0;
	for (const struct message_piece *piece = &head; piece != NULL && done < len;
	     start += piece->size_bytes, piece = piece->next) {
		size_t got;
		if (offset + done >= start + piece->size_bytes)
			continue;
		if (!read_piece(message, piece, offset + done - start, data + done, len - done,
		        &got, status))
			return false;
		done += got;
	}
	*got_out = done;
	return true;
}

static bool write_all(int fd, const char *data, size_t len, struct status *status)
{
	if (file_write_all(fd, data, len) == 0)
		return true;
	return status_errno(status, CAUSE_MAILBOX, errno, "write");
}

bool message_write(const struct message *message, int fd, struct status *status)
{
	char buffer[COPY_BYTES];
	uint64_t offset = 0;
	uint64_t begun = 0;
	/* Head and the first of the tail in one call: most messages are no longer. */
	while (offset < message->size_bytes) {
		size_t got;
		if (!message_read(message, offset, buffer, sizeof(buffer), &got, status) ||
		    !write_all(fd, buffer, got, status))
			return false;
		offset += got;
		if (got == 0)
			return status_fail(
			    status, CAUSE_INTERNAL, "message is shorter than its size");
		/* It will be synced: the disk can work while we copy. */
		if (offset - begun >= BEGIN_SYNC_BYTES) {
			file_begin_sync(fd, begun, offset - begun);
			begun = offset;
		}
	}
	return true;
}
