/* settings_file.c - the configuration file, by libconfuse.
 *
 * libconfuse gives us sections, quoting, comments, includes and positions. Every value is a
 * string to it and is parsed by our own rows, once when it is read (there libconfuse knows the
 * line) and once when the structures are filled. When there is no file nothing of it is called. */
#include "deliver/settings_file.h"

#include "deliver/settings_value.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"

#include <confuse.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* More than there are in the table. */
#define SECTIONS_MAX 64
#define END_OF_FILE "the end of the file" /* see end_of_file() */

/* libconfuse's callbacks bring no pointer of ours along; it is not reentrant itself. */
static struct reader {
	struct arena *arena;
	struct status *status;
	bool has_failed;
	bool seen[SECTIONS_MAX]; /* untitled sections, by their index in the table */
} * the_reader;

static const char *section_name(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

/* The first error is told; what follows is often only its consequence. */
static void fail_at(const cfg_t *cfg, const char *why)
{
	if (the_reader->has_failed)
		return;
	the_reader->has_failed = true;
	status_fail(
	    the_reader->status, CAUSE_CONFIGURATION, "%s:%d: %s", cfg->filename, cfg->line, why);
}

__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *format, va_list args)
{
	char text[300];
	va_list copy;
	/* The one message of libconfuse that we can say much better. */
	if (strstr(format, "no such option '%s'") != NULL) {
		va_copy(copy, args);
		const char *name = va_arg(copy, const char *);
		va_end(copy);
		fail_at(cfg,
		    strcmp(name, END_OF_FILE) == 0
		        ? arena_textf(the_reader->arena,
		              "section \"%s\" is not closed; a } is missing", cfg->name)
		        : setting_unknown(the_reader->arena, section_name(cfg), span_of(name)));
		return;
	}
	vsnprintf(text, sizeof(text), format, args);
	fail_at(cfg, text);
}

static int check_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct setting *row = setting_find(section_name(cfg), span_of(opt->name));
	union { /* as large as any field */
		struct text_list list;
		uint64_t number;
	} field;
	unsigned last = cfg_opt_size(opt);
	if (row->type == SETTING_LIST || last == 0)
		return 0;
	struct setting elsewhere = *row;
	elsewhere.offset = 0;
	const char *why = setting_set(
	    the_reader->arena, &elsewhere, span_of(cfg_opt_getnstr(opt, last - 1)), &field);
	if (why == NULL)
		return 0;
	fail_at(cfg, why);
	return -1;
}

/* A second `store { }` would silently replace what the first one said. */
static int check_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct setting_section *section =
	    setting_section_find(section_name(cfg), span_of(opt->name));
	assert(setting_section_count <= SECTIONS_MAX);
	bool *seen = &the_reader->seen[section - setting_sections];
	if (section->is_titled || !*seen) {
		*seen = true;
		return 0;
	}
	fail_at(cfg, arena_textf(the_reader->arena,
	                 "section \"%s\" is there a second time; put both into one", opt->name));
	return -1;
}

/* include("more.conf"): relative names are looked for beside the file that includes. */
static int include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	if (argc != 1) {
		fail_at(cfg, "write include(\"FILE\")");
		return -1;
	}
	const char *slash = strrchr(cfg->filename, '/');
	const char *path = argv[0][0] == '/' || slash == NULL
	                       ? argv[0]
	                       : arena_textf(the_reader->arena, "%.*s/%s",
	                             (int)(slash - cfg->filename), cfg->filename, argv[0]);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		fail_at(cfg, arena_textf(the_reader->arena, "cannot read the included file %s: %s",
		                 path, strerror(errno)));
		return -1;
	}
	fclose(file);
	return cfg_include(cfg, opt, 1, &path);
}

/* A section that is never closed ends with the file, for libconfuse. A half-written file must not
 * pass, so this call stands behind the last line: a section that is still open does not know it. */
static int end_of_file(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)cfg;
	(void)opt;
	(void)argc;
	(void)argv;
	return 0;
}

/* -- the tree for libconfuse ------------------------------------------------------------------- */

static size_t count_sections(const char *parent)
{
	size_t count = 0;
	for (size_t i = 0; i < setting_section_count; i++)
		count += strcmp(setting_sections[i].parent, parent) == 0;
	return count;
}

