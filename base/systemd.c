#include "base/systemd.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FD 3
/* A manager that has much to hear keeps us waiting. */
#define TELL_TIMEOUT_S 5

/* The number of a variable of the environment; 0: it is not there, or is none. */
static uint64_t number_of(const char *variable)
{
	uint64_t number = 0;
	const char *text = getenv(variable);
	if (text == NULL || !number_parse(span_of(text), INT64_MAX, &number))
		return 0;
	return number;
}

static int take_socket(struct systemd_socket *socket, int fd)
{
	int type = 0;
	int is_listening = 0;
	socklen_t len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) != 0)
		return -1;
	if (type != SOCK_STREAM || !is_listening) {
		errno = EPROTOTYPE;
		return -1;
	}
	*socket = (struct systemd_socket){fd, ""};
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : -1;
}

/* "name:name:name", in the order of the descriptors. */
static void take_names(struct systemd *systemd)
{
	const char *names = getenv("LISTEN_FDNAMES");
	if (names == NULL)
		return;
	systemd->names = memory_string(names);
	char *rest = systemd->names;
	for (size_t i = 0; i < systemd->socket_count && rest != NULL; i++)
		systemd->sockets[i].name = strsep(&rest, ":");
}

static int take_sockets(struct systemd *systemd)
{
	uint64_t count = number_of("LISTEN_FDS");
	/* They may be meant for the process that started us. */
	if (number_of("LISTEN_PID") != (uint64_t)getpid())
		return 0;
	if (count > SYSTEMD_SOCKETS_MAX) {
		errno = EMFILE;
		return -1;
	}
	for (int fd = FIRST_FD; systemd->socket_count < count; fd++) {
		if (take_socket(&systemd->sockets[systemd->socket_count++], fd) != 0)
			return -1;
	}
	take_names(systemd);
	return 0;
}

int systemd_begin(struct systemd *systemd)
{
	static const char *const variables[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
	    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
	const char *notify = getenv("NOTIFY_SOCKET");
	uint64_t watchdog_pid = number_of("WATCHDOG_PID");
	*systemd = (struct systemd){0};
	int result = take_sockets(systemd);
	int error = errno;
	if (notify != NULL && (notify[0] == '/' || notify[0] == '@') &&
	    strlen(notify) < sizeof(((struct sockaddr_un *)0)->sun_path))
		systemd->notify = memory_string(notify);
	if (watchdog_pid == 0 || watchdog_pid == (uint64_t)getpid())
		systemd->watchdog_ms = (int64_t)(number_of("WATCHDOG_USEC") / 1000);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	errno = error;
	return result;
}

void systemd_end(struct systemd *systemd)
{
	for (size_t i = 0; i < systemd->socket_count; i++)
		close(systemd->sockets[i].fd);
	free(systemd->names);
	free(systemd->notify);
	*systemd = (struct systemd){0};
}

void systemd_tell(const struct systemd *systemd, const char *format, ...)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = TELL_TIMEOUT_S};
	char text[1024];
	va_list values;
	if (systemd->notify == NULL)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	size_t len = strlen(systemd->notify);
	memcpy(address.sun_path, systemd->notify, len);
	/* A name that is no path. */
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void systemd_tell_reloading(const struct systemd *systemd)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	systemd_tell(systemd, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}
