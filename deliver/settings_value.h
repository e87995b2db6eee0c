#ifndef DELIVER_SETTINGS_VALUE_H
#define DELIVER_SETTINGS_VALUE_H

#include "base/arena.h"
#include "deliver/settings_table.h"

/* Rows of the table and the structures behind them. `base` is the structure of the section that
 * a row belongs to. */

/* The rows of a section: they stand together in the table. */
const struct setting *setting_rows(const char *section, size_t *count_out);
/* The row, or null. */
const struct setting *setting_find(const char *section, struct span name);
/* "there is no \"ovr\" in quota; did you mean \"over\"?" */
const char *setting_unknown(struct arena *arena, const char *section, struct span name);
/* Parses `text` as the row wants it into the field. Null, or a sentence that says what is wrong
 * and what would be right (arena). */
const char *setting_set(
    struct arena *arena, const struct setting *row, struct span text, void *base);
/* The same for a list whose elements are known. */
void setting_set_list(struct arena *arena, const struct setting *row, const struct span *items,
    size_t count, void *base);

/* Sets every row of a section to its default. */
void setting_defaults(struct arena *arena, const char *section, void *base);
/* And of the untitled sections within it. */
void setting_section_defaults(struct arena *arena, const char *section, void *base);

/* The section `name` in `parent`, or null. */
const struct setting_section *setting_section_find(const char *parent, struct span name);
/* The entries of a titled section. */
size_t setting_entry_count(const struct setting_section *section, const void *parent);
void *setting_entry(const struct setting_section *section, void *parent, size_t index);
/* A new array with room for `count` entries, the old ones copied; now the parent's. */
void *setting_entries_new(
    struct arena *arena, const struct setting_section *section, void *parent, size_t count);

#endif
