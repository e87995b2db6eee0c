#include "base/json.h"

#include "base/utf8.h"

void json_append_string(struct bytes *to, struct span text)
{
	bytes_append_byte(to, '"');
	while (text.len > 0) {
		struct span here = text;
		uint32_t character;
		if (!utf8_next(&text, &character)) {
			text = span_from(text, 1);
			bytes_append_text(to, "\\ufffd");
		} else if (character == '"' || character == '\\') {
			bytes_appendf(to, "\\%c", (char)character);
		} else if (character < ' ' || character == 0x7F) {
			bytes_appendf(to, "\\u%04x", (unsigned)character);
		} else {
			bytes_append(to, here.data, here.len - text.len);
		}
	}
	bytes_append_byte(to, '"');
}
