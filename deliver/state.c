/* state.c - where memory about a user is kept.
 *
 * Made on the first need, by the process that needs it and as the user: nothing here works with
 * other rights than a delivery has. */
#include "deliver/state.h"

#include "base/file.h"
#include "deliver/expand.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OWN_PLACE "~/.local/state/ladle"

static bool is_plain_byte(unsigned char byte, bool is_first)
{
	return byte > ' ' && byte != 0x7F && strchr("/%~", byte) == NULL &&
	       !(is_first && byte == '.');
}

const char *state_file_name(struct arena *arena, struct span user_name)
{
	struct bytes name = {0};
	for (size_t i = 0; i < user_name.len; i++) {
		unsigned char byte = (unsigned char)user_name.data[i];
		if (is_plain_byte(byte, i == 0))
			bytes_append_byte(&name, user_name.data[i]);
		else
			bytes_appendf(&name, "%%%02X", byte);
	}
	const char *safe = arena_text(arena, bytes_span(&name));
	bytes_clear(&name);
	return safe;
}

/* The value of a hexadecimal digit as written above, or -1. */
static int digit(char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits);
}

struct span state_user_name(struct arena *arena, struct span file_name)
{
	char *name = arena_new_items(arena, file_name.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < file_name.len; i++) {
		char byte = file_name.data[i];
		if (byte == '%') {
			int high = i + 2 < file_name.len ? digit(file_name.data[i + 1]) : -1;
			int low = high < 0 ? -1 : digit(file_name.data[i + 2]);
			if (low < 0)
				return (struct span){NULL, 0};
			byte = (char)(high * 16 + low);
			if (is_plain_byte((unsigned char)byte, i == 0))
				return (struct span){NULL, 0};
			i += 2;
		} else if (!is_plain_byte((unsigned char)byte, i == 0)) {
			return (struct span){NULL, 0};
		}
		name[len++] = byte;
	}
	return (struct span){name, len};
}

/* Has the user a home of their own, rather than a directory among others of one account? */
static bool is_account(const struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	for (size_t i = 0; i < settings->user_source_count; i++) {
		if (strcmp(settings->users[i].title, delivery->user.source) == 0)
			return strcmp(settings->users[i].driver, "passwd") == 0;
	}
	return true;
}

static const char *setting_for(const struct delivery *delivery)
{
	const char *setting = delivery->settings->state_directory;
	if (setting[0] != '\0')
		return setting;
	return is_account(delivery) ? OWN_PLACE : LADLE_STATE_DIR;
}

static bool is_own_place(const char *setting)
{
	return strchr(setting, '~') != NULL || strstr(setting, "%{") != NULL;
}

const char *state_shared_directory(const struct settings *settings)
{
	const char *setting = settings->state_directory;
	if (setting[0] == '\0')
		return LADLE_STATE_DIR;
	return is_own_place(setting) ? NULL : setting;
}

const char *state_pending_directory(const struct delivery *delivery)
{
	const char *setting = setting_for(delivery);
	if (is_own_place(setting))
		return delivery->settings->outbox.pending;
	return arena_textf(delivery->arena, "%s/" STATE_PENDING_NAME, setting);
}

const char *state_directory_path(const struct delivery *delivery, struct status *status)
{
	const char *setting = setting_for(delivery);
	const char *path;
	if (!expand(delivery->arena, "state_directory", setting, &delivery->user, &path, status))
		return NULL;
	if (path[0] != '/') {
		status_fail(status, CAUSE_CONFIGURATION,
		    "state_directory = \"%s\": no absolute path", path);
		return NULL;
	}
	if (is_own_place(setting))
		return path;
	return arena_textf(
	    delivery->arena, "%s/%s", path, state_file_name(delivery->arena, delivery->user.name));
}

static bool is_directory(const char *path, const char *name)
{
	char whole[PATH_MAX];
	struct stat found;
	return snprintf(whole, sizeof(whole), "%s/%s", path, name) < (int)sizeof(whole) &&
	       stat(whole, &found) == 0 && S_ISDIR(found.st_mode);
}

/* Mail readers take every directory in a Maildir for a folder. The user's own need not exist yet;
 * any other is known by what is in it. */
static bool is_in_maildir(const struct delivery *delivery, const char *path)
{
	struct span root = store_quota_root(delivery->store);
	char above[PATH_MAX];
	if (root.len > 0 && strncmp(path, root.data, root.len) == 0 && path[root.len] == '/')
		return true;
	snprintf(above, sizeof(above), "%s", path);
	for (char *slash; (slash = strrchr(above, '/')) != NULL;) {
		if (is_directory(above, "cur") && is_directory(above, "new"))
			return true;
		*slash = '\0';
	}
	return false;
}

bool state_directory_is_ours(
    const struct delivery *delivery, const char *path, struct status *status)
{
	struct stat found;
	if (is_own_place(setting_for(delivery)) || lstat(path, &found) != 0 ||
	    (S_ISDIR(found.st_mode) && found.st_uid == geteuid()))
		return true;
	return status_fail(status, CAUSE_CONFIGURATION,
	    "the state directory %s is no directory of uid %lu", path, (unsigned long)geteuid());
}

const char *state_directory(struct delivery *delivery, struct status *status)
{
	if (delivery->state_directory != NULL)
		return delivery->state_directory;
	const char *path = state_directory_path(delivery, status);
	if (path == NULL)
		return NULL;
	if (is_in_maildir(delivery, path)) {
		status_fail(status, CAUSE_CONFIGURATION,
		    "state_directory: %s lies inside a Maildir, where it would look like mail: set "
		    "it to another place",
		    path);
		return NULL;
	}
	if (file_make_dirs(path, 0700) != 0) {
		status_errno(
		    status, CAUSE_CONFIGURATION, errno, "make the state directory %s", path);
		return NULL;
	}
	if (!state_directory_is_ours(delivery, path, status))
		return NULL;
	delivery->state_directory = path;
	return path;
}

bool state_is_shared(const struct delivery *delivery)
{
	return !is_own_place(setting_for(delivery));
}

const char *state_common_directory(struct delivery *delivery)
{
	struct status status;
	const char *shared = setting_for(delivery);
	if (is_own_place(shared))
		return state_directory(delivery, &status);
	return file_make_dirs(shared, 0700) == 0 ? shared : NULL;
}
