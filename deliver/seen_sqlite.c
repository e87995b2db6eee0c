/* seen_sqlite.c - the memory of scripts in SQLite, a module: one file for each user, "seen.sqlite".
 *
 * A rollback journal, not a log of writes: that one wants shared memory, which network file
 * systems do not have, and is put in order by the last one who closes it, which is every delivery
 * of the pipe front. Nothing here is worth a wait for ever; who finds the file locked gives up
 * after a while and the mail is tried again. */
#include "deliver/seen_driver.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "seen.sqlite"
#define PATH_BYTES (PATH_MAX + 64)

struct memory {
	sqlite3 *db;
	char path[PATH_BYTES];
	int wait_ms;
};

static bool fail(struct memory *memory, const char *act, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s %s: %s", act, memory->path,
	    memory->db != NULL ? sqlite3_errmsg(memory->db) : "no memory");
	return false;
}

static bool open_file(struct memory *memory, char *why, size_t why_size)
{
	static const char schema[] = "PRAGMA journal_mode = TRUNCATE;"
	                             "CREATE TABLE IF NOT EXISTS seen"
	                             " (id BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
	                             "CREATE INDEX IF NOT EXISTS seen_until ON seen (until);";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(memory->path, &memory->db, flags, NULL) != SQLITE_OK)
		return fail(memory, "open", why, why_size);
	sqlite3_busy_timeout(memory->db, memory->wait_ms);
	if (sqlite3_exec(memory->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return fail(memory, "prepare", why, why_size);
	return true;
}

static void close_file(struct memory *memory)
{
	sqlite3_close(memory->db);
	memory->db = NULL;
}

static bool is_damaged(const struct memory *memory)
{
	int code = memory->db != NULL ? sqlite3_errcode(memory->db) : SQLITE_OK;
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* The journal belongs to the damaged file: in a new one it would be played back. */
static bool begin_anew(struct memory *memory, char *why, size_t why_size)
{
	char aside[PATH_BYTES + 16];
	char journal[PATH_BYTES + 16];
	close_file(memory);
	snprintf(aside, sizeof(aside), "%s.damaged", memory->path);
	snprintf(journal, sizeof(journal), "%s-journal", memory->path);
	unlink(journal);
	if (rename(memory->path, aside) != 0)
		return fail(memory, "put aside the damaged", why, why_size);
	return open_file(memory, why, why_size);
}

static void seen_close(void *closing)
{
	struct memory *memory = closing;
	if (memory != NULL)
		close_file(memory);
	free(memory);
}

static void *seen_open(const char *directory, int wait_ms, char *why, size_t why_size)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	if (memory == NULL) {
		snprintf(why, why_size, "no memory");
		return NULL;
	}
	memory->wait_ms = wait_ms;
	snprintf(memory->path, sizeof(memory->path), "%s/" FILE_NAME, directory);
	if (open_file(memory, why, why_size) ||
	    (is_damaged(memory) && begin_anew(memory, why, why_size)))
		return memory;
	seen_close(memory);
	return NULL;
}

static enum seen_answer ask(struct memory *memory, struct span id, int64_t now_s)
{
	sqlite3_stmt *query = NULL;
	enum seen_answer answer = SEEN_CANNOT_TELL;
	if (sqlite3_prepare_v2(memory->db, "SELECT 1 FROM seen WHERE id = ? AND until > ?", -1,
	        &query, NULL) == SQLITE_OK &&
	    sqlite3_bind_blob64(query, 1, id.data, id.len, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_bind_int64(query, 2, now_s) == SQLITE_OK) {
		int code = sqlite3_step(query);
		if (code == SQLITE_ROW || code == SQLITE_DONE)
			answer = code == SQLITE_ROW ? SEEN_YES : SEEN_NO;
	}
	sqlite3_finalize(query);
	return answer;
}

static enum seen_answer seen_ask(
    void *asked, struct span id, int64_t now_s, char *why, size_t why_size)
{
	struct memory *memory = asked;
	enum seen_answer answer = ask(memory, id, now_s);
	if (answer != SEEN_CANNOT_TELL)
		return answer;
	fail(memory, "ask", why, why_size);
	return is_damaged(memory) && begin_anew(memory, why, why_size) ? SEEN_NO : SEEN_CANNOT_TELL;
}

static bool run_for(struct memory *memory, const char *sql, const struct span *id, int64_t number)
{
	sqlite3_stmt *statement = NULL;
	bool is_done = sqlite3_prepare_v2(memory->db, sql, -1, &statement, NULL) == SQLITE_OK &&
	               sqlite3_bind_int64(statement, 1, number) == SQLITE_OK &&
	               (id == NULL || sqlite3_bind_blob64(statement, 2, id->data, id->len,
	                                  SQLITE_STATIC) == SQLITE_OK) &&
	               sqlite3_step(statement) == SQLITE_DONE;
	sqlite3_finalize(statement);
	return is_done;
}

static bool seen_mark_all(
    void *marking, const struct seen_mark *marks, int64_t now_s, char *why, size_t why_size)
{
	struct memory *memory = marking;
	bool is_done = sqlite3_exec(memory->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	               run_for(memory, "DELETE FROM seen WHERE until <= ?", NULL, now_s);
	for (; is_done && marks != NULL; marks = marks->next)
		is_done = run_for(memory, "INSERT OR REPLACE INTO seen (until, id) VALUES (?, ?)",
		    &marks->id, marks->until_s);
	is_done = is_done && sqlite3_exec(memory->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	if (is_done)
		return true;
	fail(memory, "write", why, why_size);
	sqlite3_exec(memory->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

extern const struct seen_driver MODULE_RECORD;
MODULE_EXPORT const struct seen_driver MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct seen_driver)},
    .open = seen_open,
    .close = seen_close,
    .ask = seen_ask,
    .mark = seen_mark_all,
};
