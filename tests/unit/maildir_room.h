#ifndef TESTS_UNIT_MAILDIR_ROOM_H
#define TESTS_UNIT_MAILDIR_ROOM_H

/* A private directory with a Maildir in it, a message, and eyes to look at what is on disk. */
#include "base/arena.h"
#include "mail/message.h"
#include "store/store.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NUL, 8-bit, a bare CR, and no line end at the end. */
#define ROOM_TEXT SPAN("Subject: test\n\nbody\0 \xFF\r.\n..\nend")
#define ROOM_TEXT_CRLF_BYTES (ROOM_TEXT.len + 4)

struct room {
	char path[64];
	char location[128]; /* of the Maildir in it */
	struct arena *arena;
	struct spool *spool;
	struct message message;
	struct store_options options;
	struct status status;
};

static inline void room_enter(struct room *room)
{
	*room = (struct room){.path = "/tmp/ladle-store.XXXXXX", .arena = arena_new()};
	ck_assert_ptr_nonnull(mkdtemp(room->path));
	snprintf(room->location, sizeof(room->location), "maildir:%s/Maildir", room->path);
	room->options = (struct store_options){
	    .location = room->location,
	    .autocreate = true,
	    .autosubscribe = true,
	    .separator = '.',
	    .host_name = "mx.example.org",
	};
	room->spool = spool_new(room->path);
	ck_assert(spool_append(room->spool, ROOM_TEXT.data, ROOM_TEXT.len, &room->status));
	ck_assert(spool_finish(room->spool, &room->status));
	ck_assert(message_open(room->arena, room->spool, &room->message, &room->status));
}

static inline void room_leave(struct room *room)
{
	char command[100];
	spool_free(&room->spool);
	arena_free(&room->arena);
	snprintf(command, sizeof(command), "rm -r %s", room->path);
	ck_assert_int_eq(system(command), 0);
}

/* The path of something in the room, in its arena. */
static inline char *room_path(const struct room *room, const char *name)
{
	return arena_textf(room->arena, "%s/%s", room->path, name);
}

static inline bool room_has(const struct room *room, const char *name)
{
	struct stat found;
	return lstat(room_path(room, name), &found) == 0;
}

static inline void room_mkdir(const struct room *room, const char *name)
{
	ck_assert_int_eq(mkdir(room_path(room, name), 0700), 0);
}

/* Entries of one directory that do not begin with '.'; 0 where there is none. The name of the
 * last goes to `name_out` unless null. */
static inline unsigned room_count(const struct room *room, const char *name, char name_out[256])
{
	unsigned count = 0;
	DIR *dir = opendir(room_path(room, name));
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (name_out != NULL)
			snprintf(name_out, 256, "%s", entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static inline void room_write(const struct room *room, const char *name, const char *text)
{
	FILE *file = fopen(room_path(room, name), "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* The contents of a file; null data where there is none. */
static inline struct span room_read(const struct room *room, const char *name)
{
	char *text = arena_new_items(room->arena, 65536, 1);
	FILE *file = fopen(room_path(room, name), "r");
	if (file == NULL)
		return (struct span){NULL, 0};
	size_t len = fread(text, 1, 65535, file);
	fclose(file);
	return (struct span){text, len};
}

static inline struct store *room_open(struct room *room)
{
	return store_open(room->arena, &room->options, &room->status);
}

/* One copy through all steps; false leaves the status in the room. */
static inline bool room_store(struct room *room, struct store *store, const char *folder)
{
	struct store_request request = {.message = &room->message, .folder = span_of(folder)};
	struct store_copy *copy = store_write(store, &request, &room->status);
	bool is_stored = copy != NULL && store_sync(copy, &room->status) &&
	                 store_publish(copy, &room->status) && store_commit(copy, &room->status);
	store_abandon(&copy);
	return is_stored;
}

#endif
