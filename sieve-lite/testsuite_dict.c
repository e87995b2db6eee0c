/* testsuite_dict.c - Dovecot's dictionaries of the driver "file", which tests bring along: external
 * lists (RFC 6134) and scripts to include are in them.
 *
 * Such a file has a line with a key, then a line with its value, and so on; \001 and a letter
 * stand for bytes that a line cannot have. */
#include "sieve-lite/testsuite.h"

#include "base/file.h"

#include <string.h>

#define DICT_BYTES ((size_t)4 * 1024 * 1024)
#define LOOKUP_BYTES 1024

static struct span unescape(struct arena *arena, struct span line)
{
	static const char codes[] = "01trn";
	static const char bytes[] = "\0\001\t\r\n";
	struct bytes text = {0};
	for (size_t i = 0; i < line.len; i++) {
		const char *code = NULL;
		if (line.data[i] == '\001' && i + 1 < line.len && line.data[i + 1] != '\0')
			code = strchr(codes, line.data[i + 1]);
		bytes_append_byte(&text, code != NULL ? bytes[code - codes] : line.data[i]);
		i += code != NULL ? 1 : 0;
	}
	struct span copy = arena_span(arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

/* SIEVE_NO: there is no such key, or no such file. */
static enum sieve_answer look_up(
    struct arena *arena, struct span path, struct span wanted, struct span *value_out)
{
	struct bytes file = {0};
	enum sieve_answer answer = SIEVE_NO;
	struct span key;
	struct span value;
	if (file_read_path(arena_text(arena, path), DICT_BYTES, &file, NULL) != 0)
		bytes_reset(&file);
	struct span rest = bytes_span(&file);
	while (answer == SIEVE_NO && span_next_line(&rest, &key) && span_next_line(&rest, &value)) {
		if (!span_equals(unescape(arena, key), wanted))
			continue;
		*value_out = unescape(arena, value);
		answer = SIEVE_YES;
	}
	bytes_clear(&file);
	return answer;
}

/* "/" and "\" in a part of a key. */
static struct span escape_part(struct arena *arena, struct span part)
{
	struct bytes text = {0};
	for (size_t i = 0; i < part.len; i++) {
		if (part.data[i] == '/')
			bytes_append_text(&text, "\\|");
		else if (part.data[i] == '\\')
			bytes_append_text(&text, "\\\\");
		else
			bytes_append_byte(&text, part.data[i]);
	}
	struct span copy = arena_span(arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

static struct span key_of(struct arena *arena, const char *folder, struct span name)
{
	name = escape_part(arena, name);
	return arena_spanf(arena, "priv/sieve/%s/%.*s", folder, (int)name.len, name.data);
}

/* -- External lists ---------------------------------------------------------------------------- */

/* ":addrbook:x" is short for a URN. */
static struct span full_name(struct arena *arena, struct span list)
{
	if (!span_starts_with(list, ":"))
		return list;
	return arena_spanf(arena, "urn:ietf:params:sieve%.*s", (int)list.len, list.data);
}

enum sieve_answer testsuite_list_has(void *context, struct span list, struct span value)
{
	struct testsuite *suite = context;
	struct span names = testsuite_config(suite, "sieve_extlists_list");
	struct span name;
	struct span found;
	list = full_name(suite->arena, list);
	bool is_known = span_is_nocase(list, "urn:ietf:params:sieve:addrbook:default");
	struct span path = {NULL, 0};
	while (testsuite_config_next(suite, &names, &name)) {
		if (!span_equals_nocase(full_name(suite->arena, name), list))
			continue;
		is_known = true;
		path = testsuite_config_of(suite, "sieve_extlists_list", name, "/path");
	}
	if (value.data == NULL || !is_known)
		return is_known ? SIEVE_YES : SIEVE_NO;
	if (path.data == NULL || value.len > LOOKUP_BYTES)
		return SIEVE_NO;
	return look_up(suite->arena, path, key_of(suite->arena, "extlists", value), &found);
}

/* -- Scripts to include ------------------------------------------------------------------------ */

static struct span storage_setting(
    const struct testsuite *suite, const char *storage, const char *key)
{
	return testsuite_config(
	    suite, arena_textf(suite->arena, "sieve_script/%s/sieve_script_%s", storage, key));
}

enum sieve_answer testsuite_load(
    void *context, struct arena *arena, struct span name, bool is_global, struct span *source_out)
{
	struct testsuite *suite = context;
	const char *storage = is_global ? "included-global" : "included";
	struct span path = storage_setting(suite, storage, "path");
	struct span id;
	struct script_dirs dirs = suite->dirs;
	if (!span_is(storage_setting(suite, storage, "driver"), "dict")) {
		if (path.len > 0)
			dirs.personal = dirs.global = arena_text(arena, path);
		return script_dirs_load(&dirs, arena, name, is_global, source_out);
	}
	path = testsuite_config_of(suite, "sieve_script", span_of(storage), "/path");
	if (path.data == NULL)
		return SIEVE_CANNOT_TELL;
	if (look_up(arena, path, key_of(arena, "name", name), &id) != SIEVE_YES)
		return SIEVE_NO;
	return look_up(arena, path, key_of(arena, "data", id), source_out) == SIEVE_YES
	           ? SIEVE_YES
	           : SIEVE_CANNOT_TELL;
}
