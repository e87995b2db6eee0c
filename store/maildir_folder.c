/* maildir_folder.c - the directories of a Maildir++: opens them, makes what is missing.
 *
 * What we make is made durable in its parent before any mail lies in it. Several processes may
 * make the same folder at once: "it exists" is success at every step, and whoever finds a folder
 * half made (a crash, a failed sync) completes it, whether or not he might make a new one. Modes
 * and group follow the folder's own directory or its dovecot-shared file, as Dovecot has it; a new
 * mailbox is private. Knows nothing of messages. */
#include "store/maildir_folder.h"

#include "base/file.h"
#include "base/log.h"
#include "store/maildir_name.h"
#include "store/subscriptions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define PRIVATE_FILE ((mode_t)0600)
#define PRIVATE_DIRECTORY ((mode_t)0700)

bool maildir_has_sentinel(const struct maildir *maildir, struct status *status)
{
	const char *sentinel = maildir->store.options->sentinel;
	if (sentinel == NULL || sentinel[0] == '\0' || access(sentinel, F_OK) == 0)
		return true;
	return status_errno(
	    status, CAUSE_MAILBOX, errno, "sentinel %s (is %s mounted?)", sentinel, maildir->root);
}

static bool enter_root(struct maildir *maildir, struct status *status)
{
	if (maildir->root_fd >= 0)
		return true;
	if (!maildir_has_sentinel(maildir, status))
		return false;
	maildir->root_fd = open(maildir->root, OPEN_DIRECTORY);
	if (maildir->root_fd < 0 && errno == ENOENT &&
	    file_make_dirs(maildir->root, PRIVATE_DIRECTORY) == 0)
		maildir->root_fd = open(maildir->root, OPEN_DIRECTORY);
	return maildir->root_fd >= 0 ||
	       status_errno(status, CAUSE_MAILBOX, errno, "open or make %s", maildir->root);
}

/* -- modes ------------------------------------------------------------------------------- */

