/* match.c - values against keys, as match type and comparator say. */
#include "sieve-lite/match.h"

#include <stdint.h>
#include <string.h>

/* Bytes compared for one step of the budget. */
#define BYTES_PER_STEP 32

struct match match_begin(struct run *run, const struct node *node)
{
	return (struct match){.run = run, .how = node->matching};
}

bool match_compare_octets(struct span a, struct span b, int *order_out)
{
	size_t common = a.len < b.len ? a.len : b.len;
	*order_out = common > 0 ? memcmp(a.data, b.data, common) : 0;
	if (*order_out == 0)
		*order_out = (a.len > b.len) - (a.len < b.len);
	return true;
}

/* As the comparator wants it, if the match type minds. */
static struct prepared_text prepare(const struct match *match, struct span text, bool is_key)
{
	const struct match_type *type = match->how->type;
	const struct comparator *comparator = match->how->comparator;
	if (comparator->prepare == NULL || !type->on_prepared)
		return (struct prepared_text){.text = text};
	return comparator->prepare(match->run, text, is_key && type->is_pattern);
}

static bool match_key(struct match *match, struct span source, struct span value, struct span key)
{
	struct prepared_text prepared = prepare(match, key, true);
	run_spend(match->run, 1 + (value.len + key.len) / BYTES_PER_STEP);
	if (match->run->unwind != UNWIND_NONE)
		return false;
	bool result = match->how->type->matches(match, match->value.text, prepared.text);
	run_tell_value(match->run, source, value, key, result);
	return result;
}

static bool match_words(struct match *match, struct span source, struct span value, struct span key)
{
	struct span word;
	while (match->run->unwind == UNWIND_NONE && span_next_piece(&key, ' ', &word)) {
		if (word.len > 0 && match_key(match, source, value, word))
			return true;
	}
	return false;
}

static bool match_keys(struct match *match, struct span source, struct span value)
{
	const struct matching *how = match->how;
	match->original = value;
	match->value = prepare(match, value, false);
	for (size_t i = 0; i < how->keys->count && match->run->unwind == UNWIND_NONE; i++) {
		struct span key = run_text(match->run, &how->keys->texts[i]);
		match->key_index = i;
		if (match->has_word_keys ? match_words(match, source, value, key)
		                         : match_key(match, source, value, key))
			return true;
	}
	return false;
}

bool match_value(struct match *match, struct span source, struct span value)
{
	match->count++;
	if (!match->how->type->is_counting)
		match->is_matched = match_keys(match, source, value);
	return match->is_matched || match->run->unwind != UNWIND_NONE;
}

bool match_end(struct match *match)
{
	if (!match->how->type->is_counting || match->run->unwind != UNWIND_NONE)
		return match->is_matched;
	run_spend_bytes(match->run, 32);
	struct span count = arena_spanf(match->run->arena, "%ju", (uintmax_t)match->count);
	return match_keys(match, SPAN("count"), count);
}

static char fold(const struct matching *how, char byte)
{
	return how->comparator->fold != NULL ? how->comparator->fold(byte) : byte;
}

/* One piece of a pattern at its start: how many bytes it is long, and what it stands for. */
struct glob_piece {
	size_t len;
	char byte;
	bool is_any_byte; /* "?" */
	bool is_star;
};

static struct glob_piece glob_piece(struct span pattern, size_t at)
{
	char byte = pattern.data[at];
	if (byte == '\\' && at + 1 < pattern.len)
		return (struct glob_piece){.len = 2, .byte = pattern.data[at + 1]};
	return (struct glob_piece){
	    .len = 1, .byte = byte, .is_any_byte = byte == '?', .is_star = byte == '*'};
}

/* Where the matching stands. On a mismatch only the last star takes one byte more: what an
 * earlier one could take, the last one can take as well. */
