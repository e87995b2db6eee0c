#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdint.h>

/* Takes an exclusive advisory lock (fcntl) on the whole open file, waiting until `deadline_ms`
 * on the monotonic clock (clock.h) at the longest. 0, or -1 with errno; ETIMEDOUT when somebody
 * else kept it. Where the system has them these are locks of the open file description, so
 * closing another descriptor of the file does not drop them; closing `fd` does. */
int lock_take(int fd, int64_t deadline_ms);

#endif
