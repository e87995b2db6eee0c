#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

/* What one kind of store does; store/store.h says what each function has to keep. A new kind is
 * one file with one such record and one row in the table of store.c. */
struct store_driver {
	const char *name;    /* before the colon of a location */
	bool takes_one_copy; /* two could not be published as one */

	/* `place` is the location behind the colon, borrowed like `options`. */
	struct store *(*open)(struct arena *arena, const struct store_options *options,
	    const char *place, struct status *status);
	void (*close)(struct store *store);
	struct span (*quota_root)(const struct store *store);
	bool (*folder_name)(struct arena *arena, const struct store *store, struct span name,
	    struct span *canonical_out, struct status *status);
	enum store_answer (*has_folder)(
	    struct store *store, struct span folder, struct status *status);
	enum store_answer (*annotation)(struct store *store, struct arena *arena,
	    struct span folder, struct span name, struct span *value_out, struct status *status);
	enum store_answer (*folder_by_id)(
	    struct store *store, struct span id, struct span *folder_out, struct status *status);
	enum store_answer (*folder_by_use)(
	    struct store *store, struct span use, struct span *folder_out, struct status *status);

	/* May be null: it takes mail for everybody. */
	bool (*accepts)(struct store *store, struct status *status);

	struct store_copy *(*write)(
	    struct store *store, const struct store_request *request, struct status *status);
	/* Both may be null: the sync of its next step cannot be done ahead. What sync or commit
	 * would sync now, or -1; and how that went (errno), so that they need not do it again. */
	int (*sync_fd)(const struct store_copy *copy);
	void (*synced)(struct store_copy *copy, int error);
	bool (*sync)(struct store_copy *copy, struct status *status);
	bool (*publish)(struct store_copy *copy, struct status *status);
	bool (*commit)(struct store_copy *copy, struct status *status);
	bool (*withdraw)(struct store_copy *copy);
	void (*abandon)(struct store_copy *copy);
};

/* First members of what a driver makes of them, in the arena. */
struct store {
	const struct store_driver *driver;
	struct arena *arena;
	const struct store_options *options;
};

struct store_copy {
	const struct store_driver *driver;
	uint64_t bytes;
	struct span name;
	bool lacks_flags;
	bool tells_sender;
};

extern const struct store_driver maildir_driver;
extern const struct store_driver relay_driver;

#endif
