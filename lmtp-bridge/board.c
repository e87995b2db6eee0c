/* board.c - memory that all processes of a bridge share: counters and what each is doing. */
#include "lmtp-bridge/board.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "ladle board 4"

_Static_assert(offsetof(struct board, lost_replies) == BOARD_OPEN_BYTES,
    "the open part has no room for its figures");

const int64_t board_bounds_us[BOARD_BUCKETS - 1] = {50, 100, 250, 500, 1000, 2500, 5000, 10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 60000000, 240000000};

static const char *const stage_names[BOARD_STAGES] = {
    [BOARD_STAGE_USER] = "user",
    [BOARD_STAGE_ADMIT] = "admit",
    [BOARD_STAGE_DECIDE] = "decide",
    [BOARD_STAGE_VET] = "vet",
    [BOARD_STAGE_WRITE] = "write",
    [BOARD_STAGE_SYNC] = "sync",
    [BOARD_STAGE_PUBLISH] = "publish",
    [BOARD_STAGE_COMMIT] = "commit",
    [BOARD_STAGE_RCPT] = "rcpt",
    [BOARD_STAGE_MESSAGE] = "message",
};

const char *board_stage_name(enum board_stage stage)
{
	return stage_names[stage];
}

/* -- the memory ------------------------------------------------------------------------------ */

