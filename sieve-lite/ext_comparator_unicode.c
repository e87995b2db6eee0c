/* ext_comparator_unicode.c - i;unicode-casemap (RFC 5051): texts in titlecase, decomposed, byte by
 * byte. What is no UTF-8 is compared as it is.
 *
 * Most texts are ASCII, for which capitals are all there is to it; the module that knows the rest
 * is loaded by the first that is not. */
#include "base/utf8.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/unicode_module.h"

#include <string.h>

static struct prepared_text prepare_ascii(struct run *run, struct span text)
{
	run_spend_bytes(run, text.len);
	char *capitals = arena_text(run->arena, text);
	for (size_t i = 0; i < text.len; i++) {
		if (capitals[i] >= 'a' && capitals[i] <= 'z')
			capitals[i] = (char)(capitals[i] - 'a' + 'A');
	}
	return (struct prepared_text){.text = {capitals, text.len}};
}

struct loaded {
	const struct unicode_module *module;
};

static const struct unicode_module *load(struct run *run)
{
	struct loaded *loaded = run_state(run, &ext_comparator_unicode, sizeof(*loaded));
	char why[512] = "";
	if (loaded->module == NULL)
		loaded->module = (const struct unicode_module *)module_load(
		    "unicode", sizeof(*loaded->module), why, sizeof(why));
	if (loaded->module == NULL)
		run_cannot_tell(
		    run, arena_textf(run->arena, "what letters are the same (%s)", why));
	return loaded->module;
}

/* A character that decomposes to a wildcard is none. */
static void append_escaped(struct bytes *to, uint32_t character, bool is_escaping)
{
	if (is_escaping && (character == '*' || character == '?' || character == '\\'))
		bytes_append_byte(to, '\\');
	utf8_append(to, character);
}

/* The prepared text, and for each of its bytes, as a uint32_t, where it comes from. */
static void fold_text(const struct unicode_module *module, struct span text, bool is_pattern,
    struct bytes *folded, struct bytes *origins)
{
	struct span rest = text;
	uint32_t character;
	uint32_t parts[UNICODE_FOLDED_MAX];
	for (;;) {
		uint32_t origin = (uint32_t)(text.len - rest.len);
		size_t start = folded->len;
		if (!utf8_next(&rest, &character)) {
			bytes_append(origins, &origin, sizeof(origin));
			return;
		}
		size_t count = module->fold(character, parts);
		for (size_t i = 0; i < count; i++)
			append_escaped(folded, parts[i], is_pattern && character >= 0x80);
		for (size_t i = start; i < folded->len; i++)
			bytes_append(origins, &origin, sizeof(origin));
	}
}

static struct prepared_text prepare(struct run *run, struct span text, bool is_pattern)
{
	struct prepared_text prepared = {.text = text};
	struct bytes folded = {0};
	struct bytes origins = {0};
	if (utf8_is_ascii(text))
		return prepare_ascii(run, text);
	const struct unicode_module *module = utf8_is_valid(text) ? load(run) : NULL;
	if (module == NULL)
		return prepared;
	fold_text(module, text, is_pattern, &folded, &origins);
	run_spend_bytes(run, folded.len + origins.len);
	if (run->unwind == UNWIND_NONE) {
		uint32_t *places =
		    arena_new_items(run->arena, origins.len / sizeof(*places), sizeof(*places));
		memcpy(places, origins.data, origins.len);
		prepared.text = arena_span(run->arena, bytes_span(&folded));
		prepared.origins = places;
	}
	bytes_clear(&folded);
	bytes_clear(&origins);
	return prepared;
}

static const struct comparator comparators[] = {
    {.name = "i;unicode-casemap",
        .is_substring = true,
        .prepare = prepare,
        .compare = match_compare_octets},
    {.name = NULL},
};

const struct extension ext_comparator_unicode = {
    .name = "comparator-i;unicode-casemap",
    .document = "RFC 5051",
    .comparators = comparators,
};
