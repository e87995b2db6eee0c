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
	connection->tls_module = NULL;
	connection->tls = NULL;
	connection->is_unknown = false;
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

/* One attempt to read or write, in the clear or through TLS. */
static enum tls_result try_read(
    const struct connection *connection, char *data, size_t size, size_t *got_out)
{
	if (connection->tls != NULL)
		return connection->tls_module->read(connection->tls, data, size, got_out);
	ssize_t got = read(connection->in_fd, data, size);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANTS_READ;
	*got_out = got > 0 ? (size_t)got : 0;
	return got > 0 ? TLS_DONE : TLS_CLOSED;
}

static enum tls_result try_write(
    const struct connection *connection, struct span data, size_t *wrote_out)
{
	if (connection->tls != NULL)
		return connection->tls_module->write(
		    connection->tls, data.data, data.len, wrote_out);
	ssize_t wrote = write(connection->out_fd, data.data, data.len);
	if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANTS_WRITE;
	*wrote_out = wrote > 0 ? (size_t)wrote : 0;
	return wrote >= 0 ? TLS_DONE : TLS_CLOSED;
}

/* TLS may want to write in order to read, and the other way round. */
static enum connection_end wait_as_wanted(const struct connection *connection,
    enum tls_result wanted, int64_t deadline_ms, bool wants_stop)
{
	if (wanted == TLS_WANTS_READ)
		return wait_for(connection->in_fd, POLLIN, deadline_ms, wants_stop);
	return wait_for(connection->out_fd, POLLOUT, deadline_ms, wants_stop);
}

enum connection_end connection_read(const struct connection *connection, char *data, size_t size,
    int64_t timeout_ms, bool wants_stop, size_t *got_out)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	/* What TLS has read already does not show in poll; a plain descriptor may block. */
	enum tls_result result = TLS_WANTS_READ;
	if (connection->tls != NULL)
		result = try_read(connection, data, size, got_out);
	while (result == TLS_WANTS_READ || result == TLS_WANTS_WRITE) {
		enum connection_end end =
		    wait_as_wanted(connection, result, deadline_ms, wants_stop);
		if (end != CONNECTION_FINE)
			return end;
		result = try_read(connection, data, size, got_out);
	}
	return result == TLS_DONE ? CONNECTION_FINE : CONNECTION_CLOSED;
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
	connection->is_unknown = header.is_unknown;
	if (!header.is_local && !header.is_unknown)
		snprintf(connection->address, sizeof(connection->address), "%s", header.source);
	return CONNECTION_FINE;
}

enum connection_end connection_write(
    const struct connection *connection, struct span data, int64_t timeout_ms)
{
	while (data.len > 0) {
		size_t wrote = 0;
		enum tls_result result = try_write(connection, data, &wrote);
		if (result == TLS_CLOSED)
			return CONNECTION_CLOSED;
		if (result == TLS_DONE) {
			data = span_from(data, wrote);
			continue;
		}
		enum connection_end end =
		    wait_as_wanted(connection, result, clock_monotonic_ms() + timeout_ms, false);
		if (end != CONNECTION_FINE)
			return end;
	}
	return CONNECTION_FINE;
}

enum connection_end connection_start_tls(struct connection *connection, const struct tls_keys *keys,
    int64_t timeout_ms, struct tls_facts *facts_out, char *why, size_t why_size)
{
	const struct tls_module *module = tls_keys_module(keys);
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	enum connection_end end = CONNECTION_FINE;
	enum tls_result result;
	connection->tls_module = module;
	connection->tls = module->begin(tls_keys_context(keys), connection->in_fd);
	if (connection->tls == NULL)
		return CONNECTION_CLOSED;
	while ((result = module->handshake(connection->tls, why, why_size)) != TLS_DONE) {
		end = result == TLS_CLOSED ? CONNECTION_CLOSED
		                           : wait_as_wanted(connection, result, deadline_ms, false);
		if (end != CONNECTION_FINE)
			return end;
	}
	module->facts(connection->tls, facts_out);
	return CONNECTION_FINE;
}

void connection_end_tls(struct connection *connection)
{
	if (connection->tls != NULL)
		connection->tls_module->end(connection->tls);
	connection->tls = NULL;
}

bool connection_linger(const struct connection *connection, int64_t timeout_ms)
{
	char ignored[512];
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	/* Through TLS the end would be told in a message of its own, and a client that goes without
	 * reading that one would look like one that has not read all. */
	if (connection->tls == NULL)
		(void)shutdown(connection->out_fd, SHUT_WR);
	for (;;) {
		if (wait_for(connection->in_fd, POLLIN, deadline_ms, false) != CONNECTION_FINE)
			return false;
		ssize_t got = read(connection->in_fd, ignored, sizeof(ignored));
		if (got == 0)
			return true;
		/* ECONNRESET: it went without reading what we wrote. */
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return false;
	}
}

void connection_pause(int64_t pause_ms)
{
	(void)wait_for(-1, 0, clock_monotonic_ms() + pause_ms, true);
}
