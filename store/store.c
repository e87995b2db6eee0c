/* store.c - finds the kind of store a location names and hands every call to it. Knows nothing
 * of how any of them works. */
#include "store/store.h"

#include "base/sync_many.h"
#include "store/driver.h"

#include <string.h>

static const struct store_driver *const drivers[] = {
    &maildir_driver,
    &relay_driver,
};

struct store *store_open(
    struct arena *arena, const struct store_options *options, struct status *status)
{
	struct span location = span_of(options->location);
	size_t colon = span_find(location, ':');
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (colon < location.len && span_is(span_first(location, colon), drivers[i]->name))
			return drivers[i]->open(arena, options, location.data + colon + 1, status);
	}
	status_fail(status, CAUSE_CONFIGURATION,
	    "store location \"%s\": wanted is \"maildir:/path\" or \"lmtp:unix:/path\"",
	    options->location == NULL ? "" : options->location);
	return NULL;
}

void store_close(struct store **store)
{
	if (*store != NULL)
		(*store)->driver->close(*store);
	*store = NULL;
}

struct span store_quota_root(const struct store *store)
{
	return store->driver->quota_root(store);
}

bool store_folder_name(struct arena *arena, const struct store *store, struct span name,
    struct span *canonical_out, struct status *status)
{
	return store->driver->folder_name(arena, store, name, canonical_out, status);
}

enum store_answer store_has_folder(struct store *store, struct span folder, struct status *status)
{
	return store->driver->has_folder(store, folder, status);
}

struct span store_folder_shown(
    struct arena *arena, const struct store *store, struct span canonical)
{
	char separator = store->options->separator;
	if (canonical.len == 0)
		return SPAN("INBOX");
	char *name = arena_text(arena, canonical);
	for (size_t i = 0; i < canonical.len && separator != '\0'; i++) {
		if (name[i] == '.')
			name[i] = separator;
	}
	return (struct span){name, canonical.len};
}

enum store_answer store_annotation(struct store *store, struct arena *arena, struct span folder,
    struct span name, struct span *value_out, struct status *status)
{
	return store->driver->annotation == NULL
	           ? STORE_NO
	           : store->driver->annotation(store, arena, folder, name, value_out, status);
}

enum store_answer store_folder_by_id(
    struct store *store, struct span id, struct span *folder_out, struct status *status)
{
	return store->driver->folder_by_id == NULL
	           ? STORE_NO
	           : store->driver->folder_by_id(store, id, folder_out, status);
}

enum store_answer store_folder_by_use(
    struct store *store, struct span use, struct span *folder_out, struct status *status)
{
	return store->driver->folder_by_use == NULL
	           ? STORE_NO
	           : store->driver->folder_by_use(store, use, folder_out, status);
}

bool store_accepts(struct store *store, struct status *status)
{
	return store->driver->accepts == NULL || store->driver->accepts(store, status);
}

bool store_takes_one_copy(const struct store *store)
{
	return store->driver->takes_one_copy;
}

bool store_copy_tells_sender(const struct store_copy *copy)
{
	return copy->tells_sender;
}

bool store_copy_lacks_flags(const struct store_copy *copy)
{
	return copy->lacks_flags;
}

struct store_copy *store_write(
    struct store *store, const struct store_request *request, struct status *status)
{
	return store->driver->write(store, request, status);
}

/* One descriptor is synced once: it may be a directory of several copies. */
static bool is_among(int fd, const struct sync_one *syncs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (syncs[i].fd == fd)
			return true;
	}
	return false;
}

void store_sync_ahead(struct store_copy *const *copies, size_t count)
{
	struct sync_one syncs[STORE_SYNC_AHEAD_MAX];
	struct store_copy *synced[STORE_SYNC_AHEAD_MAX];
	size_t sync_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct store_driver *driver = copies[i]->driver;
		int fd = driver->sync_fd == NULL ? -1 : driver->sync_fd(copies[i]);
		if (fd < 0 || is_among(fd, syncs, sync_count))
			continue;
		syncs[sync_count] = (struct sync_one){.fd = fd};
		synced[sync_count++] = copies[i];
	}
	if (sync_count < 2)
		return;
	sync_many(syncs, sync_count);
	for (size_t i = 0; i < sync_count; i++)
		synced[i]->driver->synced(synced[i], syncs[i].error);
}

bool store_sync(struct store_copy *copy, struct status *status)
{
	return copy->driver->sync(copy, status);
}

bool store_publish(struct store_copy *copy, struct status *status)
{
	return copy->driver->publish(copy, status);
}

bool store_commit(struct store_copy *copy, struct status *status)
{
	return copy->driver->commit(copy, status);
}

bool store_withdraw(struct store_copy *copy)
{
	return copy->driver->withdraw(copy);
}

void store_abandon(struct store_copy **copy)
{
	if (*copy != NULL)
		(*copy)->driver->abandon(*copy);
	*copy = NULL;
}

uint64_t store_copy_bytes(const struct store_copy *copy)
{
	return copy->bytes;
}

struct span store_copy_name(const struct store_copy *copy)
{
	return copy->name;
}
