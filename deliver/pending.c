/* pending.c - "this user's outbox has something": an empty file with the user's name.
 *
 * It is made under another name and renamed, which changes the directory's time also where there
 * is one already: who waits looks at nothing else. In a directory with the sticky bit a file of
 * somebody else is in the way; then the other name, NAME~RANDOM, stays and means the same. */
#include "deliver/pending.h"

#include "base/file.h"
#include "base/random.h"
#include "deliver/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pending pending_of(const struct delivery *delivery)
{
	struct pending pending = {.directory = state_pending_directory(delivery)};
	pending.path = arena_textf(delivery->arena, "%s/%s", pending.directory,
	    state_file_name(delivery->arena, delivery->user.name));
	pending.fresh = arena_textf(
	    delivery->arena, "%s~%016llx", pending.path, (unsigned long long)random_u64());
	return pending;
}

bool pending_announce(const struct pending *pending)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(pending->fresh, flags, 0600);
	if (fd < 0 && errno == ENOENT && mkdir(pending->directory, 0700) == 0)
		fd = open(pending->fresh, flags, 0600);
	if (fd < 0)
		return false;
	close(fd);
	(void)!rename(pending->fresh, pending->path);
	return true;
}

void pending_withdraw(const struct pending *pending)
{
	(void)!unlink(pending->path);
}

int pending_open(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool pending_is_extra(const char *name)
{
	return strchr(name, '~') != NULL;
}

void pending_walk(int directory,
    void (*each)(void *context, const char *name, struct span user_name, const struct stat *found),
    void *context)
{
	int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;
	struct dirent *entry;
	struct arena *arena = arena_new();
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct span name = span_of(entry->d_name);
		struct stat found;
		if (entry->d_name[0] == '.' ||
		    fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		struct span user = state_user_name(arena, span_first(name, span_find(name, '~')));
		if (user.len > 0 && S_ISREG(found.st_mode))
			each(context, entry->d_name, user, &found);
		else
			(void)!unlinkat(directory, entry->d_name, 0);
		arena_reset(arena);
	}
	if (dir != NULL)
		closedir(dir);
	else if (own >= 0)
		close(own);
	arena_free(&arena);
}
