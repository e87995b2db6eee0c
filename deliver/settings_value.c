/* settings_value.c - text into fields, as the rows of the table say.
 *
 * Fields are reached by their offset, and copied in as bytes, so that one parser serves all
 * structures. */
#include "deliver/settings_value.h"

#include "deliver/settings.h"

#include "base/number.h"

#include <inttypes.h>
#include <string.h>

const struct setting *setting_rows(const char *section, size_t *count_out)
{
	const struct setting *end = setting_table + setting_count;
	const struct setting *first = setting_table;
	/* The compiler keeps one copy of a name, so mostly a look at the pointer is enough. */
	const char *other = NULL;
	while (first < end && (first->section == other || strcmp(first->section, section) != 0))
		other = first++->section;
	const struct setting *behind = first;
	while (behind < end &&
	       (behind->section == first->section || strcmp(behind->section, section) == 0))
		behind++;
	*count_out = (size_t)(behind - first);
	return first;
}

const struct setting *setting_find(const char *section, struct span name)
{
	size_t count;
	const struct setting *rows = setting_rows(section, &count);
	for (size_t i = 0; i < count; i++) {
		if (span_is(name, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

const struct setting_section *setting_section_find(const char *parent, struct span name)
{
	for (size_t i = 0; i < setting_section_count; i++) {
		const struct setting_section *section = &setting_sections[i];
		if (strcmp(section->parent, parent) == 0 && span_is(name, section->name))
			return section;
	}
	return NULL;
}

/* -- names that are nearly right -------------------------------------------------------------- */

#define NAME_MAX_LEN 40

/* Levenshtein's distance; long names are far from everything. */
static size_t distance(struct span a, const char *b)
{
	size_t b_len = strlen(b);
	size_t row[NAME_MAX_LEN + 1];
	if (a.len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = diagonal + (ascii_lower(a.data[i - 1]) != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

struct guess {
	const char *name;
	size_t distance;
};

static void consider(struct guess *guess, struct span name, const char *candidate)
{
	size_t d = distance(name, candidate);
	if (d < guess->distance)
		*guess = (struct guess){candidate, d};
}

/* The section where a setting of exactly that name belongs, or null. */
static const char *home_of(struct span name)
{
	for (size_t i = 0; i < setting_count; i++) {
		if (span_is(name, setting_table[i].name))
			return setting_table[i].section;
	}
	return NULL;
}

static const char *place(struct arena *arena, const char *section)
{
	return section[0] == '\0' ? "outside of sections"
	                          : arena_textf(arena, "in section \"%s\"", section);
}

const char *setting_unknown(struct arena *arena, const char *section, struct span name)
{
	/* Two slips, but never a name that is mostly something else. */
	struct guess guess = {NULL, name.len / 2 < 3 ? name.len / 2 + 1 : 3};
	size_t count;
	const struct setting *rows = setting_rows(section, &count);
	for (size_t i = 0; i < count; i++)
		consider(&guess, name, rows[i].name);
	for (size_t i = 0; i < setting_section_count; i++) {
		if (strcmp(setting_sections[i].parent, section) == 0)
			consider(&guess, name, setting_sections[i].name);
	}
	const char *text = arena_textf(arena, "there is no setting \"%.*s\" %s",
	    (int)(name.len < 80 ? name.len : 80), name.data, place(arena, section));
	if (guess.name != NULL)
		return arena_textf(arena, "%s; did you mean \"%s\"?", text, guess.name);
	const char *home = home_of(name);
	if (home != NULL)
		return arena_textf(arena, "%s; it belongs %s", text, place(arena, home));
	return arena_textf(arena, "%s; remove it or see the manual page for the names", text);
}

/* -- values ------------------------------------------------------------------------------------ */

static const char *wrong(
    struct arena *arena, const struct setting *row, struct span text, const char *wanted)
{
	return arena_textf(arena, "%s = \"%.*s\": write %s", row->name,
	    (int)(text.len < 80 ? text.len : 80), text.data, wanted);
}

static const char *range_text(struct arena *arena, const struct setting *row, const char *unit)
{
	return arena_textf(
	    arena, "a number from %" PRIu64 "%s to %" PRIu64 "%s", row->min, unit, row->max, unit);
}

static const char *parse_number(
    struct arena *arena, const struct setting *row, struct span text, uint64_t *value_out)
{
	if (row->type == SETTING_BYTES) {
		if (!number_parse_bytes(text, value_out))
			return wrong(arena, row, text, "a size such as \"10M\" (B, K, M, G, T)");
	} else if (row->type == SETTING_SECONDS) {
		if (!number_parse_seconds(text, value_out))
			return wrong(arena, row, text, "a time such as \"240s\" (s, m, h, d)");
		if (*value_out < row->min || *value_out > row->max)
			return wrong(arena, row, text, range_text(arena, row, "s"));
	} else if (!number_parse(text, UINT64_MAX, value_out) || *value_out < row->min ||
	           *value_out > row->max) {
		return wrong(arena, row, text, range_text(arena, row, ""));
	}
	return NULL;
}

static const char *parse_mode(
    struct arena *arena, const struct setting *row, struct span text, uint64_t *value_out)
{
	uint64_t mode = 0;
	bool is_octal = text.len > 0 && text.len <= 4;
	for (size_t i = 0; is_octal && i < text.len; i++) {
		is_octal = text.data[i] >= '0' && text.data[i] <= '7';
		mode = mode * 8 + (uint64_t)(text.data[i] - '0');
	}
	if (!is_octal || mode > row->max)
		return wrong(arena, row, text, "a mode such as \"0660\"");
	*value_out = mode;
	return NULL;
}

static const char *parse_bool(
    struct arena *arena, const struct setting *row, struct span text, bool *value_out)
{
	if (span_is_nocase(text, "true") || span_is_nocase(text, "yes") ||
	    span_is_nocase(text, "on"))
		*value_out = true;
	else if (span_is_nocase(text, "false") || span_is_nocase(text, "no") ||
	         span_is_nocase(text, "off"))
		*value_out = false;
	else
		return wrong(arena, row, text, "true or false");
	return NULL;
}

static const char *parse_choice(
    struct arena *arena, const struct setting *row, struct span text, unsigned *value_out)
{
	struct span rest = span_of(row->choices);
	struct span word;
	struct bytes words = {0};
	for (unsigned i = 0; span_next_piece(&rest, '|', &word); i++) {
		if (span_equals(word, text)) {
			*value_out = i;
			bytes_clear(&words);
			return NULL;
		}
		bytes_appendf(&words, "%s\"%.*s\"",
		    i == 0              ? ""
		    : rest.data == NULL ? " or "
		                        : ", ",
		    (int)word.len, word.data);
	}
	const char *why = wrong(arena, row, text, bytes_terminate(&words));
	bytes_clear(&words);
	return why;
}

void setting_set_list(struct arena *arena, const struct setting *row, const struct span *items,
    size_t count, void *base)
{
	const char **texts = arena_new_items(arena, count + 1, sizeof(*texts));
	for (size_t i = 0; i < count; i++)
		texts[i] = arena_text(arena, items[i]);
	struct text_list list = {texts, count};
	memcpy((char *)base + row->offset, &list, sizeof(list));
}

static void split_list(struct arena *arena, const struct setting *row, struct span text, void *base)
{
	struct span item;
	size_t count = 0;
	struct span *items = arena_new_items(arena, text.len + 1, sizeof(*items));
	for (struct span rest = text; span_next_piece(&rest, ',', &item);) {
		item = span_trim(item);
		if (item.len > 0)
			items[count++] = item;
	}
	setting_set_list(arena, row, items, count, base);
}

const char *setting_set(
    struct arena *arena, const struct setting *row, struct span text, void *base)
{
	const char *why = NULL;
	void *field = (char *)base + row->offset;
	const char *copy;
	uint64_t number;
	unsigned choice = 0;
	bool flag = false;
	switch (row->type) {
	case SETTING_TEXT:
		copy = arena_text(arena, text);
		memcpy(field, &copy, sizeof(copy));
		break;
	case SETTING_LIST:
		split_list(arena, row, text, base);
		break;
	case SETTING_BOOL:
		if ((why = parse_bool(arena, row, text, &flag)) == NULL)
			memcpy(field, &flag, sizeof(flag));
		break;
	case SETTING_NUMBER:
	case SETTING_BYTES:
	case SETTING_SECONDS:
		if ((why = parse_number(arena, row, text, &number)) == NULL)
			memcpy(field, &number, sizeof(number));
		break;
	case SETTING_MODE:
		if ((why = parse_mode(arena, row, text, &number)) == NULL)
			memcpy(field, &number, sizeof(number));
		break;
	case SETTING_CHOICE:
		if ((why = parse_choice(arena, row, text, &choice)) == NULL)
			memcpy(field, &choice, sizeof(choice));
		break;
	}
	return why;
}

/* -- sections ---------------------------------------------------------------------------------- */

void setting_defaults(struct arena *arena, const char *section, void *base)
{
	size_t count;
	const struct setting *rows = setting_rows(section, &count);
	for (size_t i = 0; i < count; i++)
		setting_set(arena, &rows[i], span_of(rows[i].fallback), base);
}

void setting_section_defaults(struct arena *arena, const char *section, void *base)
{
	setting_defaults(arena, section, base);
	for (size_t i = 0; i < setting_section_count; i++) {
		const struct setting_section *inner = &setting_sections[i];
		if (strcmp(inner->parent, section) == 0 && !inner->is_titled)
			setting_section_defaults(arena, inner->name, (char *)base + inner->offset);
	}
}

size_t setting_entry_count(const struct setting_section *section, const void *parent)
{
	size_t count;
	memcpy(&count, (const char *)parent + section->count_offset, sizeof(count));
	return count;
}

void *setting_entry(const struct setting_section *section, void *parent, size_t index)
{
	char *entries;
	memcpy(&entries, (char *)parent + section->offset, sizeof(entries));
	return entries + index * section->size;
}

void *setting_entries_new(
    struct arena *arena, const struct setting_section *section, void *parent, size_t count)
{
	char *entries = arena_new_items(arena, count, section->size);
	size_t old_count = setting_entry_count(section, parent);
	if (old_count > 0)
		memcpy(entries, setting_entry(section, parent, 0), old_count * section->size);
	memcpy((char *)parent + section->offset, &entries, sizeof(entries));
	memcpy((char *)parent + section->count_offset, &count, sizeof(count));
	return entries;
}
