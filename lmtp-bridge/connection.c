#include "lmtp-bridge/connection.h"

#include "base/clock.h"
#include "lmtp-bridge/proxy_header.h"
#include "lmtp-bridge/signals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void find_address(struct connection *connection)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} peer;
	socklen_t len = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	connection->address[0] = '\0';
	if (getpeername(connection->in_fd, &peer.any, &len) != 0)
		return;
	if (peer.any.sa_family == AF_INET)
		inet_ntop(
		    AF_INET, &peer.v4.sin_addr, connection->address, sizeof(connection->address));
	if (peer.any.sa_family == AF_INET6)
		inet_ntop(
		    AF_INET6, &peer.v6.sin6_addr, connection->address, sizeof(connection->address));
}

void connection_init(struct connection *connection, int in_fd, int out_fd)
{
	struct stat stat;
	connection->in_fd = in_fd;
	connection->out_fd = out_fd;
	/* A pipe or terminal on standard output is shared with others, who expect it to block. */
	if (fstat(out_fd, &stat) == 0 && S_ISSOCK(stat.st_mode))
		fcntl(out_fd, F_SETFL, fcntl(out_fd, F_GETFL) | O_NONBLOCK);
	find_address(connection);
}

static enum connection_end wait_for(int fd, short events, int64_t deadline_ms, bool wants_stop)
{
	struct pollfd poller = {.fd = fd, .events = events};
	for (;;) {
		int left_ms = clock_left_ms(deadline_ms);
		struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000L};
		if (wants_stop && signals_is_stopping())
			return CONNECTION_STOPPING;
		int ready = ppoll(&poller, 1, &left, signals_while_waiting());
		if (ready > 0)
			return CONNECTION_FINE;
		if (ready < 0 && errno != EINTR)
			return CONNECTION_CLOSED;
		if (ready == 0 && left_ms == 0)
			return CONNECTION_TIMED_OUT;
	}
}

enum connection_end connection_read(const struct connection *connection, char *data, size_t size,
    int64_t timeout_ms, bool wants_stop, size_t *got_out)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	for (;;) {
		enum connection_end end =
		    wait_for(connection->in_fd, POLLIN, deadline_ms, wants_stop);
		if (end != CONNECTION_FINE)
			return end;
		ssize_t got = read(connection->in_fd, data, size);
		if (got > 0) {
			*got_out = (size_t)got;
			return CONNECTION_FINE;
		}
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return CONNECTION_CLOSED;
	}
}

enum connection_end connection_read_proxy(struct connection *connection, int64_t timeout_ms)
{
	char in[PROXY_HEADER_MAX];
	struct span so_far = {in, 0};
	struct proxy_header header;
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	size_t wanted;
	while ((wanted = proxy_header_wants(so_far)) > 0) {
		size_t got = 0;
		enum connection_end end = connection_read(
		    connection, in + so_far.len, wanted, clock_left_ms(deadline_ms), false, &got);
		if (end != CONNECTION_FINE)
			return end;
		so_far.len += got;
	}
	if (!proxy_header_parse(so_far, &header))
		return CONNECTION_CLOSED;
	if (!header.is_local)
		snprintf(connection->address, sizeof(connection->address), "%s", header.source);
	return CONNECTION_FINE;
}

enum connection_end connection_write(
    const struct connection *connection, struct span data, int64_t timeout_ms)
{
	while (data.len > 0) {
		ssize_t wrote = write(connection->out_fd, data.data, data.len);
		if (wrote < 0 && errno != EAGAIN && errno != EINTR)
			return CONNECTION_CLOSED;
		if (wrote > 0) {
			data = span_from(data, (size_t)wrote);
			continue;
		}
		enum connection_end end =
		    wait_for(connection->out_fd, POLLOUT, clock_monotonic_ms() + timeout_ms, false);
		if (end != CONNECTION_FINE)
			return end;
	}
	return CONNECTION_FINE;
}
