/* Every system call of a delivery fails once, each in turn, with each error that means something
 * to us: no failure may leave mail or a tmp file behind, no success may come before the syncs. */
#include "tests/unit/maildir_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>

static struct {
	unsigned count;   /* calls seen */
	unsigned fail_at; /* the call that fails; 0: none */
	int error;
	const char *failed; /* its name, once it has */
	bool has_no_rename; /* renameat2() is not there */
	bool has_no_link;   /* nor hard links */
	int lost_reply;     /* a move is made, but this error reported */
	bool is_dirty;      /* a move was made that no directory sync followed */
	ino_t synced[16];   /* files */
	size_t synced_count;
	unsigned dir_syncs;
} fault;

static bool fails(const char *name)
{
	if (++fault.count != fault.fail_at)
		return false;
	fault.failed = name;
	errno = fault.error;
	return true;
}

#define WRAP(type, name, parameters, arguments)                     \
	type __real_##name parameters;                              \
	type __wrap_##name parameters;                              \
	type __wrap_##name parameters                               \
	{                                                           \
		return fails(#name) ? -1 : __real_##name arguments; \
	}

WRAP(int, access, (const char *path, int mode), (path, mode))
WRAP(int, faccessat, (int fd, const char *path, int mode, int flags), (fd, path, mode, flags))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, fstat, (int fd, struct stat *found), (fd, found))
WRAP(int, fstatat, (int fd, const char *path, struct stat *found, int flags),
    (fd, path, found, flags))
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))

/* Directories with a new one in them that no sync followed, in this run or one before. */
static ino_t unsynced[64];
static size_t unsynced_count;

static void note_mkdir(int fd, const char *parent)
{
	struct stat found;
	ck_assert_int_eq(__real_fstatat(fd, parent, &found, 0), 0);
	ck_assert_uint_lt(unsynced_count, 64);
	unsynced[unsynced_count++] = found.st_ino;
}

static void note_dir_sync(ino_t ino)
{
	size_t kept = 0;
	for (size_t i = 0; i < unsynced_count; i++) {
		if (unsynced[i] != ino)
			unsynced[kept++] = unsynced[i];
	}
	unsynced_count = kept;
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
	char parent[256];
	if (fails("mkdir") || __real_mkdir(path, mode) != 0)
		return -1;
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	note_mkdir(AT_FDCWD, parent);
	return 0;
}

int __real_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_mkdirat(int fd, const char *path, mode_t mode)
{
	if (fails("mkdirat") || __real_mkdirat(fd, path, mode) != 0)
		return -1;
	/* A missing tmp is made again. */
	if (strcmp(path, "tmp") != 0)
		note_mkdir(fd, ".");
	return 0;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	/* A close that fails has closed all the same. */
	int result = __real_close(fd);
	return fails("close") ? -1 : result;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("openat") ? -1 : __real_openat(fd, path, flags, mode);
}

/* Half of it is written before the disk is full. */
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (!fails("write"))
		return __real_write(fd, data, len);
	int error = errno;
	if (__real_write(fd, data, len / 2) < 0)
		abort();
	errno = error;
	return -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat found;
	if (fails("fsync"))
		return -1;
	ck_assert_int_eq(__real_fstat(fd, &found), 0);
	if (S_ISDIR(found.st_mode)) {
		fault.is_dirty = false;
		fault.dir_syncs++;
		note_dir_sync(found.st_ino);
	} else {
		ck_assert_uint_lt(fault.synced_count, 16);
		fault.synced[fault.synced_count++] = found.st_ino;
	}
	return __real_fsync(fd);
}

/* What becomes visible has been synced. */
static void note_move(int fd, const char *path)
{
	struct stat found;
	size_t i = 0;
	ck_assert_int_eq(__real_fstatat(fd, path, &found, 0), 0);
	while (i < fault.synced_count && fault.synced[i] != found.st_ino)
		i++;
	ck_assert_uint_lt(i, fault.synced_count);
	fault.is_dirty = true;
}

