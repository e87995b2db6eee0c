#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdint.h>

/* Advisory locks (fcntl) that wait until `deadline_ms` on the monotonic clock (clock.h) at the
 * longest. 0, or -1 with errno; ETIMEDOUT when somebody else kept it. Where the system has them
 * these are locks of the open file description, so closing another descriptor of the file does
 * not drop them; closing `fd` (and its copies in other processes) does. */

/* An exclusive lock on the whole open file. */
int lock_take(int fd, int64_t deadline_ms);

/* The same on one byte, which need not exist: several locks in one file. A shared lock wants
 * `fd` open for reading, an exclusive one for writing. One that `fd` holds is changed. */
enum lock_mode { LOCK_MODE_SHARED, LOCK_MODE_EXCLUSIVE };
int lock_take_byte(int fd, int64_t byte, enum lock_mode mode, int64_t deadline_ms);
void lock_drop_byte(int fd, int64_t byte);

#endif
