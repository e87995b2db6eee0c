/* seen.c - who may ask about an id, and when it counts as seen.
 *
 * Between a question and the end of the delivery the id is held by a lock on one byte of a file,
 * whose place is the id's hash: so of two deliveries of the same message one waits for the other,
 * and nobody else does. A lock on the whole database instead would let every two messages to the
 * same users wait for each other, and those to several users in a different order for ever.
 *
 * In one process a message may be on its way to one user twice, by two addresses. The second asks
 * while the first is not over, and cannot wait for it. Its answer is "seen", and it relies on the
 * first: unless that one succeeds it fails too, and is tried again. */
#include "deliver/seen.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "deliver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_NAME "seen_sqlite"
#define LOCK_NAME "seen.lock"
#define WAIT_MS 10000
/* A longer one is known by its beginning, its length and a hash of all. */
#define ID_BYTES_MAX 1024
#define WHY_BYTES 300

struct question {
	struct span id;
	bool was_seen;
	struct seen_mark mark; /* what to remember; `until_s` 0: nothing */
	struct question *next;
};

/* What one delivery has asked. */
struct seen {
	const char *directory;
	const struct seen_driver *driver;
	void *memory;
	int lock_fd;
	struct question *first; /* the latest one */
	size_t count;
	struct delivery *delivery;
	struct seen *next; /* in the room */
};

struct seen_room {
	const struct seen_driver *driver; /* null: not loaded yet */
	struct seen *first;
};

struct seen_room *seen_room_new(void)
{
	return memory_new(1, sizeof(struct seen_room));
}

void seen_room_free(struct seen_room **room)
{
	free(*room);
	*room = NULL;
}

static uint64_t hash_of(struct span id)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	for (size_t i = 0; i < id.len; i++)
		hash = (hash ^ (unsigned char)id.data[i]) * UINT64_C(1099511628211);
	return hash;
}

/* The id as it is kept: bounded, because a stranger may have chosen it. */
static struct span keep_id(struct arena *arena, struct span id)
{
	struct bytes kept = {0};
	if (id.len <= ID_BYTES_MAX)
		return arena_span(arena, id);
	bytes_append_span(&kept, span_first(id, ID_BYTES_MAX));
	bytes_appendf(&kept, "%zu:%016llx", id.len, (unsigned long long)hash_of(id));
	struct span copy = arena_span(arena, bytes_span(&kept));
	bytes_clear(&kept);
	return copy;
}

/* -- opening ----------------------------------------------------------------------------------- */

static bool load_driver(struct seen_room *room, struct status *status)
{
	char why[WHY_BYTES] = "";
	if (room->driver != NULL)
		return true;
	const struct module *module =
	    module_load(MODULE_NAME, sizeof(struct seen_driver), why, sizeof(why));
	if (module == NULL) {
		status_fail(status, CAUSE_CONFIGURATION, "the memory of scripts: %s", why);
		return false;
	}
	room->driver = (const struct seen_driver *)(const void *)module;
	return true;
}

static int wait_ms(const struct delivery *delivery)
{
	int left = clock_left_ms(delivery->call->deadline_ms);
	return left < WAIT_MS ? left : WAIT_MS;
}

static bool open_files(struct seen *seen, const struct delivery *delivery, struct status *status)
{
	char why[WHY_BYTES] = "";
	const char *path = arena_textf(delivery->arena, "%s/" LOCK_NAME, seen->directory);
	seen->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (seen->lock_fd < 0)
		return status_errno(status, CAUSE_CANNOT_TELL, errno, "open %s", path);
	seen->memory = seen->driver->open(seen->directory, wait_ms(delivery), why, sizeof(why));
	return seen->memory != NULL || status_fail(status, CAUSE_CANNOT_TELL, "%s", why);
}

static void close_files(struct seen *seen)
{
	if (seen->memory != NULL)
		seen->driver->close(seen->memory);
	seen->memory = NULL;
	if (seen->lock_fd >= 0)
		close(seen->lock_fd);
	seen->lock_fd = -1;
}

static bool open_seen(struct seen_room *room, struct delivery *delivery, struct status *status)
{
	if (delivery->seen != NULL)
		return true;
	const char *directory = state_directory(delivery, status);
	if (directory == NULL || !load_driver(room, status))
		return false;
	struct seen *seen = ARENA_NEW(delivery->arena, struct seen);
	*seen = (struct seen){.directory = directory,
	    .driver = room->driver,
	    .lock_fd = -1,
	    .delivery = delivery,
	    .next = room->first};
	if (!open_files(seen, delivery, status)) {
		close_files(seen);
		return false;
	}
	room->first = seen;
	delivery->seen = seen;
	return true;
}

/* -- asking ------------------------------------------------------------------------------------ */

