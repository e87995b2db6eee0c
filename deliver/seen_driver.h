#ifndef DELIVER_SEEN_DRIVER_H
#define DELIVER_SEEN_DRIVER_H

#include "base/bytes.h"
#include "base/module.h"

#include <stdbool.h>
#include <stdint.h>

/* Where it is kept what a user's scripts have seen: one kind of database, a module of its own
 * (base/module.h), so that it costs nothing where no script asks. It links nothing of ours. */

enum seen_answer { SEEN_YES, SEEN_NO, SEEN_CANNOT_TELL };

/* Something to be remembered. */
struct seen_mark {
	struct span id;
	int64_t until_s; /* of the time of day */
	struct seen_mark *next;
};

struct seen_driver {
	struct module module;
	/* Opens, or makes, the memory in a directory that is there. A damaged one is put aside, and
	 * a new one begun: forgetting is better than keeping all mail waiting. Waits for others no
	 * longer than `wait_ms` at any time. Null with a reason. */
	void *(*open)(const char *directory, int wait_ms, char *why, size_t why_size);
	void (*close)(void *memory);
	/* Is there a mark for `id` that has not expired? */
	enum seen_answer (*ask)(
	    void *memory, struct span id, int64_t now_s, char *why, size_t why_size);
	/* Remembers all marks, durably, or none; drops what has expired. */
	bool (*mark)(
	    void *memory, const struct seen_mark *marks, int64_t now_s, char *why, size_t why_size);
};

#endif
