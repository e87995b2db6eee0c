#ifndef QUOTA_SCAN_H
#define QUOTA_SCAN_H

#include "quota/rule.h"

#include <time.h>

/* Adds up what lies in a Maildir++. Everything in it is a user's: names may be anything, links are
 * not followed, what cannot be opened is passed over. */

struct quota_scan_request {
	int root_fd;
	const struct quota_rules *rules; /* which folders do not count */
	bool utf8_names;
	int64_t deadline_ms; /* clock.h */
};

struct quota_scan {
	struct quota_usage usage; /* 0 where only looked at */
	time_t newest_s;          /* the latest mtime of a directory that counts */
	uint64_t fingerprint;     /* of those directories: differs when one was changed */
};

enum quota_scan_answer {
	QUOTA_SCAN_DONE,
	QUOTA_SCAN_LATE,  /* the deadline came first */
	QUOTA_SCAN_FAILED /* errno says why: the disk, no descriptor */
};

/* Counts the messages in new/ and cur/ of every folder that counts, by their ,S= or their size. */
enum quota_scan_answer quota_scan_count(
    const struct quota_scan_request *request, struct quota_scan *out);

/* Looks at the directories only. */
enum quota_scan_answer quota_scan_look(
    const struct quota_scan_request *request, struct quota_scan *out);

/* ",S=1234" in the name of a message file: its size. */
bool quota_scan_size_in_name(const char *name, uint64_t *bytes_out);

/* The canonical name of a folder's directory, without the leading dot, appended to `to`:
 * modified UTF-7 (RFC 3501 5.1.3) is undone; what is none stays as it is. */
void quota_scan_folder_name(struct span disk_name, bool utf8_names, struct bytes *to);

#endif