static struct question *find(const struct seen *seen, struct span id)
{
	struct question *question = seen->first;
	while (question != NULL && !span_equals(question->id, id))
		question = question->next;
	return question;
}

/* The delivery of this process that is about to remember the same for the same user. */
static struct delivery *find_other(
    const struct seen_room *room, const struct seen *own, struct span id)
{
	for (struct seen *seen = room->first; seen != NULL; seen = seen->next) {
		const struct question *question =
		    seen != own && strcmp(seen->directory, own->directory) == 0 ? find(seen, id)
		                                                                : NULL;
		if (question != NULL && !question->was_seen)
			return seen->delivery;
	}
	return NULL;
}

static enum seen_answer ask_memory(
    struct seen *seen, const struct delivery *delivery, struct span id, struct status *status)
{
	char why[WHY_BYTES] = "";
	int64_t byte = (int64_t)(hash_of(id) >> 2);
	if (lock_take_byte(seen->lock_fd, byte, LOCK_MODE_EXCLUSIVE,
	        clock_monotonic_ms() + wait_ms(delivery)) != 0) {
		status_errno(status, CAUSE_CANNOT_TELL, errno,
		    "wait for another delivery with the same id (%s/" LOCK_NAME ")",
		    seen->directory);
		return SEEN_CANNOT_TELL;
	}
	enum seen_answer answer =
	    seen->driver->ask(seen->memory, id, clock_now().tv_sec, why, sizeof(why));
	if (answer == SEEN_CANNOT_TELL)
		status_fail(status, CAUSE_CANNOT_TELL, "%s", why);
	return answer;
}

static enum seen_answer ask(
    struct seen_room *room, struct delivery *delivery, struct span id, struct status *status)
{
	struct delivery *other = find_other(room, delivery->seen, id);
	if (other == NULL)
		return ask_memory(delivery->seen, delivery, id, status);
	if (delivery->relies_on != NULL && delivery->relies_on != other) {
		status_fail(status, CAUSE_CANNOT_TELL,
		    "two deliveries to the same user must be over first");
		return SEEN_CANNOT_TELL;
	}
	delivery->relies_on = other;
	return SEEN_YES;
}

enum seen_answer seen_ask(struct seen_room *room, struct delivery *delivery, struct span id,
    uint64_t seconds, bool is_last, struct status *status)
{
	int64_t now_s = clock_now().tv_sec;
	if (!open_seen(room, delivery, status))
		return SEEN_CANNOT_TELL;
	id = keep_id(delivery->arena, id);
	struct seen *seen = delivery->seen;
	struct question *question = find(seen, id);
	if (question == NULL) {
		enum seen_answer answer = ask(room, delivery, id, status);
		if (answer == SEEN_CANNOT_TELL)
			return answer;
		question = ARENA_NEW(delivery->arena, struct question);
		*question = (struct question){
		    .id = id, .was_seen = answer == SEEN_YES, .next = seen->first};
		seen->first = question;
		seen->count++;
	}
	if (!question->was_seen || is_last)
		question->mark = (struct seen_mark){.id = id,
		    .until_s = now_s + (int64_t)(seconds > INT32_MAX ? INT32_MAX : seconds)};
	return question->was_seen ? SEEN_YES : SEEN_NO;
}

size_t seen_count(const struct delivery *delivery)
{
	return delivery->seen != NULL ? delivery->seen->count : 0;
}

/* Their locks stay until the end: that is soon, and others lose nothing but time. */
void seen_forget(struct delivery *delivery, size_t count)
{
	for (; seen_count(delivery) > count; delivery->seen->count--)
		delivery->seen->first = delivery->seen->first->next;
}

/* -- remembering ------------------------------------------------------------------------------- */

static void remember(struct seen *seen)
{
	char why[WHY_BYTES] = "";
	struct seen_mark *marks = NULL;
	for (struct question *question = seen->first; question != NULL; question = question->next) {
		if (question->mark.until_s == 0)
			continue;
		question->mark.next = marks;
		marks = &question->mark;
	}
	if (marks != NULL &&
	    !seen->driver->mark(seen->memory, marks, clock_now().tv_sec, why, sizeof(why)))
		log_write(LOG_LEVEL_ERROR,
		    "%s: what the scripts of \"%.*s\" have seen is not remembered: %s",
		    seen->delivery->call->id, (int)seen->delivery->user.name.len,
		    seen->delivery->user.name.data, why);
}

void seen_settle(struct seen_room *room, struct delivery *delivery)
{
	struct seen *seen = delivery->seen;
	if (seen == NULL)
		return;
	if (delivery->has_message && status_is_success(&delivery->status))
		remember(seen);
	close_files(seen);
	for (struct seen **at = &room->first; *at != NULL; at = &(*at)->next) {
		if (*at == seen) {
			*at = seen->next;
			break;
		}
	}
	delivery->seen = NULL;
}
