#ifndef BASE_SYNC_MANY_H
#define BASE_SYNC_MANY_H

#include <stddef.h>

/* Many fsync(2) side by side: most of each is waiting for the disk, which does several as fast as
 * one. */
struct sync_one {
	int fd;
	int error; /* 0, or errno of its fsync(2) */
};

/* Returns when all are done. By a few threads of its own, which are gone by then and take no
 * signals; where none can be made, one after the other. */
void sync_many(struct sync_one *syncs, size_t count);

#endif
