#ifndef DELIVER_LISTS_H
#define DELIVER_LISTS_H

#include "deliver/delivery.h"

/* Lists of the site's and of users that scripts ask by name (RFC 6134): text files, read once in a
 * delivery. */
struct list_cache {
	struct list_file *first; /* zero-initialise it; lives in the delivery's arena */
};

enum list_answer { LIST_HAS, LIST_HAS_NOT, LIST_CANNOT_TELL };

/* Is `value` on the list `name`? With null data: is there such a list? The user's address book,
 * "urn:ietf:params:sieve:addrbook:default", there always is. One whose file is missing is empty.
 * LIST_CANNOT_TELL with a temporary status. */
enum list_answer lists_ask(struct list_cache *cache, struct delivery *delivery, struct span name,
    struct span value, struct status *status);

/* What is on it, borrowed from the cache. LIST_HAS_NOT: there is no such list. */
enum list_answer lists_members(struct list_cache *cache, struct delivery *delivery,
    struct span name, struct span **members_out, size_t *count_out, struct status *status);

#endif
