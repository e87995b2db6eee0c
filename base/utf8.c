#include "base/utf8.h"

bool utf8_next(struct span *rest, uint32_t *character_out)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	if (rest->len == 0)
		return false;
	unsigned char first = (unsigned char)rest->data[0];
	size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
	if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || rest->len < more + 1)
		return false;
	uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
	for (size_t i = 1; i <= more; i++) {
		unsigned char byte = (unsigned char)rest->data[i];
		if ((byte & 0xC0) != 0x80)
			return false;
		character = character << 6 | (byte & 0x3Fu);
	}
	if (character < least[more] || character > 0x10FFFF ||
	    (character >= 0xD800 && character <= 0xDFFF))
		return false;
	*rest = span_from(*rest, more + 1);
	*character_out = character;
	return true;
}

bool utf8_is_valid(struct span text)
{
	uint32_t character;
	do {
		while (text.len > 0 && (unsigned char)text.data[0] < 0x80)
			text = (struct span){text.data + 1, text.len - 1};
	} while (utf8_next(&text, &character));
	return text.len == 0;
}

bool utf8_is_ascii(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	}
	return true;
}

void utf8_append(struct bytes *to, uint32_t character)
{
	if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
		character = 0xFFFD;
	if (character < 0x80) {
		bytes_append_byte(to, (char)character);
		return;
	}
	int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
	static const uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
	bytes_append_byte(to, (char)(lead[more] | character >> (6 * more)));
	while (more-- > 0)
		bytes_append_byte(to, (char)(0x80 | (character >> (6 * more) & 0x3F)));
}

void utf8_hide_controls(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool has_more = i + 1 < len && ((unsigned char)text[i + 1] & 0xE0) == 0x80;
		if (byte < ' ' || byte == 0x7F)
			text[i] = '?';
		else if (byte == 0xC2 && has_more)
			text[i] = text[i + 1] = '?';
	}
}