static struct board *map(int fd, int protection)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *memory = mmap(NULL, sizeof(struct board), protection, flags, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* A new file under the name: who looks at the old one is not disturbed, and another bridge's
 * figures are not mixed with ours. */
static struct board *map_file(const char *path)
{
	char fresh[4096];
	struct board *board = NULL;
	if (snprintf(fresh, sizeof(fresh), "%s.%ld", path, (long)getpid()) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	unlink(fresh);
	int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	/* Allocated, because a page that the disk has no room for would kill who touches it. */
	int error = posix_fallocate(fd, 0, (off_t)sizeof(struct board));
	errno = error;
	if (error == 0 && rename(fresh, path) == 0)
		board = map(fd, PROT_READ | PROT_WRITE);
	error = errno;
	if (board == NULL)
		unlink(fresh);
	close(fd);
	errno = error;
	return board;
}

struct board *board_open(const char *path)
{
	struct board *board = path[0] == '\0' ? map(-1, PROT_READ | PROT_WRITE) : map_file(path);
	if (board == NULL)
		return NULL;
	memcpy(board->magic, MAGIC, sizeof(MAGIC));
	board->size_bytes = sizeof(*board);
	atomic_store(&board->started_ms, clock_monotonic_ms());
	atomic_store(&board->supervisor_pid, (int32_t)getpid());
	atomic_store(&board->outbox_users, -1);
	return board;
}

const struct board *board_attach(const char *path)
{
	struct stat stat;
	struct board *board = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	    stat.st_size == (off_t)sizeof(struct board))
		board = map(fd, PROT_READ);
	int error = errno;
	close(fd);
	errno = error;
	if (board != NULL && (memcmp(board->magic, MAGIC, sizeof(MAGIC)) != 0 ||
	                         board->size_bytes != sizeof(*board))) {
		board_close(&board);
		errno = EINVAL;
	}
	return board;
}

void board_remove(const struct board *board, const char *path)
{
	const struct board *there = board_attach(path);
	if (there == NULL)
		return;
	if (there->supervisor_pid == board->supervisor_pid &&
	    there->started_ms == board->started_ms)
		unlink(path);
	board_detach(&there);
}

void board_detach(const struct board **board)
{
	if (*board != NULL)
		munmap((void *)(uintptr_t)*board, sizeof(**board));
	*board = NULL;
}

void board_close(struct board **board)
{
	if (*board != NULL)
		munmap(*board, sizeof(**board));
	*board = NULL;
}

void board_hide_replies(struct board *board)
{
	/* Nothing else may come to lie there: board_close() takes it away with the rest. */
	if (board != NULL && mmap(&board->lost_replies, sizeof(board->lost_replies), PROT_NONE,
	                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		memory_exhausted();
}

/* -- counting -------------------------------------------------------------------------------- */

static void add(_Atomic uint64_t *to, uint64_t number)
{
	atomic_fetch_add_explicit(to, number, memory_order_relaxed);
}

void board_add(struct board *board, enum board_counter counter, uint64_t number)
{
	if (board != NULL)
		add(&board->counters[counter], number);
}

void board_admitted(struct board *board, enum cause cause)
{
	if (board != NULL && (unsigned)cause < CAUSE_COUNT)
		add(&board->admitted[cause], 1);
}

void board_delivered(struct board *board, enum cause cause)
{
	if (board == NULL || (unsigned)cause >= CAUSE_COUNT)
		return;
	add(&board->delivered[cause], 1);
	int64_t second = clock_monotonic_ms() / 1000;
	size_t at = (size_t)second % BOARD_SECONDS;
	/* The first of a second empties what was there a minute ago; a count may get lost. */
	if (atomic_exchange(&board->second[at], second) != second)
		atomic_store(&board->second_count[at], 0);
	atomic_fetch_add_explicit(&board->second_count[at], 1, memory_order_relaxed);
}

void board_set_outbox(struct board *board, uint64_t users, uint64_t items)
{
	if (board == NULL)
		return;
	atomic_store(&board->outbox_items, (int64_t)items);
	atomic_store(&board->outbox_users, (int64_t)users);
}

struct replay_counts *board_lost_replies(struct board *board)
{
	return board == NULL ? NULL : &board->lost_replies;
}

int64_t board_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void board_time(struct board *board, enum board_stage stage, int64_t us)
{
	size_t bucket = 0;
	if (board == NULL || us < 0)
		return;
	while (bucket < BOARD_BUCKETS - 1 && us > board_bounds_us[bucket])
		bucket++;
	add(&board->stages[stage].counts[bucket], 1);
	add(&board->stages[stage].sum_us, (uint64_t)us);
}

/* -- slots ----------------------------------------------------------------------------------- */

static struct board_slot *slot_of(struct board *board, uint32_t slot)
{
	return board == NULL || slot >= BOARD_SLOTS ? NULL : &board->slots[slot];
}

static const struct board_slot *slot_at(const struct board *board, uint32_t slot)
{
	return board == NULL || slot >= BOARD_SLOTS ? NULL : &board->slots[slot];
}

uint32_t board_slot_end(const struct board *board)
{
	uint32_t end = board == NULL ? 0 : atomic_load(&board->slot_end);
	return end < BOARD_SLOTS ? end : BOARD_SLOTS;
}

uint32_t board_slot_take(
    struct board *board, enum board_kind kind, uint32_t group, enum board_state state)
{
	if (board == NULL)
		return BOARD_NO_SLOT;
	uint32_t end = board_slot_end(board);
	uint32_t at = 0;
	while (at < end &&
	       atomic_load_explicit(&board->slots[at].kind, memory_order_relaxed) != BOARD_NOTHING)
		at++;
	if (at >= BOARD_SLOTS)
		return BOARD_NO_SLOT;
	struct board_slot *slot = &board->slots[at];
	int64_t now_ms = clock_monotonic_ms();
	slot->peer[0] = slot->text[0] = '\0';
	atomic_store(&slot->user_count, 0);
	atomic_store(&slot->done_count, 0);
	atomic_store(&slot->started_ms, now_ms);
	atomic_store(&slot->since_ms, now_ms);
	slot->group = group % BOARD_GROUPS;
	atomic_store(&slot->state, state);
	atomic_store(&slot->kind, kind);
	if (at >= end)
		atomic_store(&board->slot_end, at + 1);
	return at;
}

void board_slot_start(struct board *board, uint32_t at, pid_t pid)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot != NULL)
		atomic_store(&slot->pid, (int32_t)pid);
}

void board_slot_clear(struct board *board, uint32_t at)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot == NULL)
		return;
	atomic_store(&slot->user_count, 0);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->kind, BOARD_NOTHING);
}

size_t board_count_free(struct board *board, uint32_t group)
{
	uint32_t count = 0;
	if (board == NULL)
		return 0;
	uint32_t end = board_slot_end(board);
	for (uint32_t i = 0; i < end; i++) {
		const struct board_slot *slot = &board->slots[i];
		count +=
		    atomic_load_explicit(&slot->kind, memory_order_relaxed) == BOARD_DELIVERY &&
		    slot->group == group % BOARD_GROUPS &&
		    atomic_load_explicit(&slot->state, memory_order_relaxed) == BOARD_FREE;
	}
	atomic_store(&board->free_counts[group % BOARD_GROUPS], count);
	return count;
}

