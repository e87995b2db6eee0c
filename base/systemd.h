#ifndef BASE_SYSTEMD_H
#define BASE_SYSTEMD_H

#include <stddef.h>
#include <stdint.h>

/* What a service manager passes to a service, and wants to hear from it: the protocols of
 * sd_listen_fds(3), sd_notify(3) and sd_watchdog_enabled(3), which need no library. Without such
 * a manager there are no sockets and nobody listens, and all of this does nothing. */

#define SYSTEMD_SOCKETS_MAX 64

struct systemd_socket {
	int fd;           /* owned; listening, non-blocking, closed by exec */
	const char *name; /* FileDescriptorName= of its unit; "" where it has none */
};

struct systemd {
	struct systemd_socket sockets[SYSTEMD_SOCKETS_MAX];
	size_t socket_count;
	char *names;         /* owned; the names stand in it */
	char *notify;        /* owned; the address that wants to hear; null: none */
	int64_t watchdog_ms; /* it wants to hear at least so often; 0: it does not */
};

/* Takes what is there, and removes it from the environment, so that no program that we start
 * believes it. 0, or -1 with errno: a descriptor is no listening stream socket. */
int systemd_begin(struct systemd *systemd);
/* Closes the sockets, in a child too; nothing is told from then on. */
void systemd_end(struct systemd *systemd);

/* Tells the manager, "READY=1\nSTATUS=...". What cannot be told within five seconds is lost. */
void systemd_tell(const struct systemd *systemd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "RELOADING=1", with the time that belongs to it. */
void systemd_tell_reloading(const struct systemd *systemd);

#endif
