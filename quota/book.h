#ifndef QUOTA_BOOK_H
#define QUOTA_BOOK_H

#include "quota/maildirsize.h"
#include "quota/scan.h"

/* The figures of one Maildir, from maildirsize or by counting, and the locks around them.
 *
 * Three bytes of maildirsize are locked; other programs do not look at them: */
enum quota_book_lock {
	/* Exclusive, by who reads figures, judges them and writes, and by who replaces the file. */
	BOOK_SHUT,
	/* Shared, from a reservation to its end. Exclusive to replace the file, because counting
	 * does not see what is reserved and not yet stored. */
	BOOK_UNDER_WAY,
	/* Exclusive, by the process that counts behind, so that there is one. */
	BOOK_COUNTING,
};

struct quota_book {
	const struct quota_rules *rules; /* borrowed */
	bool utf8_names;
	int budget_ms; /* for counting while somebody waits */

	int root_fd; /* -1: there is no such Maildir, and nothing in it */
	int fd;      /* maildirsize, or -1 */
	struct quota_usage usage;
	time_t counted_s; /* when those in the file were counted by us, 0: not known */
	bool is_certain;  /* counted within the last 60 s, and no folder changed since */
};

enum quota_book_answer {
	QUOTA_BOOK_GOOD,
	QUOTA_BOOK_LONG, /* good, but the file wants to be replaced */
	QUOTA_BOOK_BAD   /* there are no figures to be believed */
};

/* Opens the Maildir; a missing one is an empty one. The first three fields must be set. */
bool quota_book_open(struct quota_book *book, const char *root, struct status *status);
/* Drops all locks. */
void quota_book_close(struct quota_book *book);

/* Reads the figures without a lock; leaves no descriptor open. */
enum quota_book_answer quota_book_look(struct quota_book *book);

/* Opens (or makes) maildirsize and shuts it for others, within 3 s. True with `fd` -1 where no
 * file can be had: the figures are then counted each time, and nothing is reserved. */
bool quota_book_shut(struct quota_book *book, struct status *status);
/* Reads the figures of the shut file. */
enum quota_book_answer quota_book_read(struct quota_book *book);

/* Sets `is_certain`, for figures just read that would refuse mail. */
void quota_book_check(struct quota_book *book);

enum quota_count_kind {
	QUOTA_COUNT_QUICKLY, /* within the budget, else a process of its own goes on */
	QUOTA_COUNT_LIGHTLY, /* within a part of that, else the file is shortened to its sum */
};

/* Counts the figures of the shut file and writes it anew, shut. False: the status is set. */
bool quota_book_count(struct quota_book *book, enum quota_count_kind kind, struct status *status);

/* Counts while deliveries go on, however long it takes, and writes the file anew if wanted: only
 * if nothing was stored or removed meanwhile, or when tried again. */
bool quota_book_count_openly(struct quota_book *book, bool is_writing, struct status *status);

#endif
