#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Counted bytes. NUL and 8-bit are bytes like any other. "nocase" folds ASCII letters only. */

/* Borrows bytes that somebody else owns; `data` may be null when `len` is 0. */
struct span {
	const char *data;
	size_t len;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* Borrows a NUL-terminated string (null gives an empty span). */
struct span span_of(const char *text);
bool span_equals(struct span a, struct span b);
bool span_equals_nocase(struct span a, struct span b);
/* Compares with a NUL-terminated string. */
bool span_is(struct span a, const char *text);
bool span_is_nocase(struct span a, const char *text);
bool span_starts_with(struct span a, const char *prefix);
bool span_starts_with_nocase(struct span a, const char *prefix);
/* The index of the first/last `byte`, or `a.len` when there is none. */
size_t span_find(struct span a, char byte);
size_t span_find_last(struct span a, char byte);
/* What is left without the first `count` bytes (empty if there are fewer). */
struct span span_from(struct span a, size_t count);
/* At most the first `count` bytes. */
struct span span_first(struct span a, size_t count);
/* Without blanks (space, tab, CR, LF) at both ends. */
struct span span_trim(struct span a);
/* Takes the next line off `rest`, without its LF; false when `rest` is empty. */
bool span_next_line(struct span *rest, struct span *line_out);
/* Takes the next piece up to `separator` off `rest`; false when `rest.data` is null, which the
 * last piece makes it: so "a,b," gives "a", "b", "" and an empty span gives one empty piece. */
bool span_next_piece(struct span *rest, char separator, struct span *piece_out);
static inline char ascii_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}
/* 0 to 15 for a hexadecimal digit, else -1. */
int ascii_hex_value(char byte);
/* ASCII that can be seen: neither blank nor control character nor 8-bit. */
bool ascii_is_visible(char byte);

/* Growing bytes on the heap; zero-initialise it, bytes_clear() frees. `data` is not
 * NUL-terminated unless bytes_terminate() was the last call. Growth never fails (memory.h). */
struct bytes {
	char *data;
	size_t len;
	size_t capacity;
};

void bytes_append(struct bytes *to, const void *data, size_t len);
void bytes_append_span(struct bytes *to, struct span from);
void bytes_append_text(struct bytes *to, const char *text);
void bytes_append_byte(struct bytes *to, char byte);
void bytes_appendf(struct bytes *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bytes_appendv(struct bytes *to, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Makes room for `more` bytes behind `len` and returns where they start. */
char *bytes_reserve(struct bytes *to, size_t more);
/* Puts a NUL behind the bytes, not counted in `len`; returns `data` as a string. */
const char *bytes_terminate(struct bytes *to);
struct span bytes_span(const struct bytes *from);
/* Forgets the contents, keeps the memory. */
void bytes_reset(struct bytes *to);
/* Drops the first `count` bytes. */
void bytes_drop(struct bytes *from, size_t count);
void bytes_clear(struct bytes *from);

#endif
