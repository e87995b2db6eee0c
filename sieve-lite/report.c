#include "sieve-lite/report.h"

#include "base/json.h"

#include <string.h>

#define SHOWN_BYTES 160

static struct span find_line(struct span source, unsigned number)
{
	struct span line = {NULL, 0};
	while (number-- > 0) {
		if (!span_next_line(&source, &line))
			return (struct span){NULL, 0};
	}
	return line;
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xC0) == 0x80;
}

static void append_source(struct bytes *to, struct span line, unsigned column)
{
	/* Of a long line, the part around the column. */
	size_t start = column > SHOWN_BYTES / 2 ? column - SHOWN_BYTES / 2 : 0;
	while (start > 0 && start < line.len && is_continuation(line.data[start]))
		start--;
	struct span shown = span_first(span_from(line, start), SHOWN_BYTES);
	bytes_append_text(to, "    ");
	for (size_t i = 0; i < shown.len; i++) {
		bool is_control = (unsigned char)shown.data[i] < ' ' || shown.data[i] == 0x7F;
		bytes_append_byte(to, is_control ? ' ' : shown.data[i]);
	}
	bytes_append_text(to, "\n    ");
	for (size_t i = start; i + 1 < column; i++) {
		if (i >= line.len || !is_continuation(line.data[i]))
			bytes_append_byte(to, ' ');
	}
	bytes_append_text(to, "^\n");
}

void report_error(
    struct bytes *to, const struct sieve_error *error, const char *name, struct span source)
{
	bool is_shown = strcmp(error->script, name) == 0;
	struct span line = find_line(is_shown ? source : SPAN(""), error->line);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	bytes_appendf(to, "%s:%u:%u: %s: %s\n", error->script, error->line, error->column,
	    error->is_warning ? "warning" : "error", error->message);
	if (line.data != NULL)
		append_source(to, line, error->column);
}

void report_json(struct bytes *to, const struct sieve_errors *errors)
{
	bytes_append_byte(to, '[');
	for (const struct sieve_error *error = errors->first; error != NULL; error = error->next) {
		bytes_append_text(to, error != errors->first ? ",{\"script\":" : "{\"script\":");
		json_append_string(to, span_of(error->script));
		bytes_appendf(to,
		    ",\"line\":%u,\"column\":%u,\"warning\":%s,\"message\":", error->line,
		    error->column, error->is_warning ? "true" : "false");
		json_append_string(to, span_of(error->message));
		bytes_append_byte(to, '}');
	}
	bytes_append_byte(to, ']');
}

void report_summary(struct bytes *to, const struct sieve_errors *errors)
{
	if (errors->error_count > 0)
		bytes_appendf(
		    to, "%u error%s", errors->error_count, errors->error_count == 1 ? "" : "s");
	if (errors->error_count > 0 && errors->warning_count > 0)
		bytes_append_text(to, " and ");
	if (errors->warning_count > 0)
		bytes_appendf(to, "%u warning%s", errors->warning_count,
		    errors->warning_count == 1 ? "" : "s");
}
