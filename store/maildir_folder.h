#ifndef STORE_MAILDIR_FOLDER_H
#define STORE_MAILDIR_FOLDER_H

#include "store/driver.h"

#include <sys/types.h>

/* Folders of a Maildir++ held open while copies are put into them. Everything in the Maildir is
 * opened relative to its root's descriptor and without following symbolic links; the root itself
 * may be one. */

/* new/ or cur/ of a folder while copies are put there. */
struct maildir_directory {
	int fd;        /* -1 while not needed */
	bool is_dirty; /* has entries that are not durable */
	int error;     /* of its sync: nothing in it can be believed any more */
};

struct maildir_folder {
	struct span canonical;
	const char *disk_name; /* ".Work.Reports", "." for the inbox */
	int fd;
	int tmp_fd;
	struct maildir_directory new;
	struct maildir_directory cur;
	mode_t file_mode; /* of files and directories made in it */
	mode_t dir_mode;
	gid_t gid;
	struct maildir_folder *next;
};

struct maildir {
	struct store store;
	const char *root; /* a path without slash at its end */
	int root_fd;      /* -1 until it is needed, and while there is none */
	struct maildir_folder *folders;
	unsigned copy_count;
};

/* Tells whether the mark of the mount is there: without it nothing may be made. */
bool maildir_has_sentinel(const struct maildir *maildir, struct status *status);

/* store_has_folder(). The inbox is there even before its directory is. */
enum store_answer maildir_folder_exists(
    struct maildir *maildir, struct span canonical, struct status *status);

/* The folder with `tmp_fd` and new/ or cur/ open, made (with its parents) and subscribed where
 * it is missing and may be made; what was made is durable. Lives as long as the store. */
struct maildir_folder *maildir_folder_open(struct maildir *maildir, struct span canonical,
    bool is_cur, bool may_create, struct status *status);

/* Gives a file just made in the folder (mode 0600) the mode and group it should have there. */
void maildir_folder_own_file(const struct maildir_folder *folder, int fd);

/* Closes everything, the root too. */
void maildir_folder_close_all(struct maildir *maildir);

#endif
