#ifndef LMTP_BRIDGE_CHANNEL_H
#define LMTP_BRIDGE_CHANNEL_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How a session finds a delivery process. One pair of sockets is shared by all sessions (the
 * calling end) and all delivery processes (the serving end). A session that has something to ask
 * makes a *line*, a pair of its own, and sends one end of it through the calling end; whichever
 * delivery process is free takes it, and the two talk, for as long as both like: exchange after
 * exchange. For system users the supervisor reads the serving end and forks one process per line.
 *
 * Times are points of clock.h. Functions return 0 or a descriptor, or -1 with errno; ETIMEDOUT. */

struct channel {
	int calling; /* -1 when closed */
	int serving;
};

int channel_open(struct channel *channel_out);
void channel_close(struct channel *channel);

/* A new line: our end of it. Somebody will take the other one; what is written now waits. */
int channel_call(int calling, int64_t deadline_ms);

/* Takes a line that somebody called. -1 with errno: 0 when no session is left and none will
 * come; EAGAIN when none waits (`waits` false), or none came for CHANNEL_IDLE_S. */
#define CHANNEL_IDLE_S 10
int channel_take(int serving, bool waits);

/* All of `len` bytes; `fd_to_send` (borrowed, or -1) goes along with the first. EPIPE or
 * ECONNRESET: the other side is gone. */
int channel_write(int line, const void *data, size_t len, int fd_to_send, int64_t deadline_ms);

/* At least `least` and at most `most` bytes; the number of them. A descriptor that comes along
 * goes to `*fd_out` (owned by the caller; one that was there is closed), or is closed when `fd_out`
 * is null. */
ssize_t channel_read(
    int line, void *data, size_t least, size_t most, int *fd_out, int64_t deadline_ms);

/* Whether the other side has closed its end. */
bool channel_is_hung_up(int line);

#endif
