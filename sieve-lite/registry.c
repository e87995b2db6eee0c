/* registry.c - the features of the language, one row each, and how they are found by name.
 * The order of rows matters where several change the same string: encoded characters are
 * decoded before variables are expanded (RFC 5229 3.1). */
#include "sieve-lite/registry.h"

#include "sieve-lite/features.h"

#include <stddef.h>
#include <string.h>

static const struct extension *const rows[] = {
    /* What every script has. */
    &core_control,
    &core_actions,
    &core_tests,
    &core_comparing,
    &core_redirect,
    /* What it has to require. */
    &ext_body,
    &ext_comparator_casemap,
    &ext_comparator_numeric,
    &ext_comparator_octet,
#ifdef HAVE_UNISTRING
    &ext_comparator_unicode,
#endif
    &ext_copy,
    &ext_date,
    &ext_duplicate,
    &ext_editheader,
    &ext_encoded_character,
    &ext_enotify,
    &ext_enclose,
    &ext_envelope,
    &ext_envelope_deliverby,
    &ext_envelope_dsn,
    &ext_environment,
    &ext_ereject,
    &ext_extlists,
    &ext_extracttext,
    &ext_fcc,
    &ext_fileinto,
    &ext_foreverypart,
    &ext_ihave,
    &ext_imap4flags,
    &ext_include,
    &ext_index,
    &ext_mailbox,
    &ext_mailboxid,
    &ext_mboxmetadata,
    &ext_mime,
#ifdef HAVE_PCRE2
    &ext_regex,
#endif
    &ext_redirect_deliverby,
    &ext_redirect_dsn,
    &ext_reject,
    &ext_relational,
    &ext_replace,
    &ext_servermetadata,
    &ext_spamtest,
    &ext_spamtestplus,
    &ext_special_use,
    &ext_subaddress,
    &ext_vacation,
    &ext_vacation_seconds,
    &ext_variables,
    &ext_virustest,
    &ext_vnd_cyrus_log,
    &ext_vnd_dovecot_debug,
    &ext_vnd_dovecot_environment,
    &ext_vnd_dovecot_report,
    &ext_vnd_dovecot_execute,
    &ext_vnd_dovecot_filter,
    &ext_vnd_dovecot_pipe,
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT < REGISTRY_MAX, "raise REGISTRY_MAX");

size_t registry_count(void)
{
	return ROW_COUNT;
}

const struct extension *registry_extension(size_t index)
{
	return rows[index];
}

size_t registry_index(const struct extension *extension)
{
	size_t index = 0;
	while (index < ROW_COUNT && rows[index] != extension)
		index++;
	return index;
}

size_t registry_find(struct span name)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i]->name != NULL && span_is(name, rows[i]->name))
			return i;
	}
	return ROW_COUNT;
}

bool registry_is_available(
    const struct extension *extension, const struct sieve_compile_options *options)
{
	if ((extension->needs & ~options->abilities) != 0)
		return false;
	struct span rest = span_of(options->disabled_extensions);
	struct span name;
	while (extension->name != NULL && span_next_piece(&rest, ',', &name)) {
		if (span_is(span_trim(name), extension->name))
			return false;
	}
	return true;
}

/* Where a feature keeps its records of a kind, and how large one is. Each begins with its
 * name. */
static const struct {
	size_t offset;
	size_t size;
} shelves[] = {
    [FEATURE_COMMAND] = {offsetof(struct extension, commands), sizeof(struct command)},
    [FEATURE_MATCH_TYPE] = {offsetof(struct extension, match_types), sizeof(struct match_type)},
    [FEATURE_COMPARATOR] = {offsetof(struct extension, comparators), sizeof(struct comparator)},
    [FEATURE_ADDRESS_PART] = {offsetof(struct extension, address_parts),
        sizeof(struct address_part)},
    [FEATURE_ENVELOPE_PART] = {offsetof(struct extension, envelope_parts),
        sizeof(struct envelope_part)},
    [FEATURE_VARIABLE_SPACE] = {offsetof(struct extension, variable_spaces),
        sizeof(struct variable_space)},
};

static const char *record_name(const char *record)
{
	const char *name;
	memcpy(&name, record, sizeof(name));
	return name;
}

/* The first record of a kind, or null. */
static const char *shelf_of(const struct extension *extension, enum feature_kind kind)
{
	const char *first;
	memcpy(&first, (const char *)extension + shelves[kind].offset, sizeof(first));
	return first;
}

static const void *find_on_shelf(
    const struct extension *extension, enum feature_kind kind, struct span name)
{
	const char *record = shelf_of(extension, kind);
	for (; record != NULL && record_name(record) != NULL; record += shelves[kind].size) {
		if (span_is_nocase(name, record_name(record)))
			return record;
	}
	return NULL;
}