void board_state(struct board *board, uint32_t at, enum board_state state)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot == NULL)
		return;
	uint32_t before = atomic_exchange(&slot->state, state);
	if (before == state)
		return;
	atomic_store_explicit(&slot->since_ms, clock_monotonic_ms(), memory_order_relaxed);
	if (atomic_load_explicit(&slot->kind, memory_order_relaxed) != BOARD_DELIVERY)
		return;
	_Atomic uint32_t *free_count = &board->free_counts[slot->group % BOARD_GROUPS];
	if (state == BOARD_FREE)
		atomic_fetch_add(free_count, 1);
	else if (before == BOARD_FREE && atomic_load(free_count) > 0)
		atomic_fetch_sub(free_count, 1);
}

enum board_state board_state_of(const struct board *board, uint32_t at)
{
	const struct board_slot *slot = slot_at(board, at);
	uint32_t state = slot == NULL ? BOARD_BUSY : atomic_load(&slot->state);
	return state < BOARD_STATES ? (enum board_state)state : BOARD_BUSY;
}

uint32_t board_free_count(const struct board *board, uint32_t at)
{
	const struct board_slot *slot = slot_at(board, at);
	return slot == NULL ? 0
	                    : atomic_load_explicit(&board->free_counts[slot->group % BOARD_GROUPS],
	                          memory_order_relaxed);
}

uint64_t board_done_count(const struct board *board, uint32_t at)
{
	const struct board_slot *slot = slot_at(board, at);
	return slot == NULL ? 0 : atomic_load(&slot->done_count);
}

void board_done(struct board *board, uint32_t at)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot != NULL)
		add(&slot->done_count, 1);
}

void board_text(struct board *board, uint32_t at, const char *id, struct span recipient)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot == NULL)
		return;
	size_t id_len = strnlen(id, 40);
	size_t len = recipient.len;
	char *to = slot->text;
	memcpy(to, id, id_len);
	to[id_len] = ' ';
	if (len > BOARD_TEXT - id_len - 2)
		len = BOARD_TEXT - id_len - 2;
	if (len > 0)
		memcpy(to + id_len + 1, recipient.data, len);
	to[id_len + 1 + len] = '\0';
}

void board_peer(struct board *board, uint32_t at, const char *peer)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot != NULL)
		snprintf(slot->peer, sizeof(slot->peer), "%s", peer);
}

static void copy_shown(const char *from, size_t from_size, char *to, size_t size)
{
	size_t len = strnlen(from, from_size < size ? from_size : size - 1);
	memcpy(to, from, len);
	to[len] = '\0';
	utf8_hide_controls(to, len);
}

void board_text_of(const struct board *board, uint32_t at, char *to, size_t size)
{
	const struct board_slot *slot = slot_at(board, at);
	copy_shown(slot == NULL ? "" : slot->text, BOARD_TEXT, to, size);
}

void board_peer_of(const struct board *board, uint32_t at, char *to, size_t size)
{
	const struct board_slot *slot = slot_at(board, at);
	copy_shown(slot == NULL ? "" : slot->peer, sizeof(slot->peer), to, size);
}

/* -- users ----------------------------------------------------------------------------------- */

uint32_t board_user_key(struct span name)
{
	uint32_t hash = 2166136261u; /* FNV-1a; 0 stands for nobody */
	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	return hash == 0 ? 1 : hash;
}

void board_user_add(struct board *board, uint32_t at, uint32_t key)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot == NULL || key == 0)
		return;
	uint32_t count = atomic_load(&slot->user_count);
	if (count >= BOARD_USERS)
		return;
	atomic_store(&slot->users[count], key);
	atomic_store(&slot->user_count, count + 1);
}

void board_users_clear(struct board *board, uint32_t at)
{
	struct board_slot *slot = slot_of(board, at);
	if (slot != NULL && atomic_load_explicit(&slot->user_count, memory_order_relaxed) != 0)
		atomic_store(&slot->user_count, 0);
}

static bool has_user(const struct board_slot *slot, uint32_t key)
{
	uint32_t count = atomic_load_explicit(&slot->user_count, memory_order_relaxed);
	for (uint32_t i = 0; i < count && i < BOARD_USERS; i++) {
		if (atomic_load_explicit(&slot->users[i], memory_order_relaxed) == key)
			return true;
	}
	return false;
}

size_t board_user_count(const struct board *board, uint32_t slot, uint32_t key)
{
	size_t count = 0;
	uint32_t end = board_slot_end(board);
	for (uint32_t i = 0; i < end; i++)
		count += i != slot && has_user(&board->slots[i], key);
	return count;
}
