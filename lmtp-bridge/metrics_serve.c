/* metrics_serve.c - as much of HTTP as a scraper needs: one request, one answer, the end. */
#include "lmtp-bridge/metrics.h"

#include "base/clock.h"
#include "lmtp-bridge/connection.h"
#include "lmtp-bridge/listener.h"
#include "lmtp-bridge/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT_TIMEOUT_MS 2000
#define REQUEST_MAX 4096
#define PARENT_CHECK_MS 5000

/* Up to the empty line; what it asks for is in the first. */
static bool read_request(const struct connection *client, struct bytes *request)
{
	int64_t deadline_ms = clock_monotonic_ms() + CLIENT_TIMEOUT_MS;
	while (request->len < REQUEST_MAX) {
		size_t got;
		if (connection_read(client, bytes_reserve(request, REQUEST_MAX), REQUEST_MAX,
		        clock_left_ms(deadline_ms), true, &got) != CONNECTION_FINE)
			return false;
		request->len += got;
		struct span text = bytes_span(request);
		struct span line;
		for (struct span rest = text; span_next_line(&rest, &line);) {
			bool is_whole = line.data + line.len < text.data + text.len;
			if (is_whole && span_trim(line).len == 0)
				return true;
		}
	}
	return false;
}

static void answer(const struct board *board, int fd)
{
	struct connection client;
	struct bytes request = {0};
	struct bytes body = {0};
	struct bytes reply = {0};
	connection_init(&client, fd, fd);
	if (read_request(&client, &request)) {
		struct span text = bytes_span(&request);
		bool is_found =
		    span_starts_with(text, "GET /metrics ") || span_starts_with(text, "GET / ");
		if (is_found)
			metrics_format(board, &body);
		else
			bytes_append_text(&body, "GET /metrics is all there is.\n");
		bytes_appendf(&reply,
		    "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		    is_found ? "200 OK" : "404 Not Found", body.len);
		bytes_append_span(&reply, bytes_span(&body));
		(void)connection_write(&client, bytes_span(&reply), CLIENT_TIMEOUT_MS);
	}
	bytes_clear(&request);
	bytes_clear(&body);
	bytes_clear(&reply);
}

void metrics_serve(const struct board *board, const int *listening, size_t count)
{
	struct pollfd pollers[LISTENERS_MAX];
	struct timespec pause = {PARENT_CHECK_MS / 1000, 0};
	pid_t parent = getppid();
	for (size_t i = 0; i < count; i++)
		pollers[i] = (struct pollfd){listening[i], POLLIN, 0};
	while (!signals_is_stopping() && getppid() == parent) {
		if (ppoll(pollers, (nfds_t)count, &pause, signals_while_waiting()) <= 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd = pollers[i].revents == 0
			             ? -1
			             : accept4(listening[i], NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			answer(board, fd);
			close(fd);
		}
	}
}
