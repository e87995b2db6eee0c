#ifndef BASE_DETACH_H
#define BASE_DETACH_H

#include <stddef.h>

/* Calls `run` in a process that outlives us, and returns at once. It is nobody's child to wait
 * for; it has a session of its own, no signal handled or blocked, the directory /, a lower
 * priority, and SIGALRM after `time_limit_s`. Of our descriptors it has the `keep_count` in
 * `keep`; 0, 1 and 2 are /dev/null: who waits for the end of our output does not wait for it.
 * Locks on the kept files are shared with it until one of us drops them. When there can be no
 * process, nothing runs. */
void detach_run(void (*run)(void *context), void *context, const int *keep, size_t keep_count,
    unsigned time_limit_s);

#endif
