/* maildir.c - one message into one Maildir.
 *
 * A copy is written in tmp/ and becomes visible by rename into new/, or into cur/ when it has
 * flags. We sync the file before and the directory after the rename: without the second, a crash
 * may lose mail that we have acknowledged. Nothing is locked and no index is touched, so any
 * number of hosts may deliver into one Maildir; a crash leaves at most a file in tmp/, which
 * readers remove when it is 36 hours old.
 * Knows nothing of quota, of the flags of other messages, or of who the user is. */
#include "store/driver.h"

#include "base/file.h"
#include "store/maildir_attributes.h"
#include "store/maildir_folder.h"
#include "store/maildir_keywords.h"
#include "store/maildir_name.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum copy_state { COPY_WRITTEN, COPY_SYNCED, COPY_PUBLISHED, COPY_GONE };

struct maildir_copy {
	struct store_copy copy;
	const struct maildir *maildir;
	struct maildir_folder *folder;
	struct maildir_directory *directory; /* where it will be visible */
	const char *tmp_name;
	const char *name;
	const char *path; /* for the log: of the visible file */
	int fd;
	bool is_synced; /* ahead of its time: */
	int sync_error;
	enum copy_state state;
};

static struct maildir *maildir_of(struct store *store)
{
	return (struct maildir *)store;
}

static struct maildir_copy *copy_of(struct store_copy *copy)
{
	return (struct maildir_copy *)copy;
}

/* -- the store --------------------------------------------------------------------------- */

static struct store *maildir_open(struct arena *arena, const struct store_options *options,
    const char *place, struct status *status)
{
	struct span root = span_of(place);
	while (root.len > 1 && root.data[root.len - 1] == '/')
		root.len--;
	/* A colon would begin one of Dovecot's further options; they mean another layout. */
	if (!span_starts_with(root, "/") || span_find(root, ':') < root.len) {
		status_fail(status, CAUSE_CONFIGURATION,
		    "store location \"maildir:%s\": wanted is \"maildir:\" and an absolute path",
		    place);
		return NULL;
	}
	struct maildir *maildir = ARENA_NEW(arena, struct maildir);
	*maildir = (struct maildir){
	    .store = {.driver = &maildir_driver, .arena = arena, .options = options},
	    .root = arena_text(arena, root),
	    .root_fd = -1,
	};
	return maildir_has_sentinel(maildir, status) ? &maildir->store : NULL;
}

static void maildir_close(struct store *store)
{
	maildir_folder_close_all(maildir_of(store));
}

static struct span maildir_quota_root(const struct store *store)
{
	return span_of(((const struct maildir *)store)->root);
}

static bool maildir_canonical_name(struct arena *arena, const struct store *store, struct span name,
    struct span *canonical_out, struct status *status)
{
	const char *why;
	char separator = store->options->separator;
	if (maildir_folder_name(arena, separator == '\0' ? '.' : separator,
	        store->options->utf8_names, name, canonical_out, &why))
		return true;
	return status_fail(status, CAUSE_MAILBOX, "folder name \"%.*s\": %s",
	    (int)span_first(name, 100).len, name.data == NULL ? "" : name.data, why);
}

static enum store_answer maildir_has_folder(
    struct store *store, struct span folder, struct status *status)
{
	return maildir_folder_exists(maildir_of(store), folder, status);
}

/* -- a copy ------------------------------------------------------------------------------ */

/* Whatever is left of the copy where nobody sees it. */
static void remove_copy(struct maildir_copy *copy)
{
	file_close(&copy->fd);
	if (copy->state == COPY_WRITTEN || copy->state == COPY_SYNCED)
		unlinkat(copy->folder->tmp_fd, copy->tmp_name, 0);
	copy->state = COPY_GONE;
}

static bool has_keywords(const struct store_request *request)
{
	size_t i = 0;
	while (i < request->flag_count && !maildir_is_keyword(request->flags[i]))
		i++;
	return i < request->flag_count;
}

/* Keywords have a place only where Dovecot reads them: it has been here, or in the inbox. */
static bool is_read_by_dovecot(const struct maildir *maildir, const struct maildir_folder *folder)
{
	static const char list[] = "dovecot-uidlist";
	return faccessat(folder->fd, list, F_OK, AT_EACCESS) == 0 ||
	       faccessat(maildir->root_fd, list, F_OK, AT_EACCESS) == 0;
}

