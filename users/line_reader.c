#include "users/line_reader.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void line_reader_start(
    struct line_reader *reader, int fd, uint64_t offset, unsigned number, size_t block)
{
	char *data = reader->data;
	if (data == NULL)
		data = memory_resize(NULL, LINE_READER_LINE_MAX);
	*reader = (struct line_reader){
	    .fd = fd, .block = block, .data = data, .offset = offset, .number = number};
}

/* How many bytes came; 0 is the end of the file. There is room. */
static ssize_t fill(struct line_reader *reader)
{
	size_t kept = reader->end - reader->start;
	memmove(reader->data, reader->data + reader->start, kept);
	reader->start = 0;
	reader->end = kept;
	size_t wanted = LINE_READER_LINE_MAX - kept;
	if (reader->block < wanted)
		wanted = reader->block;
	/* What is looked for may stand at the beginning. */
	if (reader->block < LINE_READER_LINE_MAX)
		reader->block *= 2;
	ssize_t got = file_read_at(reader->fd, reader->data + kept, wanted, reader->offset + kept);
	if (got > 0) {
		reader->end += (size_t)got;
		if (memchr(reader->data + kept, '\0', (size_t)got) != NULL)
			reader->has_nul = true;
	}
	return got;
}

static void give(struct line_reader *reader, size_t len, enum line_end end, struct line *line_out)
{
	struct span text = {reader->data + reader->start, len};
	if (len > 0 && text.data[len - 1] == '\r')
		text.len--;
	*line_out = (struct line){text, reader->offset, reader->number, end};
	size_t used = len + (end == LINE_END_NEWLINE ? 1 : 0);
	reader->start += used;
	reader->offset += used;
	reader->is_in_long_line = end == LINE_END_TOO_LONG;
	reader->lacks_newline = end == LINE_END_MISSING;
	if (end != LINE_END_TOO_LONG)
		reader->number++;
}

/* The next piece of the file that ends in a newline, with the file, or with the buffer. */
static enum line_read next_piece(struct line_reader *reader, struct line *line_out)
{
	for (;;) {
		size_t len = reader->end - reader->start;
		char *start = reader->data + reader->start;
		char *newline = len == 0 ? NULL : memchr(start, '\n', len);
		if (newline != NULL) {
			give(reader, (size_t)(newline - start), LINE_END_NEWLINE, line_out);
			return LINE_READ_LINE;
		}
		if (len == LINE_READER_LINE_MAX) {
			give(reader, len, LINE_END_TOO_LONG, line_out);
			return LINE_READ_LINE;
		}
		ssize_t got = fill(reader);
		if (got < 0)
			return LINE_READ_ERROR;
		if (got == 0 && len == 0)
			return LINE_READ_END;
		if (got == 0) {
			give(reader, len, LINE_END_MISSING, line_out);
			return LINE_READ_LINE;
		}
	}
}

enum line_read line_reader_next(struct line_reader *reader, struct line *line_out)
{
	for (;;) {
		bool is_rest = reader->is_in_long_line;
		enum line_read read = next_piece(reader, line_out);
		if (!is_rest || read != LINE_READ_LINE)
			return read;
	}
}

void line_reader_clear(struct line_reader *reader)
{
	free(reader->data);
	*reader = (struct line_reader){0};
}
