/* passwd_file.c - users in a file, a line each, in the format of Dovecot's passwd-file:
 *
 *	line  = name ":" password ":" [uid] ":" [gid] ":" gecos ":" [home] ":" shell ":" extra
 *	extra = *( field " " )		field = "userdb_" key "=" value / "delivery=" value
 *
 * Columns may be missing at the end. Fields for logging in are passed over, so that the file can
 * be shared with Dovecot; userdb_uid, userdb_gid and userdb_home count before the columns. Empty
 * lines and lines that begin with "#" or ":" are nobody's. Passwords are never looked at. */
#include "users/driver.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "users/passwd_search.h"

#include <stdlib.h>
#include <string.h>

enum column { NAME, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA, COLUMN_COUNT };

struct passwd_file {
	const char *path;
	struct passwd_search *search;
};

static void *passwd_file_open(const struct user_source_options *source,
    const struct users_options *options, struct status *status)
{
	(void)status;
	struct passwd_file *file = memory_new(1, sizeof(*file));
	file->path = source->path;
	file->search = passwd_search_new(source->path, options->fold_case);
	return file;
}

static void passwd_file_close(void *state)
{
	struct passwd_file *file = state;
	passwd_search_free(&file->search);
	free(file);
}

/* An id, or nothing for an empty column: the defaults of the configuration follow. */
static bool parse_id(const char *what, struct span text, const struct user_account *account,
    int64_t *id_out, struct status *status)
{
	uint64_t id;
	if (text.len == 0)
		return true;
	/* The highest is (uid_t)-1, which stands for "none" in system calls. */
	if (!number_parse(text, UINT32_MAX - 1, &id))
		return status_fail(status, CAUSE_CONFIGURATION, "%s: %s \"%.*s\" is not a number",
		    account->where, what, (int)text.len, text.data);
	*id_out = (int64_t)id;
	return true;
}

static bool take_field(struct user_account *account, struct user_field *fields, struct span text,
    struct status *status)
{
	size_t equals = span_find(text, '=');
	struct span name = span_first(text, equals);
	struct span value = span_from(text, equals + 1);
	if (span_starts_with(name, "userdb_"))
		name = span_from(name, strlen("userdb_"));
	else if (!span_is(name, "delivery"))
		return true;
	if (span_is(name, "uid"))
		return parse_id("uid", value, account, &account->uid, status);
	if (span_is(name, "gid"))
		return parse_id("gid", value, account, &account->gid, status);
	if (span_is(name, "home"))
		account->home = value;
	else
		fields[account->field_count++] = (struct user_field){name, value};
	return true;
}

static bool take_fields(
    struct arena *arena, struct user_account *account, struct span extra, struct status *status)
{
	struct span rest = extra;
	struct span piece;
	size_t count = 1;
	for (size_t i = 0; i < extra.len; i++)
		count += extra.data[i] == ' ';
	struct user_field *fields = arena_new_items(arena, count, sizeof(*fields));
	account->fields = fields;
	while (span_next_piece(&rest, ' ', &piece)) {
		if (!take_field(account, fields, span_trim(piece), status))
			return false;
	}
	return true;
}

static bool parse_line(struct arena *arena, const char *path, const struct passwd_line *line,
    struct user_account *account_out, struct status *status)
{
	struct span columns[COLUMN_COUNT] = {{NULL, 0}};
	struct span rest = line->text;
	for (int i = 0; i < EXTRA && span_next_piece(&rest, ':', &columns[i]); i++)
		;
	columns[EXTRA] = rest;
	*account_out = (struct user_account){.name = columns[NAME], .uid = -1, .gid = -1};
	account_out->where = arena_textf(arena, "%s:%u", path, line->number);
	account_out->home = columns[HOME];
	if (span_find(line->text, '\0') < line->text.len)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "%s: NUL byte in the line", account_out->where);
	/* Else a forgotten colon would silently undo a delivery=no or a quota. */
	if (span_find(columns[SHELL], '=') < columns[SHELL].len)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: \"%.*s\" stands in the seventh column, fields belong into the eighth: a "
		    "colon is missing",
		    account_out->where, (int)columns[SHELL].len, columns[SHELL].data);
	return parse_id("uid", columns[UID], account_out, &account_out->uid, status) &&
	       parse_id("gid", columns[GID], account_out, &account_out->gid, status) &&
	       take_fields(arena, account_out, columns[EXTRA], status);
}

static enum user_answer passwd_file_lookup(void *state, struct arena *arena,
    const struct user_query *query, struct user_account *account_out, struct status *status)
{
	struct passwd_file *file = state;
	struct passwd_line line;
	enum user_answer answer =
	    passwd_search_find(file->search, arena, query->name, clock_now(), &line, status);
	if (answer == USER_FOUND && !parse_line(arena, file->path, &line, account_out, status))
		return USER_CANNOT_TELL;
	return answer;
}

struct walk {
	const struct passwd_file *file;
	struct arena *arena; /* of one line */
	user_account_each *each;
	void *context;
	struct status *status;
	bool all_parsed;
};

static bool walk_line(void *context, const struct passwd_line *line)
{
	struct walk *walk = context;
	struct user_account account;
	arena_reset(walk->arena);
	if (parse_line(walk->arena, walk->file->path, line, &account, walk->status))
		return walk->each(walk->context, &account);
	walk->all_parsed = false;
	return true;
}

static bool passwd_file_walk(
    void *state, user_account_each *each, void *context, struct status *status)
{
	struct passwd_file *file = state;
	struct walk walk = {file, arena_new(), each, context, status, true};
	bool done = passwd_search_walk(file->search, walk_line, &walk, status);
	arena_free(&walk.arena);
	return done && walk.all_parsed;
}

const struct user_driver user_driver_passwd_file = {
    .name = "passwd-file",
    .needs = USER_NEEDS_PATH,
    .open = passwd_file_open,
    .lookup = passwd_file_lookup,
    .walk = passwd_file_walk,
    .close = passwd_file_close,
};
