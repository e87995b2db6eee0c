#ifndef LMTP_BRIDGE_CHANNEL_H
#define LMTP_BRIDGE_CHANNEL_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a session finds a delivery process. One pair of sockets is shared by all sessions (the
 * calling end) and all delivery processes (the serving end). For each exchange a session makes a
 * pair of its own and sends one end of it through the calling end; whichever delivery process is
 * free takes it, and the two talk. Later, for system users, the supervisor reads the serving end
 * and forks one process per call: nothing else changes.
 *
 * Times are points of clock.h. Functions return 0 or a descriptor, or -1 with errno; ETIMEDOUT. */

struct channel {
	int calling; /* -1 when closed */
	int serving;
};

int channel_open(struct channel *channel_out);
void channel_close(struct channel *channel);

/* Begins an exchange: our end of a new pair, non-blocking, into which as much of `request` as fits
 * is already written (`*written_out` bytes). `message_fd` (borrowed, or -1) goes along. */
int channel_call(
    int calling, struct span request, int message_fd, int64_t deadline_ms, size_t *written_out);

/* Waits for the next exchange; `*message_fd_out` is -1 or a descriptor the caller owns. -1 with
 * errno 0 when no session is left and none will come. */
int channel_serve(int serving, int *message_fd_out);

/* Both ends: all of `len` bytes. EPIPE or ECONNRESET: the other side is gone. */
int channel_write(int fd, const void *data, size_t len, int64_t deadline_ms);
int channel_read(int fd, void *data, size_t len, int64_t deadline_ms);

/* Whether the other side has closed its end. */
bool channel_is_hung_up(int fd);

#endif