static int read_modes(struct maildir_folder *folder)
{
	struct stat found;
	if (fstat(folder->fd, &found) != 0)
		return -1;
	folder->gid = found.st_gid;
	folder->dir_mode = (found.st_mode & 02777) | PRIVATE_DIRECTORY;
	folder->file_mode = (found.st_mode & 0666) | PRIVATE_FILE;
	if (fstatat(folder->fd, "dovecot-shared", &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(found.st_mode)) {
		folder->gid = found.st_gid;
		folder->file_mode = (found.st_mode & 0666) | PRIVATE_FILE;
	}
	return 0;
}

/* Where the right group cannot be given, the group gets nothing. Failing to open a file to
 * others is no reason to refuse mail. */
static void own(const struct maildir_folder *folder, int fd, mode_t mode)
{
	struct stat made;
	if ((mode & 0070) != 0 && fstat(fd, &made) == 0 && made.st_gid != folder->gid &&
	    fchown(fd, (uid_t)-1, folder->gid) != 0)
		mode &= ~(mode_t)02070;
	if (fchmod(fd, mode) != 0)
		log_write(LOG_LEVEL_WARNING, "mode %o for mail in %s: %s", (unsigned)mode,
		    folder->disk_name, strerror(errno));
}

void maildir_folder_own_file(const struct maildir_folder *folder, int fd)
{
	if (folder->file_mode != PRIVATE_FILE)
		own(folder, fd, folder->file_mode);
}

/* -- making ------------------------------------------------------------------------------ */

static int make_directory(const struct maildir_folder *parent, const char *name)
{
	if (mkdirat(parent->fd, name, PRIVATE_DIRECTORY) != 0)
		return errno == EEXIST ? 0 : -1;
	if (parent->dir_mode == PRIVATE_DIRECTORY)
		return 0;
	int fd = openat(parent->fd, name, OPEN_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	own(parent, fd, parent->dir_mode);
	close(fd);
	return 0;
}

/* Tells Courier's and Exim's quota that the root is one level up. */
static int make_mark(const struct maildir_folder *folder)
{
	int fd = openat(
	    folder->fd, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PRIVATE_FILE);
	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	maildir_folder_own_file(folder, fd);
	return file_close(&fd);
}

static bool is_inbox(const struct maildir_folder *folder)
{
	return folder->canonical.len == 0;
}

/* Also for what somebody else made and perhaps did not come to sync. */
static int sync_folder(const struct maildir *maildir, const struct maildir_folder *folder)
{
	if (file_sync_dir(folder->fd) != 0)
		return -1;
	return is_inbox(folder) ? file_sync_parents(maildir->root)
	                        : file_sync_dir(maildir->root_fd);
}

/* tmp/ is the last: who finds it knows that the rest is complete and durable. */
static bool fill_folder(
    const struct maildir *maildir, const struct maildir_folder *folder, struct status *status)
{
	if ((!is_inbox(folder) && make_mark(folder) != 0) || make_directory(folder, "cur") != 0 ||
	    make_directory(folder, "new") != 0 || sync_folder(maildir, folder) != 0 ||
	    make_directory(folder, "tmp") != 0)
		return status_errno(status, CAUSE_MAILBOX, errno, "make folder %s/%s",
		    maildir->root, folder->disk_name);
	if (!is_inbox(folder) && maildir->store.options->autosubscribe &&
	    subscriptions_add(maildir->root_fd, folder->disk_name + 1, folder->file_mode) != 0)
		log_write(LOG_LEVEL_WARNING, "subscribe %s in %s: %s", folder->disk_name,
		    maildir->root, strerror(errno));
	return true;
}

static struct maildir_folder new_folder(const struct maildir *maildir, struct span canonical)
{
	return (struct maildir_folder){
	    .canonical = canonical,
	    .disk_name = maildir_disk_name(
	        maildir->store.arena, maildir->store.options->utf8_names, canonical),
	    .fd = -1,
	    .tmp_fd = -1,
	    .new = {.fd = -1},
	    .cur = {.fd = -1},
	};
}

/* Opens the folder's own directory; -1 with errno. */
static int open_folder(const struct maildir *maildir, struct maildir_folder *folder)
{
	folder->fd = is_inbox(folder)
	                 ? maildir->root_fd
	                 : openat(maildir->root_fd, folder->disk_name, OPEN_DIRECTORY | O_NOFOLLOW);
	if (folder->fd < 0)
		return -1;
	return read_modes(folder);
}

/* Makes one missing folder whose parents are there; it has the modes of the root. */
static bool make_folder(struct maildir *maildir, struct span canonical, struct status *status)
{
	struct maildir_folder root = new_folder(maildir, (struct span){NULL, 0});
	struct maildir_folder folder = new_folder(maildir, canonical);
	bool is_made = false;
	if (open_folder(maildir, &root) != 0 || make_directory(&root, folder.disk_name) != 0 ||
	    open_folder(maildir, &folder) != 0)
		status_errno(status, CAUSE_MAILBOX, errno, "make folder %s/%s", maildir->root,
		    folder.disk_name);
	else
		is_made = fill_folder(maildir, &folder, status);
	file_close(&folder.fd);
	return is_made;
}

/* Makes the folder and the levels above it: one without them is shown, but not selectable. */
static bool make_levels(struct maildir *maildir, struct span canonical, struct status *status)
{
	for (size_t end = 1; end <= canonical.len; end++) {
		if (end < canonical.len && canonical.data[end] != '.')
			continue;
		struct maildir_folder level = new_folder(maildir, span_first(canonical, end));
		if (faccessat(maildir->root_fd, level.disk_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
		    !make_folder(maildir, level.canonical, status))
			return false;
	}
	return true;
}

/* -- opening ----------------------------------------------------------------------------- */

static struct maildir_folder *find_folder(struct maildir *maildir, struct span canonical)
{
	struct maildir_folder *folder = maildir->folders;
	while (folder != NULL && !span_equals(folder->canonical, canonical))
		folder = folder->next;
	return folder;
}

static struct maildir_folder *enter_folder(
    struct maildir *maildir, struct span canonical, bool may_create, struct status *status)
{
	struct arena *arena = maildir->store.arena;
	struct maildir_folder *folder = find_folder(maildir, canonical);
	if (folder != NULL)
		return folder;
	folder = ARENA_NEW(arena, struct maildir_folder);
	*folder = new_folder(maildir, arena_span(arena, canonical));
	if (open_folder(maildir, folder) != 0) {
		bool is_missing = errno == ENOENT;
		if (!is_missing || !may_create) {
			status_errno(status, CAUSE_MAILBOX, errno, "open folder %s/%s",
			    maildir->root, folder->disk_name);
			return NULL;
		}
		if (!make_levels(maildir, canonical, status))
			return NULL;
		if (open_folder(maildir, folder) != 0) {
			status_errno(status, CAUSE_MAILBOX, errno, "open new folder %s/%s",
			    maildir->root, folder->disk_name);
			return NULL;
		}
	}
	folder->next = maildir->folders;
	maildir->folders = folder;
	return folder;
}

static int open_part(const struct maildir_folder *folder, const char *name, int *fd)
{
	if (*fd < 0)
		*fd = openat(folder->fd, name, OPEN_DIRECTORY | O_NOFOLLOW);
	return *fd < 0 ? -1 : 0;
}

static int open_parts(struct maildir_folder *folder, bool is_cur)
{
	if (open_part(folder, "tmp", &folder->tmp_fd) != 0)
		return -1;
	return is_cur ? open_part(folder, "cur", &folder->cur.fd)
	              : open_part(folder, "new", &folder->new.fd);
}

struct maildir_folder *maildir_folder_open(struct maildir *maildir, struct span canonical,
    bool is_cur, bool may_create, struct status *status)
{
	if (!enter_root(maildir, status))
		return NULL;
	struct maildir_folder *folder = enter_folder(maildir, canonical, may_create, status);
	if (folder == NULL)
		return NULL;
	int result = open_parts(folder, is_cur);
	if (result != 0 && errno == ENOENT) {
		if (!fill_folder(maildir, folder, status))
			return NULL;
		result = open_parts(folder, is_cur);
	}
	if (result != 0) {
		status_errno(status, CAUSE_MAILBOX, errno, "open tmp and %s of folder %s/%s",
		    is_cur ? "cur" : "new", maildir->root, folder->disk_name);
		return NULL;
	}
	return folder;
}

static enum store_answer trouble(
    const struct maildir *maildir, const char *disk_name, struct status *status)
{
	status_errno(
	    status, CAUSE_MAILBOX, errno, "look for folder %s/%s", maildir->root, disk_name);
	return STORE_CANNOT_TELL;
}

enum store_answer maildir_folder_exists(
    struct maildir *maildir, struct span canonical, struct status *status)
{
	struct maildir_folder folder = new_folder(maildir, canonical);
	if (!maildir_has_sentinel(maildir, status))
		return STORE_CANNOT_TELL;
	if (maildir->root_fd < 0)
		maildir->root_fd = open(maildir->root, OPEN_DIRECTORY);
	if (maildir->root_fd < 0 && errno == ENOENT)
		return is_inbox(&folder) ? STORE_YES : STORE_NO;
	if (maildir->root_fd < 0)
		return trouble(maildir, folder.disk_name, status);

	struct stat found;
	if (fstatat(maildir->root_fd, folder.disk_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STORE_NO : trouble(maildir, folder.disk_name, status);
	if (!S_ISDIR(found.st_mode))
		return STORE_NO;
	/* A folder others share with us may be one to read only. */
	char *new_dir = arena_textf(maildir->store.arena, "%s/new", folder.disk_name);
	if (faccessat(maildir->root_fd, new_dir, W_OK | X_OK, AT_EACCESS) == 0 || errno == ENOENT)
		return STORE_YES;
	return errno == EACCES || errno == EROFS ? STORE_NO
	                                         : trouble(maildir, folder.disk_name, status);
}

/* -- closing ----------------------------------------------------------------------------- */

void maildir_folder_close_all(struct maildir *maildir)
{
	for (struct maildir_folder *folder = maildir->folders; folder != NULL;
	     folder = folder->next) {
		file_close(&folder->tmp_fd);
		file_close(&folder->new.fd);
		file_close(&folder->cur.fd);
		if (!is_inbox(folder))
			file_close(&folder->fd);
	}
	maildir->folders = NULL;
	file_close(&maildir->root_fd);
}
