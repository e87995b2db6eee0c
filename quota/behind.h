#ifndef QUOTA_BEHIND_H
#define QUOTA_BEHIND_H

#include "quota/book.h"

/* Starts a process that outlives us and calls quota_book_count_behind(). It is nobody's child to
 * wait for, has no descriptor of ours but the two of `book` (0, 1 and 2 are /dev/null), a session
 * of its own and ten minutes. The locks that are to be ours alone must be dropped before. */
void quota_behind_start(struct quota_book *book);

#endif