/* Adds the letters of keywords; false where one has none. */
static bool add_keyword_letters(const struct maildir *maildir, const struct maildir_folder *folder,
    const struct store_request *request, char *letters)
{
	return maildir_keyword_letters(folder->fd, request->flags, request->flag_count,
	    is_read_by_dovecot(maildir, folder), folder->file_mode, folder->gid,
	    letters + strlen(letters));
}

static struct maildir_copy *new_copy(
    struct maildir *maildir, const struct store_request *request, struct status *status)
{
	struct arena *arena = maildir->store.arena;
	const struct store_options *options = maildir->store.options;
	const struct message *message = request->message;
	char letters[MAILDIR_FLAGS_SIZE + MAILDIR_KEYWORDS_MAX];
	maildir_flag_letters(request->flags, request->flag_count, letters);
	bool may_create = request->may_create || options->autocreate;
	bool lacks_flags = false;
	if (has_keywords(request)) {
		const struct maildir_folder *place =
		    maildir_folder_open(maildir, request->folder, true, may_create, status);
		if (place == NULL)
			return NULL;
		lacks_flags = !add_keyword_letters(maildir, place, request, letters);
	}
	bool is_cur = letters[0] != '\0';
	struct maildir_folder *folder =
	    maildir_folder_open(maildir, request->folder, is_cur, may_create, status);
	if (folder == NULL)
		return NULL;

	struct maildir_copy *copy = ARENA_NEW(arena, struct maildir_copy);
	copy->copy = (struct store_copy){
	    .driver = &maildir_driver, .bytes = message->size_bytes, .lacks_flags = lacks_flags};
	copy->maildir = maildir;
	copy->folder = folder;
	copy->directory = is_cur ? &folder->cur : &folder->new;
	copy->tmp_name = maildir_unique_name(arena, options->host_name, maildir->copy_count++);
	copy->name = maildir_final_name(
	    arena, copy->tmp_name, message->size_bytes, message_crlf_bytes(message), letters);
	bool is_inbox = folder->canonical.len == 0;
	copy->copy.name = arena_spanf(arena, "%s%s%s/%s", is_inbox ? "" : folder->disk_name,
	    is_inbox ? "" : "/", is_cur ? "cur" : "new", copy->name);
	copy->path = arena_textf(arena, "%s/%s", maildir->root, copy->copy.name.data);
	return copy;
}

