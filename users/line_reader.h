#ifndef USERS_LINE_READER_H
#define USERS_LINE_READER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Lines of a file, in bounded memory however long they are. Zero-initialise, then start; it may
 * be started again and again and keeps its buffer until line_reader_clear(). */
#define LINE_READER_LINE_MAX 65536

struct line_reader {
	int fd; /* borrowed */
	size_t block;
	char *data; /* LINE_READER_LINE_MAX bytes */
	size_t start;
	size_t end;
	uint64_t offset; /* in the file, of data[start] */
	unsigned number;
	bool is_in_long_line;
	bool has_nul;       /* a NUL byte was seen */
	bool lacks_newline; /* the last line was seen and does not end in one */
};

enum line_read { LINE_READ_LINE, LINE_READ_END, LINE_READ_ERROR /* errno */ };

enum line_end {
	LINE_END_NEWLINE,
	LINE_END_MISSING,  /* the file ends in the middle of the line */
	LINE_END_TOO_LONG, /* `text` is its beginning, the rest is passed over */
};

struct line {
	struct span text; /* without LF or CRLF; borrowed until the next call */
	uint64_t offset;
	unsigned number;
	enum line_end end;
};

/* Goes on at `offset`, where line `number` begins; reads `block` bytes at first, then twice as
 * many each time. */
void line_reader_start(
    struct line_reader *reader, int fd, uint64_t offset, unsigned number, size_t block);
enum line_read line_reader_next(struct line_reader *reader, struct line *line_out);
void line_reader_clear(struct line_reader *reader);

#endif
