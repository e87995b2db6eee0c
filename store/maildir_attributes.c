/* maildir_attributes.c - what Dovecot knows about folders, read from its files.
 *
 * The first line of a folder's dovecot-uidlist has the folder's identifier:
 *
 *	3 V1700000000 N12 Gd1f3b8...		G and 32 hexadecimal digits
 *
 * Annotations of all folders are in one dictionary file, a key and its value on alternate lines:
 *
 *	priv/IDENTIFIER/comment			/private/comment of that folder
 *	shared/IDENTIFIER/comment		/shared/comment
 *	priv/IDENTIFIER/vendor/vendor.dovecot/pvt/server/comment
 *						/private/comment of the server, at the inbox
 *
 * In it NUL, TAB, CR, LF and \001 are written as \001 and one of "0trn1". */
#include "store/maildir_attributes.h"

#include "base/file.h"
#include "store/maildir_name.h"
#include "store/mutf7.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST_NAME "dovecot-uidlist"
#define DICTIONARY_NAME "dovecot-attributes"
#define DICTIONARY_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define FIRST_LINE_BYTES 1024
#define ID_LEN 32
#define USES_MAX \
	32 /* folders for one use that are looked for: each wants a look at all there are */
#define SERVER_PREFIX "vendor/vendor.dovecot/pvt/server/"

static enum store_answer trouble(
    const struct maildir *maildir, const char *name, struct status *status)
{
	status_errno(status, CAUSE_CANNOT_TELL, errno, "read %s/%s", maildir->root, name);
	return STORE_CANNOT_TELL;
}

/* -- identifiers ------------------------------------------------------------------------------- */

static bool find_id(struct span line, char id_out[ID_LEN])
{
	struct span word;
	if (!span_starts_with(line, "3 "))
		return false;
	while (line.data != NULL && span_next_piece(&line, ' ', &word)) {
		if (word.len == ID_LEN + 1 && word.data[0] == 'G') {
			for (size_t i = 0; i < ID_LEN; i++)
				id_out[i] = ascii_lower(word.data[i + 1]);
			return true;
		}
	}
	return false;
}

