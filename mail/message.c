#include "mail/message.h"

#include "base/file.h"
#include "mail/header.h"

#include <errno.h>
#include <string.h>

#define COPY_BYTES ((size_t)128 * 1024)

static uint64_t count_lines(struct span text)
{
	uint64_t lines = 0;
	struct span line;
	while (span_find(text, '\n') < text.len && span_next_line(&text, &line))
		lines += line.len == 0 || line.data[line.len - 1] != '\r';
	return lines;
}

static bool is_field_line(struct span line)
{
	size_t colon = span_find(line, ':');
	while (colon > 0 && colon < line.len &&
	       (line.data[colon - 1] == ' ' || line.data[colon - 1] == '\t'))
		colon--;
	return colon < line.len && header_name_is_valid(span_first(line, colon));
}

/* How many bytes of `text` are header: up to and with the empty line, or up to the first line
 * that cannot belong to it. A From_ line, even one that mboxes quote, may begin it. When the
 * text goes on behind `text` (`is_cut`), an unfinished last line is left to the body. */
static size_t header_len(struct span text, bool is_cut)
{
	struct span rest = text;
	struct span line;
	for (bool is_first = true; rest.len > 0; is_first = false) {
		struct span before = rest;
		span_next_line(&rest, &line);
		bool is_whole = line.len < before.len;
		if (line.len == 0)
			return text.len - rest.len;
		bool is_folded = !is_first && (line.data[0] == ' ' || line.data[0] == '\t');
		bool is_from = is_first && (span_starts_with(line, "From ") ||
		                               span_starts_with(line, ">From "));
		if ((is_cut && !is_whole) || !(is_folded || is_from || is_field_line(line)))
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
	*message_out = (struct message){
	    .spool = spool,
	    .head = span_first(start, head_len),
	    .tail_offset = head_len,
	    .size_bytes = size,
	    .line_count = spool_line_count(spool),
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

struct message message_of_text(struct span text)
{
	return (struct message){.head = text,
	    .tail_offset = text.len,
	    .size_bytes = text.len,
	    .line_count = count_lines(text)};
}

uint64_t message_crlf_bytes(const struct message *message)
{
	return message->size_bytes + message->line_count;
}

bool message_read(const struct message *message, uint64_t offset, char *data, size_t len,
    size_t *got_out, struct status *status)
{
	struct span head = {NULL, 0};
	size_t got = 0;
	if (offset < message->head.len)
		head = span_first(span_from(message->head, (size_t)offset), len);
	if (head.len > 0)
		memcpy(data, head.data, head.len);
	if (head.len < len && message->spool != NULL) {
		uint64_t tail = offset + head.len - message->head.len + message->tail_offset;
		if (!spool_read(
		        message->spool, tail, data + head.len, len - head.len, &got, status))
			return false;
	}
	*got_out = head.len + got;
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
	}
	return true;
}