static int report_move(int result)
{
	if (result != 0 || fault.lost_reply == 0)
		return result;
	errno = fault.lost_reply;
	return -1;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	if (fault.has_no_rename) {
		errno = EINVAL;
		return -1;
	}
	if (fails("renameat2"))
		return -1;
	note_move(from_fd, from);
	return report_move(__real_renameat2(from_fd, from, to_fd, to, flags));
}

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	if (fault.has_no_link) {
		errno = EPERM;
		return -1;
	}
	if (fails("linkat"))
		return -1;
	note_move(from_fd, from);
	return report_move(__real_linkat(from_fd, from, to_fd, to, flags));
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (fails("renameat"))
		return -1;
	note_move(from_fd, from);
	return report_move(__real_renameat(from_fd, from, to_fd, to));
}

/* -- one delivery of several copies, as the pipeline does it ------------------------------- */

static const char *const folders[] = {"", "Work", ""};
#define COPIES (sizeof(folders) / sizeof(folders[0]))

typedef bool step_function(struct store_copy *copy, struct status *status);

static bool each(
    struct store_copy **copies, step_function *step, struct status *status, size_t *done_out)
{
	for (*done_out = 0; *done_out < COPIES; (*done_out)++) {
		if (!step(copies[*done_out], status))
			return false;
	}
	return true;
}

/* True when all are stored; false when none is. */
static bool deliver(struct room *room)
{
	struct store_copy *copies[COPIES] = {NULL};
	size_t published = 0;
	size_t done;
	struct store *store = room_open(room);
	bool is_good = store != NULL;
	for (size_t i = 0; i < COPIES && is_good; i++) {
		struct store_request request = {.message = &room->message,
		    .folder = span_of(folders[i]),
		    .is_one_of_many = true};
		copies[i] = store_write(store, &request, &room->status);
		is_good = copies[i] != NULL;
	}
	is_good = is_good && each(copies, store_sync, &room->status, &done) &&
	          each(copies, store_publish, &room->status, &published) &&
	          each(copies, store_commit, &room->status, &done);
	for (size_t i = 0; i < COPIES; i++) {
		if (!is_good && i < published)
			ck_assert(store_withdraw(copies[i]));
		store_abandon(&copies[i]);
	}
	store_close(&store);
	return is_good;
}

static void check_disk(struct room *room, bool is_stored, const char *what)
{
	ck_assert_msg(room_count(room, "Maildir/new", NULL) == (is_stored ? 2 : 0), "%s", what);
	ck_assert_msg(
	    room_count(room, "Maildir/.Work/new", NULL) == (is_stored ? 1 : 0), "%s", what);
	/* A second link in tmp/ that cannot be removed is no reason to refuse stored mail. */
	if (is_stored && fault.failed != NULL && strcmp(fault.failed, "unlinkat") == 0)
		return;
	ck_assert_msg(room_count(room, "Maildir/tmp", NULL) == 0, "%s", what);
	ck_assert_msg(room_count(room, "Maildir/.Work/tmp", NULL) == 0, "%s", what);
}

static void prepare(struct room *room, bool is_new)
{
	room_enter(room);
	unsynced_count = 0;
	if (is_new)
		return;
	static const char *const names[] = {"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur",
	    "Maildir/.Work", "Maildir/.Work/tmp", "Maildir/.Work/new", "Maildir/.Work/cur"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		room_mkdir(room, names[i]);
		unsynced_count = 0;
	}
}

/* A delivery that stops half way may have made directories. Whoever finds them and stores
 * something makes them durable first. */
static void check_retry(struct room *room, const char *what)
{
	ck_assert_msg(deliver(room), "again after %s: %s", what, room->status.detail);
	check_disk(room, true, what);
	ck_assert_msg(unsynced_count == 0, "again after %s: %zu directories not synced", what,
	    unsynced_count);
}