/* STORE_NO: Dovecot has not given it one. */
static enum store_answer read_id(const struct maildir *maildir, const char *disk_name,
    char id_out[ID_LEN], struct status *status)
{
	char data[FIRST_LINE_BYTES];
	char name[NAME_MAX + 32];
	snprintf(name, sizeof(name), "%s/" LIST_NAME, disk_name);
	int fd = openat(
	    maildir->root_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	/* Not every name with a dot in front is a folder: it may be a file. */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? STORE_NO
		                                           : trouble(maildir, name, status);
	ssize_t got = file_read_at(fd, data, sizeof(data), 0);
	int error = errno;
	close(fd);
	errno = error;
	if (got < 0)
		return trouble(maildir, name, status);
	struct span line = {data, (size_t)got};
	return find_id(span_first(line, span_find(line, '\n')), id_out) ? STORE_YES : STORE_NO;
}

/* The folder of a directory in the root: ".Work" is "Work", "." the inbox. */
static bool canonical_of(struct store *store, const char *disk_name, struct span *folder_out)
{
	struct bytes name = {0};
	bool is_name = store->options->utf8_names ? (bytes_append_text(&name, disk_name + 1), true)
	                                          : mutf7_decode(&name, span_of(disk_name + 1));
	*folder_out = arena_span(store->arena, bytes_span(&name));
	bytes_clear(&name);
	return is_name;
}

/* Opens the root for looking; STORE_NO: there is none yet. */
static enum store_answer enter(struct maildir *maildir, struct status *status)
{
	if (maildir->root_fd < 0)
		maildir->root_fd = open(maildir->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (maildir->root_fd >= 0)
		return STORE_YES;
	return errno == ENOENT ? STORE_NO : trouble(maildir, "", status);
}

static DIR *open_root(const struct maildir *maildir)
{
	int fd = openat(maildir->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

enum store_answer maildir_folder_by_id(
    struct store *store, struct span id, struct span *folder_out, struct status *status)
{
	struct maildir *maildir = (struct maildir *)store;
	enum store_answer answer = enter(maildir, status);
	if (answer != STORE_YES || id.len != ID_LEN)
		return answer != STORE_CANNOT_TELL ? STORE_NO : answer;
	DIR *dir = open_root(maildir);
	if (dir == NULL)
		return trouble(maildir, "", status);
	answer = STORE_NO;
	for (struct dirent *entry; answer == STORE_NO && (entry = readdir(dir)) != NULL;) {
		char found[ID_LEN];
		if (entry->d_name[0] != '.' || strcmp(entry->d_name, "..") == 0)
			continue;
		answer = read_id(maildir, entry->d_name, found, status);
		if (answer == STORE_YES && (!span_equals_nocase((struct span){found, ID_LEN}, id) ||
		                               !canonical_of(store, entry->d_name, folder_out)))
			answer = STORE_NO;
	}
	closedir(dir);
	return answer;
}

/* -- the dictionary ---------------------------------------------------------------------------- */

static enum store_answer read_dictionary(
    struct maildir *maildir, struct bytes *to, struct status *status)
{
	const char *path = maildir->store.options->attributes;
	if (path == NULL || path[0] == '\0')
		path = arena_textf(maildir->store.arena, "%s/" DICTIONARY_NAME, maildir->root);
	if (file_read_path(path, DICTIONARY_BYTES_MAX, to, NULL) == 0)
		return STORE_YES;
	if (errno == ENOENT || errno == ENOTDIR)
		return STORE_NO;
	status_errno(status, CAUSE_CANNOT_TELL, errno, "read %s", path);
	return STORE_CANNOT_TELL;
}

static struct span unescape(struct arena *arena, struct span line)
{
	static const char letters[] = "0trn1";
	static const char bytes[] = "\0\t\r\n\001";
	char *text = arena_new_items(arena, line.len + 1, 1);
	size_t len = 0;
	for (size_t i = 0; i < line.len; i++) {
		const char *letter = line.data[i] == '\001' && i + 1 < line.len
		                         ? memchr(letters, line.data[i + 1], sizeof(letters) - 1)
		                         : NULL;
		text[len++] = letter != NULL ? bytes[letter - letters] : line.data[i];
		i += letter != NULL ? 1 : 0;
	}
	return (struct span){text, len};
}

/* Calls `each` for every entry until it returns true; keys and values as they are written. */
static bool find_entry(struct span dictionary,
    bool (*each)(void *context, struct span key, struct span value), void *context)
{
	struct span key;
	struct span value;
	while (span_next_line(&dictionary, &key) && span_next_line(&dictionary, &value)) {
		if (each(context, key, value))
			return true;
	}
	return false;
}

struct wanted_key {
	struct span key;
	struct span value;
};

static bool is_key(void *context, struct span key, struct span value)
{
	struct wanted_key *wanted = context;
	wanted->value = value;
	return span_equals_nocase(key, wanted->key);
}

/* "/private/comment" of the folder with that identifier, as the dictionary has it. */
static struct span key_of(
    struct arena *arena, const char id[ID_LEN], bool is_server, struct span name)
{
	bool is_private = span_starts_with_nocase(name, "/private/");
	struct span rest = span_from(name, is_private ? strlen("/private/") : strlen("/shared/"));
	return arena_spanf(arena, "%s/%.*s/%s%.*s", is_private ? "priv" : "shared", ID_LEN, id,
	    is_server ? SERVER_PREFIX : "", (int)rest.len, rest.data);
}

enum store_answer maildir_annotation(struct store *store, struct arena *arena, struct span folder,
    struct span name, struct span *value_out, struct status *status)
{
	struct maildir *maildir = (struct maildir *)store;
	char id[ID_LEN];
	struct bytes dictionary = {0};
	bool is_server = folder.data == NULL;
	enum store_answer answer = enter(maildir, status);
	if (answer == STORE_YES)
		answer = read_id(maildir,
		    maildir_disk_name(store->arena, store->options->utf8_names, folder), id,
		    status);
	if (answer == STORE_YES)
		answer = read_dictionary(maildir, &dictionary, status);
	if (answer == STORE_YES) {
		struct wanted_key wanted = {.key = key_of(arena, id, is_server, name)};
		if (find_entry(bytes_span(&dictionary), is_key, &wanted))
			*value_out = unescape(arena, wanted.value);
		else
			answer = STORE_NO;
	}
	bytes_clear(&dictionary);
	return answer;
}

/* -- special use (RFC 6154 section 4: /private/specialuse, the uses with blanks between) ----------
 */

struct wanted_use {
	struct store *store;
	struct span use;
	struct span *folder_out;
	struct status *status;
	enum store_answer answer;
	unsigned count;
};

static bool has_word(struct span words, struct span wanted)
{
	struct span word;
	while (words.data != NULL && span_next_piece(&words, ' ', &word)) {
		if (span_equals_nocase(word, wanted))
			return true;
	}
	return false;
}

/* One whose folder is gone is passed over. */
static bool is_use(void *context, struct span key, struct span value)
{
	struct wanted_use *wanted = context;
	struct span id = span_first(span_from(key, strlen("priv/")), ID_LEN);
	if (!span_starts_with(key, "priv/") ||
	    !span_is(span_from(key, strlen("priv/") + ID_LEN), "/specialuse") ||
	    !has_word(value, wanted->use))
		return false;
	wanted->answer =
	    maildir_folder_by_id(wanted->store, id, wanted->folder_out, wanted->status);
	return wanted->answer != STORE_NO || ++wanted->count == USES_MAX;
}

enum store_answer maildir_folder_by_use(
    struct store *store, struct span use, struct span *folder_out, struct status *status)
{
	struct bytes dictionary = {0};
	struct wanted_use wanted = {store, use, folder_out, status, STORE_NO, 0};
	enum store_answer answer = read_dictionary((struct maildir *)store, &dictionary, status);
	if (answer == STORE_YES) {
		find_entry(bytes_span(&dictionary), is_use, &wanted);
		answer = wanted.answer;
	}
	bytes_clear(&dictionary);
	return answer;
}
