#include "mail/smtp_connection.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)32 * 1024)

struct smtp_connection {
	int fd;
	char place[256]; /* for the log */
};

/* -- connecting ------------------------------------------------------------------------------ */

static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd ready = {.fd = fd, .events = events};
		int left = clock_left_ms(deadline_ms);
		int result = poll(&ready, 1, left);
		if (result > 0)
			return true;
		if (left == 0 || (result < 0 && errno != EINTR)) {
			errno = result == 0 ? ETIMEDOUT : errno;
			return false;
		}
	}
}

/* A connected, non-blocking socket, or -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t len, int64_t deadline_ms)
{
	int error = 0;
	socklen_t error_len = sizeof(error);
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, address, len) == 0)
		return fd;
	/* A full backlog of a unix socket is EAGAIN: busy, like any refusal. */
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline_ms) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0) {
		if (error == 0)
			return fd;
		errno = error;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int connect_unix(const char *path, int64_t deadline_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	return connect_to((const struct sockaddr *)&address, sizeof(address), deadline_ms);
}

/* Splits "host:port", "[v6]:port", "host"; the parts are written into `host`. */
static const char *split_port(char *host, const char *default_port)
{
	char *colon = strrchr(host, ':');
	size_t len = strlen(host);
	const char *port = default_port;
	bool is_bracketed = host[0] == '[';
	if (colon != NULL && (!is_bracketed || colon[-1] == ']')) {
		*colon = '\0';
		port = colon + 1;
		len = (size_t)(colon - host);
	}
	if (is_bracketed && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	return port;
}

static int connect_inet(const char *place, const char *default_port, int64_t deadline_ms)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[256];
	if (snprintf(host, sizeof(host), "%s", place) >= (int)sizeof(host)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	const char *port = split_port(host, default_port);
	if (getaddrinfo(host, port, &hints, &found) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	int fd = -1;
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
		fd = connect_to(at->ai_addr, at->ai_addrlen, deadline_ms);
	int saved = errno;
	freeaddrinfo(found);
	errno = saved;
	return fd;
}

struct smtp_connection *smtp_connection_open(
    const char *place, const char *default_port, int64_t deadline_ms, struct status *status)
{
	int fd = -1;
	errno = EINVAL;
	if (strncmp(place, "unix:", 5) == 0)
		fd = connect_unix(place + 5, deadline_ms);
	else if (strncmp(place, "inet:", 5) == 0)
		fd = connect_inet(place + 5, default_port, deadline_ms);
	if (fd < 0) {
		status_errno(status, CAUSE_MAILBOX, errno, "connect to %s", place);
		return NULL;
	}
	struct smtp_connection *connection = memory_new(1, sizeof(*connection));
	connection->fd = fd;
	snprintf(connection->place, sizeof(connection->place), "%s", place);
	return connection;
}

void smtp_connection_close(struct smtp_connection **connection)
{
	if (*connection == NULL)
		return;
	close((*connection)->fd);
	free(*connection);
	*connection = NULL;
}

void smtp_connection_part(struct smtp_connection **connection)
{
	static const char word[] = "QUIT\r\n";
	if (*connection != NULL)
		(void)send((*connection)->fd, word, sizeof(word) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	smtp_connection_close(connection);
}

/* -- talking --------------------------------------------------------------------------------- */

static bool fail(
    const struct smtp_connection *connection, struct smtp_client *client, const char *act)
{
	char why[400];
	snprintf(why, sizeof(why), "%s %s: %s", act, connection->place, strerror(errno));
	smtp_client_fail(client, why);
	return false;
}

static bool send_output(
    struct smtp_connection *connection, struct smtp_client *client, int64_t deadline_ms)
{
	while (smtp_client_output(client).len > 0) {
		struct span out = smtp_client_output(client);
		ssize_t sent = send(connection->fd, out.data, out.len, MSG_NOSIGNAL);
		if (sent >= 0)
			smtp_client_sent(client, (size_t)sent);
		else if (errno == EAGAIN && !wait_for(connection->fd, POLLOUT, deadline_ms))
			return fail(connection, client, "write to");
		else if (errno != EAGAIN && errno != EINTR)
			return fail(connection, client, "write to");
	}
	return true;
}

static bool read_input(
    struct smtp_connection *connection, struct smtp_client *client, int64_t deadline_ms)
{
	char data[4096];
	ssize_t got = recv(connection->fd, data, sizeof(data), 0);
	if (got > 0) {
		smtp_client_receive(client, data, (size_t)got);
		return true;
	}
	if (got < 0 && errno == EINTR)
		return true;
	if (got == 0)
		errno = ECONNRESET;
	if (errno == EAGAIN && wait_for(connection->fd, POLLIN, deadline_ms))
		return true;
	return fail(connection, client, "read from");
}

enum smtp_client_want smtp_connection_drive(
    struct smtp_connection *connection, struct smtp_client *client, int64_t deadline_ms)
{
	for (;;) {
		enum smtp_client_want want = smtp_client_want(client);
		if (want == SMTP_CLIENT_SEND)
			send_output(connection, client, deadline_ms);
		else if (want == SMTP_CLIENT_READ)
			read_input(connection, client, deadline_ms);
		else
			return want;
	}
}

bool smtp_connection_send_text(struct smtp_connection *connection, struct smtp_client *client,
    const struct message *message, int64_t deadline_ms)
{
	char data[CHUNK_BYTES];
	for (uint64_t offset = 0; offset < message->size_bytes;) {
		struct status status;
		size_t got;
		if (!message_read(message, offset, data, sizeof(data), &got, &status)) {
			smtp_client_fail(client, status.detail);
			return false;
		}
		smtp_client_text(client, data, got);
		if (!send_output(connection, client, deadline_ms))
			return false;
		offset += got;
	}
	return true;
}
