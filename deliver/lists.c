/* lists.c - lists that scripts ask: one entry on a line, "#" begins a comment, the case of ASCII
 * letters does not count. A file that begins with a key of Dovecot's dictionaries is one: there
 * an entry is a pair of lines, "priv/sieve/extlists/VALUE" and a value nobody looks at, "/" and
 * "\" in the key written as "\|" and "\\". */
#include "deliver/lists.h"

#include "base/file.h"
#include "deliver/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define VALUE_BYTES_MAX 1024
#define KEY_PREFIX "priv/sieve/extlists/"
#define URN_PREFIX "urn:ietf:params:sieve"
#define ADDRESS_BOOK ":addrbook:default"

struct list_file {
	const char *path;
	struct span *entries; /* sorted */
	size_t count;
	struct list_file *next;
};

/* -- reading ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	for (size_t i = 0; i < len; i++) {
		unsigned char p = (unsigned char)ascii_lower(x->data[i]);
		unsigned char q = (unsigned char)ascii_lower(y->data[i]);
		if (p != q)
			return p < q ? -1 : 1;
	}
	return x->len == y->len ? 0 : x->len < y->len ? -1 : 1;
}

/* "a\|b" is "a/b". */
static struct span unescape_key(struct arena *arena, struct span key)
{
	char *text = arena_new_items(arena, key.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < key.len; i++) {
		bool is_escaped = key.data[i] == '\\' && i + 1 < key.len;
		i += is_escaped ? 1 : 0;
		text[len++] = is_escaped && key.data[i] == '|' ? '/' : key.data[i];
	}
	return (struct span){text, len};
}

static bool take_entry(
    struct arena *arena, struct span *rest, bool is_dictionary, struct span *entry)
{
	struct span line;
	struct span value;
	*entry = (struct span){NULL, 0};
	if (!span_next_line(rest, &line))
		return false;
	if (!is_dictionary) {
		*entry = span_trim(line);
		if (entry->len > 0 && entry->data[0] == '#')
			entry->len = 0;
	} else if (span_next_line(rest, &value) && span_starts_with(line, KEY_PREFIX)) {
		*entry = unescape_key(arena, span_from(line, strlen(KEY_PREFIX)));
	}
	return true;
}

static void parse(struct arena *arena, struct list_file *file, struct span text)
{
	bool is_dictionary = span_starts_with(text, "priv/") || span_starts_with(text, "shared/");
	/* Empty lines are none: a file of them would take sixteen times its size. */
	size_t max = 1;
	for (size_t i = 1; i < text.len; i++)
		max += text.data[i] == '\n' && text.data[i - 1] != '\n';
	file->entries = arena_new_items(arena, max, sizeof(*file->entries));
	struct span entry;
	while (take_entry(arena, &text, is_dictionary, &entry)) {
		if (entry.len > 0)
			file->entries[file->count++] = entry;
	}
	qsort(file->entries, file->count, sizeof(*file->entries), compare);
}

static const struct list_file *get_file(
    struct list_cache *cache, struct delivery *delivery, const char *path, struct status *status)
{
	struct list_file *file = cache->first;
	struct bytes text = {0};
	while (file != NULL && strcmp(file->path, path) != 0)
		file = file->next;
	if (file != NULL)
		return file;
	if (file_read_path(path, FILE_BYTES_MAX, &text, NULL) != 0 && errno != ENOENT &&
	    errno != ENOTDIR) {
		status_errno(status, CAUSE_CANNOT_TELL, errno, "read list %s", path);
		bytes_clear(&text);
		return NULL;
	}
	file = ARENA_NEW(delivery->arena, struct list_file);
	file->path = path;
	parse(delivery->arena, file, arena_span(delivery->arena, bytes_span(&text)));
	bytes_clear(&text);
	file->next = cache->first;
	cache->first = file;
	return file;
}

/* -- asking ------------------------------------------------------------------------------------ */

/* ":addrbook:x" is short for "urn:ietf:params:sieve:addrbook:x". */
static bool is_same_list(struct span a, struct span b)
{
	if (span_starts_with_nocase(a, URN_PREFIX ":addrbook:"))
		a = span_from(a, strlen(URN_PREFIX));
	if (span_starts_with_nocase(b, URN_PREFIX ":addrbook:"))
		b = span_from(b, strlen(URN_PREFIX));
	return span_equals_nocase(a, b);
}

static const struct list_settings *find_list(
    const struct sieve_settings *settings, struct span name)
{
	for (size_t i = 0; i < settings->list_count; i++) {
		if (is_same_list(span_of(settings->lists[i].title), name))
			return &settings->lists[i];
	}
	return NULL;
}

/* Null: there is no such list, or its file cannot be read (then `answer_out` is
 * LIST_CANNOT_TELL). */
static const struct list_file *open_list(struct list_cache *cache, struct delivery *delivery,
    struct span name, enum list_answer *answer_out, struct status *status)
{
	const struct list_settings *list = find_list(&delivery->settings->sieve, name);
	const char *path;
	*answer_out = LIST_HAS_NOT;
	if (list == NULL || (list->file[0] == '~' && delivery->user.home.len == 0))
		return NULL;
	*answer_out = LIST_CANNOT_TELL;
	return expand(
	           delivery->arena, "sieve.list.file", list->file, &delivery->user, &path, status)
	           ? get_file(cache, delivery, path, status)
	           : NULL;
}

enum list_answer lists_ask(struct list_cache *cache, struct delivery *delivery, struct span name,
    struct span value, struct status *status)
{
	enum list_answer answer;
	if (value.data == NULL)
		return find_list(&delivery->settings->sieve, name) != NULL ||
		               is_same_list(name, SPAN(ADDRESS_BOOK))
		           ? LIST_HAS
		           : LIST_HAS_NOT;
	if (value.len > VALUE_BYTES_MAX)
		return LIST_HAS_NOT;
	const struct list_file *file = open_list(cache, delivery, name, &answer, status);
	if (file == NULL)
		return answer;
	bool has = file->count > 0 && bsearch(&value, file->entries, file->count,
	                                  sizeof(*file->entries), compare) != NULL;
	return has ? LIST_HAS : LIST_HAS_NOT;
}

enum list_answer lists_members(struct list_cache *cache, struct delivery *delivery,
    struct span name, struct span **members_out, size_t *count_out, struct status *status)
{
	enum list_answer answer;
	const struct list_file *file = open_list(cache, delivery, name, &answer, status);
	if (file == NULL)
		return answer;
	*members_out = file->entries;
	*count_out = file->count;
	return LIST_HAS;
}