/* All calls in turn; `fault` has what is special about the file system. */
static void fail_each_call(bool is_new, unsigned calls_at_least)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EACCES, ENOENT, EINVAL, ENOMEM};
	unsigned failures = 0;
	bool has_ended = false;
	bool has_no_rename = fault.has_no_rename;
	bool has_no_link = fault.has_no_link;
	for (unsigned call = 1; !has_ended; call++) {
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			struct room room;
			memset(&fault, 0, sizeof(fault));
			fault.has_no_rename = has_no_rename;
			fault.has_no_link = has_no_link;
			prepare(&room, is_new);
			fault.count = 0;
			fault.fail_at = call;
			fault.error = errors[i];
			bool is_stored = deliver(&room);
			fault.fail_at = 0;
			char *what = arena_textf(room.arena, "call %u, %s: %s", call,
			    fault.failed == NULL ? "none" : fault.failed, strerror(errors[i]));
			check_disk(&room, is_stored, what);
			if (is_stored) {
				ck_assert_msg(!fault.is_dirty, "%s", what);
			} else {
				ck_assert_msg(!status_is_permanent(&room.status), "%s", what);
				ck_assert_msg(room.status.detail[0] != '\0', "%s", what);
				failures++;
				check_retry(&room, what);
			}
			has_ended = fault.failed == NULL;
			if (has_ended)
				ck_assert(is_stored);
			room_leave(&room);
		}
		if (has_ended)
			ck_assert_uint_ge(call, calls_at_least);
	}
	ck_assert_uint_gt(failures, 50);
}

START_TEST(into_an_existing_mailbox)
{
	fail_each_call(false, 25);
}
END_TEST

START_TEST(into_a_new_mailbox)
{
	fail_each_call(true, 40);
}
END_TEST

START_TEST(without_renameat2)
{
	fault.has_no_rename = true;
	fail_each_call(false, 25);
}
END_TEST

START_TEST(without_links)
{
	fault.has_no_rename = true;
	fault.has_no_link = true;
	fail_each_call(false, 25);
}
END_TEST

START_TEST(a_move_whose_answer_was_lost_counts)
{
	static const int errors[] = {EIO, ENOENT, EEXIST};
	for (size_t i = 0; i < 9; i++) {
		struct room room;
		memset(&fault, 0, sizeof(fault));
		prepare(&room, false);
		fault.has_no_rename = i >= 3;
		fault.has_no_link = i >= 6;
		fault.lost_reply = errors[i % 3];
		ck_assert(deliver(&room));
		check_disk(&room, true, "lost reply");
		room_leave(&room);
	}
}
END_TEST

/* Two copies in one new/ need one sync between them; a folder that exists needs no other. */
START_TEST(a_directory_is_synced_once)
{
	struct room room;
	memset(&fault, 0, sizeof(fault));
	prepare(&room, false);
	fault.dir_syncs = 0;
	ck_assert(deliver(&room));
	ck_assert_uint_eq(fault.dir_syncs, 2);
	ck_assert_uint_eq(fault.synced_count, COPIES);
	room_leave(&room);
}
END_TEST

/* A directory sync that failed is not tried again and believed for the next copy. */
START_TEST(a_failed_directory_sync_is_final)
{
	struct room room;
	memset(&fault, 0, sizeof(fault));
	prepare(&room, false);
	struct store *store = room_open(&room);
	struct store_copy *copies[2];
	struct store_request request = {.message = &room.message};
	for (int i = 0; i < 2; i++) {
		copies[i] = store_write(store, &request, &room.status);
		ck_assert(store_sync(copies[i], &room.status));
		ck_assert(store_publish(copies[i], &room.status));
	}
	fault.fail_at = fault.count + 1;
	fault.error = EIO;
	ck_assert(!store_commit(copies[0], &room.status));
	ck_assert_str_eq(fault.failed, "fsync");
	ck_assert(!store_commit(copies[1], &room.status));
	for (int i = 0; i < 2; i++) {
		ck_assert(store_withdraw(copies[i]));
		store_abandon(&copies[i]);
	}
	store_close(&store);
	check_disk(&room, false, "failed directory sync");
	room_leave(&room);
}
END_TEST

UNIT_TESTS("store_faults", into_an_existing_mailbox, into_a_new_mailbox, without_renameat2,
    without_links, a_move_whose_answer_was_lost_counts, a_directory_is_synced_once,
    a_failed_directory_sync_is_final)
