#include "lmtp-bridge/channel.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int channel_open(struct channel *channel_out)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	*channel_out = (struct channel){ends[0], ends[1]};
	/* So that who waits in channel_take() wakes now and then; waiting there, and not in poll(),
	 * only one of them is woken by each call. */
	struct timeval idle = {.tv_sec = CHANNEL_IDLE_S};
	setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	return 0;
}

void channel_close(struct channel *channel)
{
	if (channel->calling >= 0)
		close(channel->calling);
	if (channel->serving >= 0)
		close(channel->serving);
	*channel = (struct channel){-1, -1};
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd poller = {.fd = fd, .events = events};
	for (;;) {
		int left_ms = clock_left_ms(deadline_ms);
		int ready = poll(&poller, 1, left_ms);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -1;
		if (ready == 0 && left_ms == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

/* One descriptor beside the bytes. */
union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static ssize_t send_some(int socket, const char *data, size_t len, int fd_to_send)
{
	union control control = {0};
	struct iovec bytes;
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	if (fd_to_send < 0)
		return send(socket, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	memcpy(&bytes.iov_base, &data, sizeof(data));
	bytes.iov_len = len;
	message.msg_control = &control;
	message.msg_controllen = sizeof(control.space);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd_to_send, sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int channel_write(int line, const void *data, size_t len, int fd_to_send, int64_t deadline_ms)
{
	const char *at = data;
	while (len > 0) {
		ssize_t sent = send_some(line, at, len, fd_to_send);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (sent < 0 && wait_for(line, POLLOUT, deadline_ms) != 0)
			return -1;
		if (sent > 0) {
			fd_to_send = -1;
			at += sent;
			len -= (size_t)sent;
		}
	}
	return 0;
}

int channel_call(int calling, int64_t deadline_ms)
{
	int pair[2];
	char nothing = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	int result = channel_write(calling, &nothing, 1, pair[1], deadline_ms);
	int error = errno;
	close(pair[1]);
	if (result == 0)
		return pair[0];
	close(pair[0]);
	errno = error;
	return -1;
}

/* Takes the descriptor that came with a message; whatever else came is closed. */
static int take_fd(struct msghdr *message)
{
	int taken = -1;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL;
	     at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(fd));
			if (taken < 0)
				taken = fd;
			else
				close(fd);
		}
	}
	return taken;
}

static ssize_t receive_some(int socket, void *data, size_t len, int flags, int *fd_out)
{
	union control control;
	struct iovec bytes = {.iov_base = data, .iov_len = len};
	struct msghdr message = {.msg_iov = &bytes,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control.space)};
	ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	*fd_out = got < 0 ? -1 : take_fd(&message);
	return got;
}

int channel_take(int serving, bool waits)
{
	for (;;) {
		char byte;
		int line;
		ssize_t got = receive_some(serving, &byte, 1, waits ? 0 : MSG_DONTWAIT, &line);
		if (line >= 0)
			return line;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		/* A record of no bytes reads like the end: who may call must not end us by it. */
		if (got == 0 && channel_is_hung_up(serving)) {
			errno = 0;
			return -1;
		}
	}
}

ssize_t channel_read(
    int line, void *data, size_t least, size_t most, int *fd_out, int64_t deadline_ms)
{
	size_t len = 0;
	while (len < least) {
		int fd;
		ssize_t got = receive_some(line, (char *)data + len, most - len, MSG_DONTWAIT, &fd);
		if (fd >= 0 && fd_out != NULL) {
			if (*fd_out >= 0)
				close(*fd_out);
			*fd_out = fd;
		} else if (fd >= 0) {
			close(fd);
		}
		if (got == 0) {
			errno = EPIPE;
			return -1;
		}
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (got < 0 && wait_for(line, POLLIN, deadline_ms) != 0)
			return -1;
		if (got > 0)
			len += (size_t)got;
	}
	return (ssize_t)len;
}

bool channel_is_hung_up(int line)
{
	struct pollfd poller = {.fd = line, .events = POLLRDHUP};
	return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}
