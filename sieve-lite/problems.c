#include "sieve-lite/problems.h"

#include "sieve-lite/limits.h"

#include <stdarg.h>
#include <string.h>

#define QUOTE_BYTES 64

__attribute__((format(printf, 4, 0))) static void add(
    struct problems *to, struct place at, bool is_warning, const char *format, va_list args)
{
	struct sieve_errors *errors = to->errors;
	unsigned *count = is_warning ? &errors->warning_count : &errors->error_count;
	if (++*count > LIMIT_ERRORS)
		return;
	struct bytes message = {0};
	bytes_appendv(&message, format, args);
	struct sieve_error *error = ARENA_NEW(to->arena, struct sieve_error);
	*error = (struct sieve_error){
	    .is_warning = is_warning,
	    .script = to->script,
	    .line = at.line,
	    .column = at.column,
	    .message = arena_text(to->arena, bytes_span(&message)),
	};
	bytes_clear(&message);
	if (errors->last == NULL)
		errors->first = error;
	else
		errors->last->next = error;
	errors->last = error;
}

void problem_error(struct problems *to, struct place at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(to, at, false, format, args);
	va_end(args);
}

void problem_warning(struct problems *to, struct place at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(to, at, true, format, args);
	va_end(args);
}

bool problem_is_enough(const struct problems *problems)
{
	return problems->errors->error_count >= LIMIT_ERRORS;
}

const char *problem_quote(struct problems *problems, struct span text)
{
	bool is_long = text.len > QUOTE_BYTES;
	struct span shown = span_first(text, QUOTE_BYTES);
	/* No half characters at the end. */
	while (is_long && shown.len > 0 && ((unsigned char)text.data[shown.len] & 0xC0) == 0x80)
		shown.len--;
	char *quoted = arena_textf(
	    problems->arena, "%.*s%s", (int)shown.len, shown.data, is_long ? "..." : "");
	for (char *byte = quoted; *byte != '\0'; byte++) {
		if ((unsigned char)*byte < ' ' || *byte == 0x7F)
			*byte = '?';
	}
	return quoted;
}
