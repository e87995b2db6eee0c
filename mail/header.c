#include "mail/header.h"

bool header_name_is_valid(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] <= ' ' || name.data[i] == ':' || name.data[i] >= 0x7F)
			return false;
	}
	return name.len > 0;
}

static bool is_continuation(struct span text)
{
	return text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t');
}

/* How long the field at the start of `text` is, with its continuation lines. */
static size_t field_len(struct span text)
{
	struct span rest = text;
	struct span line;
	do {
		span_next_line(&rest, &line);
	} while (is_continuation(rest));
	return text.len - rest.len;
}

bool header_next(struct span *rest, struct header_field *field_out)
{
	while (rest->len > 0 && rest->data[0] != '\n') {
		struct span whole = span_first(*rest, field_len(*rest));
		*rest = span_from(*rest, whole.len);
		size_t colon = span_find(whole, ':');
		/* RFC 5322 4.5 lets blanks stand before the colon. */
		size_t name_len = colon;
		while (name_len > 0 &&
		       (whole.data[name_len - 1] == ' ' || whole.data[name_len - 1] == '\t'))
			name_len--;
		struct span name = span_first(whole, name_len);
		if (colon == whole.len || !header_name_is_valid(name))
			continue;
		struct span value = span_from(whole, colon + 1);
		if (value.len > 0 && value.data[value.len - 1] == '\n')
			value.len--;
		*field_out = (struct header_field){whole, name, value};
		return true;
	}
	return false;
}

bool header_find(struct span head, const char *name, struct header_field *field_out)
{
	while (header_next(&head, field_out)) {
		if (span_is_nocase(field_out->name, name))
			return true;
	}
	return false;
}

struct span header_unfold(struct arena *arena, struct span value)
{
	value = span_trim(value);
	if (span_find(value, '\n') == value.len)
		return value;
	char *unfolded = arena_text(arena, value);
	size_t len = 0;
	for (size_t i = 0; i < value.len; i++) {
		bool is_crlf =
		    value.data[i] == '\r' && i + 1 < value.len && value.data[i + 1] == '\n';
		bool is_folding_tab = value.data[i] == '\t' && i > 0 && value.data[i - 1] == '\n';
		if (value.data[i] != '\n' && !is_crlf)
			unfolded[len++] = is_folding_tab ? ' ' : value.data[i];
	}
	unfolded[len] = '\0';
	return (struct span){unfolded, len};
}
