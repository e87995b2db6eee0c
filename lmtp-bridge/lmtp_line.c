#include "lmtp-bridge/lmtp_line.h"

#include <string.h>

/* Of a line that is too long the last byte is kept, to see how it ends. */
static void append(struct lmtp_line *line, const char *in, size_t len, size_t max)
{
	if (line->bytes.len + len >= max) {
		line->is_too_long = true;
		bytes_reset(&line->bytes);
	}
	if (line->is_too_long && len > 0) {
		bytes_reset(&line->bytes);
		bytes_append_byte(&line->bytes, in[len - 1]);
	} else {
		bytes_append(&line->bytes, in, len);
	}
}

static enum lmtp_line_end end(struct lmtp_line *line, struct span *text_out)
{
	struct span text = bytes_span(&line->bytes);
	bool is_too_long = line->is_too_long;
	bool has_cr = text.len > 0 && text.data[text.len - 1] == '\r';
	line->is_too_long = false;
	bytes_reset(&line->bytes);
	if (!has_cr)
		return LMTP_LINE_BARE_LF;
	*text_out = span_first(text, text.len - 1);
	return is_too_long ? LMTP_LINE_TOO_LONG : LMTP_LINE_WHOLE;
}

size_t lmtp_line_step(struct lmtp_line *line, const char *in, size_t len, size_t max,
    enum lmtp_line_end *end_out, struct span *text_out)
{
	const char *lf = memchr(in, '\n', len);
	size_t part = lf == NULL ? len : (size_t)(lf - in);
	append(line, in, part, max);
	*end_out = lf == NULL ? LMTP_LINE_NOT_YET : end(line, text_out);
	return lf == NULL ? len : part + 1;
}

void lmtp_line_clear(struct lmtp_line *line)
{
	bytes_clear(&line->bytes);
}
