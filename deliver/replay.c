/* replay.c - what was answered with success and not heard.
 *
 * The file system does the work: O_EXCL makes a memory, unlink() uses it up, and of two who try
 * one wins. Of two messages that are the same byte for byte, and were both lost, each has a memory
 * of its own.
 *
 * A memory that stays by accident would swallow a message that is sent twice on purpose, byte for
 * byte; one that is missing lets a message double. Neither loses what nobody has. */
#include "deliver/replay.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "deliver/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No user is called so (state_file_name). */
#define SHARED_NAME ".replies"
#define OWN_NAME "replies"
/* Of one digest. */
#define COPIES_MAX 8
/* In one directory: a client that never listens must not fill the disk. */
#define MEMORIES_MAX 20000
#define CHUNK_BYTES 65536

/* "BBBB-DIGEST.N": bucket, digest, and a number where one is there twice. */
#define BUCKET_DIGITS 4
#define STEM_BYTES (BUCKET_DIGITS + 1 + 2 * SHA256_BYTES)
#define NAME_BYTES (STEM_BYTES + 3)

/* -- names ------------------------------------------------------------------------------------- */

/* Exim puts these on top at each attempt, and the time of the attempt into one of them. */
static bool is_added_line(struct span text)
{
	return span_starts_with_nocase(text, "Return-path:") ||
	       span_starts_with_nocase(text, "Envelope-to:") ||
	       span_starts_with_nocase(text, "Delivery-date:");
}

/* Of the beginning of a message, what comes behind the lines that an attempt has added. */
static struct span skip_added(struct sha256 *sha, struct span text)
{
	while (is_added_line(text)) {
		size_t len = span_find(text, '\n');
		len = len < text.len ? len + 1 : len;
		if (!span_starts_with_nocase(text, "Delivery-date:"))
			sha256_add(sha, text.data, len);
		text = span_from(text, len);
	}
	return text;
}

static bool digest_message(struct replay *replay)
{
	char chunk[CHUNK_BYTES];
	struct sha256 sha;
	struct status status;
	uint64_t at = 0;
	size_t got;
	if (replay->has_digest)
		return true;
	sha256_init(&sha);
	do {
		if (!spool_read(replay->spool, at, chunk, sizeof(chunk), &got, &status)) {
			log_write(LOG_LEVEL_ERROR, "a message's digest: %s", status.detail);
			return false;
		}
		struct span text = {chunk, got};
		if (at == 0)
			text = skip_added(&sha, text);
		sha256_add(&sha, text.data, text.len);
		at += got;
	} while (got == sizeof(chunk));
	sha256_end(&sha, replay->digest);
	replay->has_digest = true;
	return true;
}

static unsigned bucket_of(const struct delivery *delivery)
{
	const struct span texts[] = {
	    delivery->envelope->sender.text, delivery->recipient->envelope.address.text};
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < texts[i].len; k++)
			hash = (hash ^ (unsigned char)texts[i].data[k]) * 16777619u;
		hash *= 16777619u;
	}
	return (hash ^ hash >> 16) % REPLAY_BUCKETS;
}

