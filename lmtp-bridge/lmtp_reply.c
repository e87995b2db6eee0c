/* lmtp_reply.c - replies as they go over the wire.
 *
 *	reply = *( code "-" line CRLF ) code SP line CRLF	line = [ enhanced SP ] text */
#include "lmtp-bridge/lmtp_reply.h"

#include "base/utf8.h"

#include <string.h>

/* The first `max` bytes of `line` at most, cut behind a blank or at least between characters. */
static size_t fold_at(struct span line, size_t max)
{
	if (line.len <= max)
		return line.len;
	size_t blank = span_find_last(span_first(line, max), ' ');
	if (blank < max && blank > 0)
		return blank + 1;
	while (max > 1 && ((unsigned char)line.data[max] & 0xC0) == 0x80)
		max--;
	return max;
}

static void append_safe(struct bytes *to, struct span text, bool has_utf8)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		bool is_safe = byte < 0x80 ? byte >= ' ' && byte != 0x7F : has_utf8;
		bytes_append_byte(to, is_safe ? text.data[i] : '?');
	}
}

void lmtp_reply_append(
    struct bytes *to, int code, const char *enhanced, struct span text, bool has_utf8)
{
	const char *blank = enhanced[0] == '\0' ? "" : " ";
	size_t width = LMTP_REPLY_LINE_MAX - strlen("550 \r\n") - strlen(enhanced) - strlen(blank);
	bool is_last = false;
	has_utf8 = has_utf8 && utf8_is_valid(text);
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	while (!is_last) {
		size_t end = span_find(text, '\n');
		struct span part = span_first(text, fold_at(span_first(text, end), width));
		bool at_line_end = part.len == end && end < text.len;
		text = span_from(text, part.len + (at_line_end ? 1 : 0));
		is_last = text.len == 0;
		bytes_appendf(to, "%03d%c%s%s", code, is_last ? ' ' : '-', enhanced, blank);
		append_safe(to, part, has_utf8);
		bytes_append_text(to, "\r\n");
	}
}
