#include "lmtp-bridge/channel.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int channel_open(struct channel *channel_out)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	*channel_out = (struct channel){ends[0], ends[1]};
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

#define FDS_MAX 2

/* One byte with descriptors; room for both is always there, so a call looks the same. */
static int send_fds(int calling, const int *fds, size_t count, int64_t deadline_ms)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {0};
	char nothing = 0;
	struct iovec byte = {.iov_base = &nothing, .iov_len = 1};
	struct msghdr message = {.msg_iov = &byte,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	while (sendmsg(calling, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (wait_for(calling, POLLOUT, deadline_ms) != 0)
			return -1;
	}
	return 0;
}

int channel_call(
    int calling, struct span request, int message_fd, int64_t deadline_ms, size_t *written_out)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	ssize_t written = send(pair[0], request.data, request.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	*written_out = written > 0 ? (size_t)written : 0;
	int fds[FDS_MAX] = {pair[1], message_fd};
	int result = send_fds(calling, fds, message_fd >= 0 ? 2 : 1, deadline_ms);
	int error = errno;
	close(pair[1]);
	if (result == 0)
		return pair[0];
	close(pair[0]);
	errno = error;
	return -1;
}

/* Takes the descriptors out of a message; whatever else came with it is closed. */
static size_t take_fds(struct msghdr *message, int fds[FDS_MAX])
{
	size_t taken = 0;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL;
	     at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(fd));
			if (taken < FDS_MAX)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

int channel_serve(int serving, int *message_fd_out)
{
	for (;;) {
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
		} control;
		char byte;
		int fds[FDS_MAX] = {-1, -1};
		struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
		struct msghdr message = {.msg_iov = &bytes,
		    .msg_iovlen = 1,
		    .msg_control = &control,
		    .msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(serving, &message, MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got == 0 ? 0 : errno;
			return -1;
		}
		if (take_fds(&message, fds) == 0)
			continue;
		*message_fd_out = fds[1];
		return fds[0];
	}
}

int channel_write(int fd, const void *data, size_t len, int64_t deadline_ms)
{
	const char *at = data;
	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (sent < 0 && wait_for(fd, POLLOUT, deadline_ms) != 0)
			return -1;
		if (sent > 0) {
			at += sent;
			len -= (size_t)sent;
		}
	}
	return 0;
}

int channel_read(int fd, void *data, size_t len, int64_t deadline_ms)
{
	char *at = data;
	while (len > 0) {
		ssize_t got = recv(fd, at, len, MSG_DONTWAIT);
		if (got == 0) {
			errno = EPIPE;
			return -1;
		}
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (got < 0 && wait_for(fd, POLLIN, deadline_ms) != 0)
			return -1;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
	return 0;
}

bool channel_is_hung_up(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLRDHUP};
	return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}