bool registry_is_core(struct span name)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i]->name == NULL && find_on_shelf(rows[i], FEATURE_COMMAND, name) != NULL)
			return true;
	}
	return false;
}

bool registry_is_on(const struct feature_set *set, const struct extension *extension)
{
	for (size_t i = 0; i < set->on_count; i++) {
		if (set->on[i] == extension)
			return true;
	}
	return false;
}

void registry_turn_on(struct feature_set *set, const struct extension *extension)
{
	size_t at = set->on_count;
	if (registry_is_on(set, extension))
		return;
	for (; at > 0 && registry_index(set->on[at - 1]) > registry_index(extension); at--)
		set->on[at] = set->on[at - 1];
	set->on[at] = extension;
	set->on_count++;
}

void registry_turn_on_core(struct feature_set *set)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i]->name == NULL)
			registry_turn_on(set, rows[i]);
	}
}

static size_t row_count(const struct feature_set *set)
{
	return set->guest != NULL ? ROW_COUNT + 1 : ROW_COUNT;
}

static const struct extension *row(const struct feature_set *set, size_t index)
{
	return index < ROW_COUNT ? rows[index] : set->guest;
}

const void *registry_look_up(const struct feature_set *set, enum feature_kind kind,
    struct span name, const struct extension **from_out)
{
	for (size_t i = 0; i < set->on_count; i++) {
		const void *record = find_on_shelf(set->on[i], kind, name);
		if (record != NULL)
			return record;
	}
	for (size_t i = 0; from_out != NULL && i < row_count(set); i++) {
		*from_out = row(set, i);
		if (find_on_shelf(*from_out, kind, name) != NULL)
			return NULL;
		*from_out = NULL;
	}
	return NULL;
}

static bool lists_word(const char *words, const char *word)
{
	struct span rest = span_of(words);
	struct span piece;
	while (span_next_piece(&rest, ' ', &piece)) {
		if (span_is(piece, word))
			return true;
	}
	return false;
}

static const struct tag *find_tag(const struct tag *tag, const char *command, struct span name)
{
	for (; tag != NULL && tag->name != NULL; tag++) {
		if (span_is_nocase(name, tag->name) &&
		    (tag->on == NULL || lists_word(tag->on, command)))
			return tag;
	}
	return NULL;
}

const struct tag *registry_tag(const struct feature_set *set, const struct command *command,
    struct span name, const struct extension **from_out)
{
	const struct tag *tag = find_tag(command->tags, command->name, name);
	for (size_t i = 0; tag == NULL && i < set->on_count; i++)
		tag = find_tag(set->on[i]->tags, command->name, name);
	for (size_t i = 0; from_out != NULL && tag == NULL && i < row_count(set); i++) {
		*from_out = row(set, i);
		if (find_tag(row(set, i)->tags, command->name, name) != NULL)
			return NULL;
		*from_out = NULL;
	}
	return tag;
}

#define SUGGEST_BYTES 40

/* How many letters must be changed, added, left out or swapped with their neighbour. */
static size_t distance(struct span a, struct span b)
{
	size_t rows3[3][SUGGEST_BYTES + 1];
	for (size_t j = 0; j <= b.len; j++)
		rows3[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows3[i % 3];
		const size_t *above = rows3[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = ascii_lower(a.data[i - 1]) == ascii_lower(b.data[j - 1]);
			size_t least = above[j - 1] + (same ? 0 : 1);
			if (above[j] + 1 < least)
				least = above[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1] && rows3[(i - 2) % 3][j - 2] + 1 < least)
				least = rows3[(i - 2) % 3][j - 2] + 1;
			row[j] = least;
		}
	}
	return rows3[a.len % 3][b.len];
}

struct suggestion {
	struct span name;
	const char *best;
	size_t least;
};

static void consider(struct suggestion *suggestion, const char *candidate)
{
	struct span other = span_of(candidate);
	if (suggestion->name.len > SUGGEST_BYTES || other.len > SUGGEST_BYTES)
		return;
	size_t changes = distance(suggestion->name, other);
	if (changes > (other.len > 5 ? 2u : 1u) || changes >= suggestion->least)
		return;
	suggestion->least = changes;
	suggestion->best = candidate;
}

const char *registry_suggest_command(struct span name, bool is_test)
{
	struct suggestion suggestion = {.name = name, .least = SIZE_MAX};
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct command *command = rows[i]->commands;
		for (; command != NULL && command->name != NULL; command++) {
			if (is_test == (command->test != NULL))
				consider(&suggestion, command->name);
		}
	}
	return suggestion.best;
}

const char *registry_suggest_extension(struct span name)
{
	struct suggestion suggestion = {.name = name, .least = SIZE_MAX};
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i]->name != NULL)
			consider(&suggestion, rows[i]->name);
	}
	return suggestion.best;
}
