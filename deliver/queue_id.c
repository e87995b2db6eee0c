#include "deliver/queue_id.h"

#include "mail/header.h"

#include <string.h>

#define ID_MAX 40

/* The word behind the first " WORD " of the text. */
static struct span word_behind(struct span text, const char *word)
{
	size_t len = strlen(word);
	for (; text.len > 0; text = span_from(text, span_find(text, ' ') + 1)) {
		if (!span_starts_with(text, word) || text.len <= len || text.data[len] != ' ')
			continue;
		text = span_from(text, len + 1);
		return span_first(text, span_find(text, ' '));
	}
	return (struct span){NULL, 0};
}

static bool is_id(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		        c == '-'))
			return false;
	}
	return text.len > 0 && text.len <= ID_MAX;
}

static bool has_text(struct span value, const char *text)
{
	return memmem(value.data, value.len, text, strlen(text)) != NULL;
}

struct span queue_id_find(struct arena *arena, struct span head)
{
	struct header_field field;
	struct span none = {NULL, 0};
	if (!header_find(head, "Received", &field))
		return none;
	if (!has_text(field.value, "(Postfix") && !has_text(field.value, "(Exim"))
		return none;
	struct bytes line = {0};
	/* Folds are tabs and line ends. */
	bytes_append_span(&line, header_unfold(arena, field.value));
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '\t' || line.data[i] == ';')
			line.data[i] = ' ';
	}
	struct span id = word_behind(bytes_span(&line), "id");
	id = is_id(id) ? arena_span(arena, id) : none;
	bytes_clear(&line);
	return id;
}
