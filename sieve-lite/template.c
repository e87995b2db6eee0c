#include "sieve-lite/template.h"

#include "base/number.h"

static void change_case(struct bytes *value, bool is_upper)
{
	for (size_t i = 0; i < value->len; i++) {
		char lower = ascii_lower(value->data[i]);
		bool is_letter = lower >= 'a' && lower <= 'z';
		value->data[i] = is_upper && is_letter ? (char)(lower - 'a' + 'A') : lower;
	}
}

/* At most so many bytes, and no half character. */
static void truncate_bytes(struct bytes *value, uint64_t len)
{
	if (value->len <= len)
		return;
	size_t end = (size_t)len;
	while (end > 0 && ((unsigned char)value->data[end] & 0xC0) == 0x80)
		end--;
	value->len = end;
}

static void trim(struct bytes *value)
{
	struct span kept = span_trim(bytes_span(value));
	if (kept.len == 0) {
		bytes_reset(value);
		return;
	}
	value->len = (size_t)(kept.data - value->data) + kept.len;
	bytes_drop(value, (size_t)(kept.data - value->data));
}

static bool apply_filter(struct bytes *value, struct span filter)
{
	static const char truncate[] = "truncate(";
	uint64_t len;
	if (span_is(filter, "lower") || span_is(filter, "upper")) {
		change_case(value, span_is(filter, "upper"));
	} else if (span_is(filter, "trim")) {
		trim(value);
	} else if (span_starts_with(filter, truncate) && filter.data[filter.len - 1] == ')') {
		filter = span_from(filter, sizeof(truncate) - 1);
		if (!number_parse(span_first(filter, filter.len - 1), SIZE_MAX, &len))
			return false;
		truncate_bytes(value, len);
	} else {
		return false;
	}
	return true;
}

/* What stands between the braces. */
static bool expand_one(
    struct bytes *to, struct span inner, template_look_up *look_up, void *context)
{
	struct bytes value = {0};
	struct span piece;
	struct span found;
	span_next_piece(&inner, '|', &piece);
	bool is_sound = look_up(context, span_trim(piece), &found);
	if (is_sound)
		bytes_append_span(&value, found);
	while (is_sound && inner.data != NULL && span_next_piece(&inner, '|', &piece))
		is_sound = apply_filter(&value, span_trim(piece));
	if (is_sound)
		bytes_append_span(to, bytes_span(&value));
	bytes_clear(&value);
	return is_sound;
}

bool template_expand(struct bytes *to, struct span text, template_look_up *look_up, void *context)
{
	size_t before = to->len;
	for (size_t i = 0; i < text.len;) {
		struct span rest = span_from(text, i);
		if (span_starts_with(rest, "%%")) {
			bytes_append_byte(to, '%');
			i += 2;
		} else if (span_starts_with(rest, "%{")) {
			size_t end = span_find(rest, '}');
			struct span inner = span_from(span_first(rest, end), 2);
			if (end == rest.len || !expand_one(to, inner, look_up, context)) {
				to->len = before;
				return false;
			}
			i += end + 1;
		} else {
			bytes_append_byte(to, rest.data[0]);
			i++;
		}
	}
	return true;
}