static bool contains(struct span text, const char *part)
{
	return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* Most sections do not stand in a file, so libconfuse need not know what may stand in them. A
 * name may be hidden in an included file, behind a backslash or in a variable. */
static bool may_occur(struct span text, const char *section)
{
	return contains(text, section) || contains(text, "include") || contains(text, "\\") ||
	       contains(text, "$");
}

static cfg_opt_t *make_options(struct arena *arena, struct span text, const char *section);

static cfg_opt_t *make_section(struct arena *arena, struct span text, const char *section)
{
	/* CFG_END() is zeroes. */
	return may_occur(text, section) ? make_options(arena, text, section)
	                                : ARENA_NEW(arena, cfg_opt_t);
}

/* The settings of a section in the order of the table, then the sections within it. */
static cfg_opt_t *make_options(struct arena *arena, struct span text, const char *section)
{
	cfg_opt_t end = CFG_END();
	size_t row_count;
	const struct setting *rows = setting_rows(section, &row_count);
	/* Exact, because each of the tables is cleared and copied. */
	cfg_opt_t *options =
	    arena_new_items(arena, row_count + count_sections(section) + 3, sizeof(*options));
	size_t count = 0;
	while (count < row_count) {
		cfg_opt_t value = CFG_STR(rows[count].name, NULL, CFGF_NODEFAULT);
		if (rows[count].type == SETTING_LIST)
			value.flags |= CFGF_LIST;
		value.validcb = check_value;
		options[count++] = value;
	}
	for (size_t i = 0; i < setting_section_count; i++) {
		const struct setting_section *inner = &setting_sections[i];
		if (strcmp(inner->parent, section) != 0)
			continue;
		cfg_opt_t sub =
		    CFG_SEC(inner->name, make_section(arena, text, inner->name), CFGF_NODEFAULT);
		if (inner->is_titled)
			sub.flags |= CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
		sub.validcb = check_section;
		options[count++] = sub;
	}
	if (section[0] == '\0') {
		options[count++] = (cfg_opt_t)CFG_FUNC("include", include);
		options[count++] = (cfg_opt_t)CFG_FUNC(END_OF_FILE, end_of_file);
	}
	options[count] = end;
	return options;
}

/* -- from libconfuse's values to ours ---------------------------------------------------------- */

static void take_value(struct arena *arena, const struct setting *row, cfg_opt_t *opt, void *base)
{
	unsigned count = cfg_opt_size(opt);
	if (row->type == SETTING_LIST) {
		struct span *items = arena_new_items(arena, count + 1, sizeof(*items));
		for (unsigned i = 0; i < count; i++)
			items[i] = span_of(cfg_opt_getnstr(opt, i));
		setting_set_list(arena, row, items, count, base);
	} else if (count > 0) {
		/* Checked by check_value(), so it cannot fail. */
		setting_set(arena, row, span_of(cfg_opt_getnstr(opt, count - 1)), base);
	}
}

static void take_section(struct arena *arena, cfg_t *cfg, const char *section, void *base)
{
	size_t row_count;
	const struct setting *rows = setting_rows(section, &row_count);
	for (size_t i = 0; i < row_count; i++) {
		if ((cfg->opts[i].flags & CFGF_MODIFIED) != 0)
			take_value(arena, &rows[i], &cfg->opts[i], base);
	}
	for (size_t i = 0; i < setting_section_count; i++) {
		const struct setting_section *inner = &setting_sections[i];
		if (strcmp(inner->parent, section) != 0)
			continue;
		unsigned count = cfg_size(cfg, inner->name);
		if (!inner->is_titled) {
			if (count > 0)
				take_section(arena, cfg_getsec(cfg, inner->name), inner->name,
				    (char *)base + inner->offset);
			continue;
		}
		setting_entries_new(arena, inner, base, count);
		for (unsigned k = 0; k < count; k++) {
			cfg_t *sub = cfg_getnsec(cfg, inner->name, k);
			void *entry = setting_entry(inner, base, k);
			const char *title = arena_text(arena, span_of(cfg_title(sub)));
			memcpy(entry, &title, sizeof(title));
			setting_defaults(arena, inner->name, entry);
			take_section(arena, sub, inner->name, entry);
		}
	}
}

static bool parse(
    struct settings *settings, const char *path, struct bytes *text, struct status *status)
{
	struct reader reader = {.arena = settings->arena, .status = status};
	bytes_append_text(text, "\n\"" END_OF_FILE "\"()\n");
	FILE *file = fmemopen(text->data, text->len, "r");
	cfg_t *cfg = cfg_init(make_options(settings->arena, bytes_span(text), ""), CFGF_NONE);
	if (file == NULL || cfg == NULL || (cfg->filename = strdup(path)) == NULL)
		memory_exhausted();
	cfg_set_error_function(cfg, on_error);
	the_reader = &reader;
	int parsed = cfg_parse_fp(cfg, file);
	if (parsed == CFG_SUCCESS && !reader.has_failed)
		take_section(settings->arena, cfg, "", settings);
	else
		fail_at(cfg, "this is not understood");
	the_reader = NULL;
	cfg_free(cfg);
	fclose(file);
	return !reader.has_failed;
}

bool settings_file_read(struct settings *settings, const char *path, struct status *status)
{
	struct bytes text = {0};
	bool may_be_missing = path == NULL;
	if (path == NULL)
		path = LADLE_CONFIG_FILE;
	if (file_read_path(path, FILE_BYTES_MAX, &text, NULL) != 0) {
		int error = errno;
		bytes_clear(&text);
		if (error == ENOENT && may_be_missing)
			return true;
		return status_fail(status, CAUSE_CONFIGURATION, "%s: %s%s", path, strerror(error),
		    error == EACCES ? "; it and the directories above it must be readable by "
		                      "everyone who receives mail (chmod a+rX)"
		                    : "");
	}
	settings->path = arena_text(settings->arena, span_of(path));
	bool is_read = parse(settings, settings->path, &text, status);
	bytes_clear(&text);
	return is_read;
}