/* A second name for a message that is a file already. False: it has to be written. */
static bool link_copy(struct maildir_copy *copy, const char *same_file)
{
	struct stat found;
	int tmp_fd = copy->folder->tmp_fd;
	if (linkat(AT_FDCWD, same_file, tmp_fd, copy->tmp_name, 0) != 0)
		return false;
	copy->fd = openat(tmp_fd, copy->tmp_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (copy->fd < 0 || fstat(copy->fd, &found) != 0 || !S_ISREG(found.st_mode)) {
		file_close(&copy->fd);
		unlinkat(tmp_fd, copy->tmp_name, 0);
		return false;
	}
	copy->state = COPY_WRITTEN;
	return true;
}

static struct store_copy *maildir_write(
    struct store *store, const struct store_request *request, struct status *status)
{
	struct maildir_copy *copy = new_copy(maildir_of(store), request, status);
	if (copy == NULL)
		return NULL;
	if (request->is_same_file && link_copy(copy, request->times_of))
		return &copy->copy;
	copy->fd = openat(copy->folder->tmp_fd, copy->tmp_name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (copy->fd < 0) {
		status_errno(status, CAUSE_MAILBOX, errno, "make tmp file for %s", copy->path);
		return NULL;
	}
	copy->state = COPY_WRITTEN;
	maildir_folder_own_file(copy->folder, copy->fd);
	if (!message_write(request->message, copy->fd, status)) {
		char why[STATUS_DETAIL_SIZE];
		snprintf(why, sizeof(why), "%s", status->detail);
		status_detail(status, "tmp file for %s: %s", copy->path, why);
		remove_copy(copy);
		return NULL;
	}
	struct stat same;
	if (request->times_of != NULL && stat(request->times_of, &same) == 0)
		(void)futimens(copy->fd, (struct timespec[2]){same.st_atim, same.st_mtim});
	if (request->is_one_of_many)
		file_begin_sync(copy->fd, 0, 0);
	return &copy->copy;
}

static int maildir_sync_fd(const struct store_copy *base)
{
	const struct maildir_copy *copy = (const struct maildir_copy *)base;
	if (copy->state == COPY_WRITTEN)
		return copy->fd;
	if (copy->state == COPY_PUBLISHED && copy->directory->is_dirty &&
	    copy->directory->error == 0)
		return copy->directory->fd;
	return -1;
}

static void maildir_synced(struct store_copy *base, int error)
{
	struct maildir_copy *copy = copy_of(base);
	if (copy->state == COPY_WRITTEN) {
		copy->is_synced = true;
		copy->sync_error = error;
	} else {
		copy->directory->is_dirty = false;
		copy->directory->error = file_is_unsyncable(error) ? 0 : error;
	}
}

static bool maildir_sync(struct store_copy *base, struct status *status)
{
	struct maildir_copy *copy = copy_of(base);
	assert(copy->state == COPY_WRITTEN);
	if (!copy->is_synced)
		maildir_synced(base, file_sync(copy->fd) == 0 ? 0 : errno);
	if (copy->sync_error != 0)
		return status_errno(status, CAUSE_MAILBOX, copy->sync_error, "sync %s", copy->path);
	if (file_close(&copy->fd) != 0)
		return status_errno(status, CAUSE_MAILBOX, errno, "close %s", copy->path);
	copy->state = COPY_SYNCED;
	return true;
}

/* Moves a file without ever replacing one: by rename where that can be told so, else by link.
 * Where there are no links the 64 random bits of its name have to do. */
static int move_file(int from_fd, const char *from, int to_fd, const char *to)
{
#ifdef HAVE_RENAMEAT2
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
#endif
	if (linkat(from_fd, from, to_fd, to, 0) == 0) {
		unlinkat(from_fd, from, 0);
		return 0;
	}
	if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK)
		return renameat(from_fd, from, to_fd, to);
	return -1;
}

/* A network file system may do what it was asked and, repeating a request, report failure. */
static bool is_moved(const struct maildir_copy *copy)
{
	struct stat from;
	struct stat to;
	if (fstatat(copy->directory->fd, copy->name, &to, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (fstatat(copy->folder->tmp_fd, copy->tmp_name, &from, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	if (from.st_dev != to.st_dev || from.st_ino != to.st_ino)
		return false;
	unlinkat(copy->folder->tmp_fd, copy->tmp_name, 0);
	return true;
}

static bool maildir_publish(struct store_copy *base, struct status *status)
{
	struct maildir_copy *copy = copy_of(base);
	assert(copy->state == COPY_SYNCED);
	if (move_file(copy->folder->tmp_fd, copy->tmp_name, copy->directory->fd, copy->name) != 0) {
		int error = errno;
		if (!is_moved(copy))
			return status_errno(
			    status, CAUSE_MAILBOX, error, "rename from tmp to %s", copy->path);
	}
	copy->state = COPY_PUBLISHED;
	copy->directory->is_dirty = true;
	return true;
}

/* One sync makes all copies durable that were published in the directory before it. */
static bool maildir_commit(struct store_copy *base, struct status *status)
{
	struct maildir_copy *copy = copy_of(base);
	struct maildir_directory *directory = copy->directory;
	assert(copy->state == COPY_PUBLISHED);
	if (directory->is_dirty && directory->error == 0)
		maildir_synced(base, file_sync_dir(directory->fd) == 0 ? 0 : errno);
	return directory->error == 0 || status_errno(status, CAUSE_MAILBOX, directory->error,
	                                    "sync directory of %s", copy->path);
}

static bool maildir_withdraw(struct store_copy *base)
{
	struct maildir_copy *copy = copy_of(base);
	assert(copy->state == COPY_PUBLISHED);
	copy->state = COPY_GONE;
	if (unlinkat(copy->directory->fd, copy->name, 0) != 0)
		return false;
	/* So that a crash does not bring it back; we are failing anyway, so nothing is asked. */
	file_sync_dir(copy->directory->fd);
	return true;
}

static void maildir_abandon(struct store_copy *base)
{
	remove_copy(copy_of(base));
}

const struct store_driver maildir_driver = {
    .name = "maildir",
    .open = maildir_open,
    .close = maildir_close,
    .quota_root = maildir_quota_root,
    .folder_name = maildir_canonical_name,
    .has_folder = maildir_has_folder,
    .annotation = maildir_annotation,
    .folder_by_id = maildir_folder_by_id,
    .folder_by_use = maildir_folder_by_use,
    .write = maildir_write,
    .sync_fd = maildir_sync_fd,
    .synced = maildir_synced,
    .sync = maildir_sync,
    .publish = maildir_publish,
    .commit = maildir_commit,
    .withdraw = maildir_withdraw,
    .abandon = maildir_abandon,
};
