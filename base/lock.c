#include "base/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#ifdef F_OFD_SETLK
#define SETLK F_OFD_SETLK
#else
#define SETLK F_SETLK
#endif

static int take(int fd, const struct flock *wanted, int64_t deadline_ms)
{
	useconds_t pause_us = 500;
	for (;;) {
		struct flock lock = *wanted;
		if (fcntl(fd, SETLK, &lock) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (clock_left_ms(deadline_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		/* Polled, because a waiting lock could only be ended by a signal. */
		usleep(pause_us);
		if (pause_us < 20000)
			pause_us *= 2;
	}
}

int lock_take(int fd, int64_t deadline_ms)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return take(fd, &whole, deadline_ms);
}

int lock_take_byte(int fd, int64_t byte, enum lock_mode mode, int64_t deadline_ms)
{
	struct flock one = {.l_type = mode == LOCK_MODE_SHARED ? F_RDLCK : F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = (off_t)byte,
	    .l_len = 1};
	return take(fd, &one, deadline_ms);
}

void lock_drop_byte(int fd, int64_t byte)
{
	struct flock one = {
	    .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
	fcntl(fd, SETLK, &one);
}
