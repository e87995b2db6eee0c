#ifndef BASE_IDENTITY_H
#define BASE_IDENTITY_H

#include <sys/types.h>

/* Becomes `uid` and `gid` for good, with the supplementary groups of `name` (null: none but
 * `gid`), and checks that there is no way back. Already being exactly that user is success
 * without a change. 0, or -1 with errno; after -1 the process is in no state to go on: end it.
 * Refuses uid 0 with EPERM. A signal for the parent's death stays set. */
int identity_become(uid_t uid, gid_t gid, const char *name);

#endif
