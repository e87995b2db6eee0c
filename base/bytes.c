#include "base/bytes.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ascii_hex_value(char byte)
{
	char lower = ascii_lower(byte);
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool ascii_is_visible(char byte)
{
	return byte > ' ' && byte < 0x7F;
}

struct span span_of(const char *text)
{
	return (struct span){text, text == NULL ? 0 : strlen(text)};
}

bool span_equals(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool span_equals_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	}
	return true;
}

bool span_is(struct span a, const char *text)
{
	return span_equals(a, span_of(text));
}

/* Most names that are compared differ in their first byte. */
bool span_is_nocase(struct span a, const char *text)
{
	for (size_t i = 0; i < a.len; i++) {
		if (text[i] == '\0' || ascii_lower(a.data[i]) != ascii_lower(text[i]))
			return false;
	}
	return text[a.len] == '\0';
}

bool span_starts_with(struct span a, const char *prefix)
{
	return span_equals(span_first(a, strlen(prefix)), span_of(prefix));
}

bool span_starts_with_nocase(struct span a, const char *prefix)
{
	return span_equals_nocase(span_first(a, strlen(prefix)), span_of(prefix));
}

size_t span_find(struct span a, char byte)
{
	const char *at = a.len == 0 ? NULL : memchr(a.data, byte, a.len);
	return at == NULL ? a.len : (size_t)(at - a.data);
}

size_t span_find_last(struct span a, char byte)
{
	for (size_t i = a.len; i > 0; i--) {
		if (a.data[i - 1] == byte)
			return i - 1;
	}
	return a.len;
}

struct span span_from(struct span a, size_t count)
{
	if (count >= a.len)
		return (struct span){a.data == NULL ? NULL : a.data + a.len, 0};
	return (struct span){a.data + count, a.len - count};
}

struct span span_first(struct span a, size_t count)
{
	return (struct span){a.data, count < a.len ? count : a.len};
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span span_trim(struct span a)
{
	while (a.len > 0 && is_blank(a.data[0]))
		a = span_from(a, 1);
	while (a.len > 0 && is_blank(a.data[a.len - 1]))
		a.len--;
	return a;
}

bool span_next_line(struct span *rest, struct span *line_out)
{
	if (rest->len == 0)
		return false;
	size_t end = span_find(*rest, '\n');
	*line_out = span_first(*rest, end);
	*rest = span_from(*rest, end + 1);
	return true;
}

bool span_next_piece(struct span *rest, char separator, struct span *piece_out)
{
	if (rest->data == NULL)
		return false;
	size_t end = span_find(*rest, separator);
	*piece_out = span_first(*rest, end);
	*rest = end == rest->len ? (struct span){NULL, 0} : span_from(*rest, end + 1);
	return true;
}

char *bytes_reserve(struct bytes *to, size_t more)
{
	if (more > SIZE_MAX / 2 - to->len)
		memory_exhausted();
	size_t needed = to->len + more;
	if (to->data == NULL || needed > to->capacity) {
		size_t capacity = to->capacity < 64 ? 64 : to->capacity * 2;
		if (capacity < needed)
			capacity = needed;
		to->data = memory_resize(to->data, capacity);
		to->capacity = capacity;
	}
	return to->data + to->len;
}

void bytes_append(struct bytes *to, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(bytes_reserve(to, len), data, len);
	to->len += len;
}

void bytes_append_span(struct bytes *to, struct span from)
{
	bytes_append(to, from.data, from.len);
}

void bytes_append_text(struct bytes *to, const char *text)
{
	bytes_append(to, text, strlen(text));
}

void bytes_append_byte(struct bytes *to, char byte)
{
	*bytes_reserve(to, 1) = byte;
	to->len++;
}

void bytes_appendv(struct bytes *to, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	char *at = bytes_reserve(to, 1);
	size_t room = to->capacity - to->len;
	int len = vsnprintf(at, room, format, args);
	if (len < 0)
		memory_exhausted();
	if ((size_t)len >= room)
		vsnprintf(bytes_reserve(to, (size_t)len + 1), (size_t)len + 1, format, again);
	va_end(again);
	to->len += (size_t)len;
}

void bytes_appendf(struct bytes *to, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bytes_appendv(to, format, args);
	va_end(args);
}

const char *bytes_terminate(struct bytes *to)
{
	*bytes_reserve(to, 1) = '\0';
	return to->data;
}

struct span bytes_span(const struct bytes *from)
{
	return (struct span){from->data, from->len};
}

void bytes_reset(struct bytes *to)
{
	to->len = 0;
}

void bytes_drop(struct bytes *from, size_t count)
{
	if (count > from->len)
		count = from->len;
	from->len -= count;
	if (from->len > 0)
		memmove(from->data, from->data + count, from->len);
}

void bytes_clear(struct bytes *from)
{
	free(from->data);
	*from = (struct bytes){0};
}