/* The name of the memory of this delivery, up to the number behind it. */
static bool name_memory(
    struct replay *replay, const struct delivery *delivery, char name_out[NAME_BYTES])
{
	struct span sender = delivery->envelope->sender.text;
	struct span recipient = delivery->recipient->envelope.address.text;
	uint64_t sender_len = sender.len;
	unsigned char digest[SHA256_BYTES];
	struct sha256 sha;
	if (!digest_message(replay))
		return false;
	sha256_init(&sha);
	sha256_add(&sha, replay->digest, sizeof(replay->digest));
	sha256_add(&sha, &sender_len, sizeof(sender_len));
	sha256_add(&sha, sender.data, sender.len);
	sha256_add(&sha, recipient.data, recipient.len);
	sha256_end(&sha, digest);
	snprintf(name_out, NAME_BYTES, "%04x-", bucket_of(delivery));
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(name_out + BUCKET_DIGITS + 1 + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static void number_name(char name[NAME_BYTES], unsigned number)
{
	snprintf(name + STEM_BYTES, 3, ".%u", number);
}

/* The bucket of a memory, or -1: it is none. */
static int bucket_of_name(const char *name)
{
	static const char digits[] = "0123456789abcdef";
	char *end;
	if (strlen(name) != NAME_BYTES - 1 || strspn(name, digits) != BUCKET_DIGITS ||
	    strspn(name + BUCKET_DIGITS + 1, digits) != 2 * SHA256_BYTES || name[STEM_BYTES] != '.')
		return -1;
	unsigned long bucket = strtoul(name, &end, 16);
	return bucket < REPLAY_BUCKETS ? (int)bucket : -1;
}

/* -- the directory ----------------------------------------------------------------------------- */

static const char *directory_path(struct delivery *delivery, struct status *status)
{
	if (state_is_shared(delivery))
		return arena_textf(
		    delivery->arena, "%s/" SHARED_NAME, state_shared_directory(delivery->settings));
	const char *own = state_directory_path(delivery, status);
	return own == NULL ? NULL : arena_textf(delivery->arena, "%s/" OWN_NAME, own);
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void count(const struct replay *replay, const struct delivery *delivery, int32_t more)
{
	if (state_is_shared(delivery))
		atomic_fetch_add(&replay->counts->buckets[bucket_of(delivery)], more);
}

/* 1: fresh; 0: too old; -1: there is none. */
static int look_at(int directory, const char *name)
{
	struct stat found;
	if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	return clock_now().tv_sec - found.st_mtim.tv_sec <= (time_t)REPLAY_DAYS * 24 * 3600;
}

/* Asks about every memory whether it stays; how many do. */
static size_t walk(int directory,
    bool (*is_left)(struct replay_counts *, int directory, const char *name, int bucket),
    struct replay_counts *counts)
{
	size_t left = 0;
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	if (dir == NULL && copy >= 0)
		close(copy);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int bucket = bucket_of_name(entry->d_name);
		if (bucket >= 0)
			left += is_left(counts, directory, entry->d_name, bucket);
	}
	if (dir != NULL)
		closedir(dir);
	return left;
}

static bool remove_if_old(struct replay_counts *counts, int directory, const char *name, int bucket)
{
	if (look_at(directory, name) != 0 || unlinkat(directory, name, 0) != 0)
		return true;
	if (counts != NULL)
		atomic_fetch_sub(&counts->buckets[bucket], 1);
	return false;
}

static size_t remove_old(struct replay *replay, const struct delivery *delivery, int directory)
{
	replay->is_looked_through = true;
	return walk(directory, remove_if_old, state_is_shared(delivery) ? replay->counts : NULL);
}

static bool count_one(struct replay_counts *counts, int directory, const char *name, int bucket)
{
	(void)directory;
	(void)name;
	atomic_fetch_add(&counts->buckets[bucket], 1);
	return true;
}

void replay_count_shared(const struct settings *settings, struct replay_counts *counts)
{
	char path[PATH_MAX];
	const char *shared = state_shared_directory(settings);
	if (shared == NULL ||
	    snprintf(path, sizeof(path), "%s/" SHARED_NAME, shared) >= (int)sizeof(path))
		return;
	int directory = open_directory(path);
	if (directory >= 0) {
		(void)walk(directory, count_one, counts);
		close(directory);
	} else if (errno != ENOENT) {
		/* One we may not look into may have some of each. */
		for (size_t i = 0; i < REPLAY_BUCKETS; i++)
			atomic_fetch_add(&counts->buckets[i], 1);
	}
}

/* -- taking ------------------------------------------------------------------------------------ */

static bool take(struct replay *replay, struct delivery *delivery, int directory)
{
	char name[NAME_BYTES];
	if (!name_memory(replay, delivery, name))
		return false;
	for (unsigned number = 0; number < COPIES_MAX; number++) {
		number_name(name, number);
		int age = look_at(directory, name);
		if (age < 0 || unlinkat(directory, name, 0) != 0)
			continue;
		count(replay, delivery, -1);
		if (age > 0) {
			/* Were it to come back, it would swallow what is sent on purpose. */
			(void)file_sync_dir(directory);
			return true;
		}
	}
	return false;
}

bool replay_take(struct replay *replay, struct delivery *delivery)
{
	struct status status;
	bool is_shared = state_is_shared(delivery);
	if (is_shared && atomic_load_explicit(&replay->counts->buckets[bucket_of(delivery)],
	                     memory_order_relaxed) == 0)
		return false;
	const char *path = directory_path(delivery, &status);
	int directory = path == NULL ? -1 : open_directory(path);
	if (directory < 0)
		return false;
	bool is_replay = take(replay, delivery, directory);
	if (!replay->is_looked_through)
		remove_old(replay, delivery, directory);
	close(directory);
	/* Without the directory the next look costs nothing; it stays while there is something. */
	if (!is_shared)
		(void)rmdir(path);
	if (is_replay)
		atomic_fetch_add(&replay->counts->recognised, 1);
	return is_replay;
}

/* -- remembering ------------------------------------------------------------------------------- */

static int make(int directory, char name[NAME_BYTES])
{
	for (unsigned number = 0; number < COPIES_MAX; number++) {
		number_name(name, number);
		int file = openat(
		    directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (file >= 0 || errno != EEXIST)
			return file;
	}
	return -1;
}

static bool remember(struct replay *replay, struct delivery *delivery, const char *path,
    int directory, struct status *status)
{
	char name[NAME_BYTES];
	if (!name_memory(replay, delivery, name))
		return status_fail(status, CAUSE_CANNOT_TELL, "the message cannot be read");
	if (remove_old(replay, delivery, directory) >= MEMORIES_MAX)
		return status_fail(status, CAUSE_CANNOT_TELL, "%s is full", path);
	/* First, so that it is never too small. */
	count(replay, delivery, 1);
	int file = make(directory, name);
	if (file < 0) {
		count(replay, delivery, -1);
		return status_errno(status, CAUSE_CANNOT_TELL, errno, "make %s/%s", path, name);
	}
	bool is_durable = file_sync(file) == 0 && file_sync_dir(directory) == 0;
	int error = errno;
	close(file);
	return is_durable || status_errno(status, CAUSE_CANNOT_TELL, error, "sync %s", path);
}

static bool try_to_remember(
    struct replay *replay, struct delivery *delivery, const char *path, struct status *status)
{
	int directory = file_make_dirs(path, 0700) == 0 ? open_directory(path) : -1;
	if (directory < 0)
		return status_errno(status, CAUSE_CANNOT_TELL, errno, "make %s", path);
	bool is_remembered = remember(replay, delivery, path, directory, status);
	close(directory);
	return is_remembered;
}

bool replay_remember(struct replay *replay, struct delivery *delivery, struct status *status)
{
	const char *path = directory_path(delivery, status);
	atomic_fetch_add(&replay->counts->lost, 1);
	if (path == NULL)
		return false;
	if (!state_is_shared(delivery) && state_directory(delivery, status) == NULL)
		return false;
	/* Twice, because who uses the last memory up removes the directory. */
	bool is_remembered = false;
	for (unsigned attempt = 0; attempt < 2 && !is_remembered; attempt++)
		is_remembered = try_to_remember(replay, delivery, path, status);
	if (is_remembered)
		atomic_fetch_add(&replay->counts->remembered, 1);
	return is_remembered;
}