struct glob {
	struct span value;
	const uint32_t *origins; /* struct prepared_text; null: a "?" is a byte */
	struct span pattern;
	size_t value_at;
	size_t pattern_at;
	size_t part_count; /* wildcards passed */
	bool has_star;
	size_t star_value_at;   /* the end of what the last star takes */
	size_t star_pattern_at; /* behind it */
	size_t star_count;      /* wildcards up to it */
	struct span *parts;
	size_t max;
};

static void glob_note_part(struct glob *glob, size_t index, size_t start, size_t len)
{
	if (index < glob->max)
		glob->parts[index] = span_first(span_from(glob->value, start), len);
}

static void glob_star(struct glob *glob)
{
	glob_note_part(glob, glob->part_count++, glob->value_at, 0);
	glob->has_star = true;
	glob->star_value_at = glob->value_at;
	glob->star_pattern_at = ++glob->pattern_at;
	glob->star_count = glob->part_count;
}

/* The last star takes one byte more. False: there is none, or no byte. */
static bool glob_go_back(struct glob *glob)
{
	if (!glob->has_star || glob->star_value_at == glob->value.len)
		return false;
	size_t index = glob->star_count - 1;
	if (index < glob->max)
		glob->parts[index].len++;
	glob->value_at = ++glob->star_value_at;
	glob->pattern_at = glob->star_pattern_at;
	glob->part_count = glob->star_count;
	return true;
}

/* How many bytes from here on are made from the same character. */
static size_t character_len(const struct glob *glob, size_t at)
{
	size_t end = at + 1;
	while (glob->origins != NULL && end < glob->value.len &&
	       glob->origins[end] == glob->origins[at])
		end++;
	return end - at;
}

/* One byte of the value against the piece of the pattern that it has to fit. */
static bool glob_take_byte(struct glob *glob, const struct matching *how)
{
	if (glob->pattern_at == glob->pattern.len || glob->value_at == glob->value.len)
		return false;
	struct glob_piece piece = glob_piece(glob->pattern, glob->pattern_at);
	if (!piece.is_any_byte &&
	    fold(how, glob->value.data[glob->value_at]) != fold(how, piece.byte))
		return false;
	size_t len = piece.is_any_byte ? character_len(glob, glob->value_at) : 1;
	if (piece.is_any_byte)
		glob_note_part(glob, glob->part_count++, glob->value_at, len);
	glob->value_at += len;
	glob->pattern_at += piece.len;
	return true;
}

/* What a wildcard stands for in the value as it was before it was prepared. */
static struct span original_part(const struct match *match, struct span part)
{
	const uint32_t *origins = match->value.origins;
	size_t start = (size_t)(part.data - match->value.text.data);
	size_t end = start + part.len;
	if (part.len == 0)
		return SPAN("");
	if (origins == NULL)
		return span_from(span_first(match->original, end), start);
	/* A part of a character is all of it. */
	while (end < match->value.text.len && origins[end] == origins[end - 1])
		end++;
	return span_from(span_first(match->original, origins[end]), origins[start]);
}

bool match_glob(struct match *match, struct span value, struct span pattern, struct span *parts_out,
    size_t max, size_t *count_out)
{
	struct glob glob = {.value = value,
	    .origins = match->value.origins,
	    .pattern = pattern,
	    .parts = parts_out,
	    .max = max};
	bool goes_on = true;
	for (size_t tried = 1; goes_on && match->run->unwind == UNWIND_NONE; tried++) {
		if (tried % BYTES_PER_STEP == 0)
			run_spend(match->run, 1);
		if (glob.pattern_at == pattern.len && glob.value_at == value.len)
			break;
		if (glob.pattern_at < pattern.len && pattern.data[glob.pattern_at] == '*')
			glob_star(&glob);
		else if (!glob_take_byte(&glob, match->how))
			goes_on = glob_go_back(&glob);
	}
	*count_out = glob.part_count;
	bool is_prepared = match->how->comparator->prepare != NULL;
	for (size_t i = 0; is_prepared && i < glob.part_count && i < max; i++)
		parts_out[i] = original_part(match, parts_out[i]);
	return goes_on;
}
