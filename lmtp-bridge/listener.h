#ifndef LMTP_BRIDGE_LISTENER_H
#define LMTP_BRIDGE_LISTENER_H

#include "base/systemd.h"
#include "deliver/settings.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The sockets clients connect to. */
enum listener_kind { LISTENER_LMTP, LISTENER_POLICY, LISTENER_SRS, LISTENER_METRICS };

struct listener {
	int fd;
	enum listener_kind kind;
	const struct listen_settings *settings; /* borrowed from those it was opened with */
	char *title;  /* as configured, "unix:/run/x", "inet:127.0.0.1:24", "systemd:x" */
	int given_fd; /* systemd's: it made the socket and says who may connect; or -1 */
	dev_t dev;    /* the socket file we made, so as to remove no other; 0 where we made none */
	ino_t ino;
};

struct listeners {
	struct listener *items;
	size_t count;
};

#define LISTENERS_MAX 64

/* Whether they can be understood: addresses, owners, at least one and not too many. */
bool listeners_check(const struct settings *settings, struct status *status);

/* Opens what `settings` names. What systemd has for us is used: a socket of that name, or one bound
 * to that address. One that `old` has already is taken over from there and gets the new owner and
 * mode. A socket file that nobody listens on is replaced; a live one and a file of another kind
 * are refused. On failure `old` is as it was and nothing is left. */
bool listeners_open(const struct settings *settings, const struct systemd *systemd,
    struct listeners *old, struct listeners *listeners_out, struct status *status);

/* Warns of what systemd has for us and nobody listens on. */
void listeners_tell_unwanted(const struct listeners *listeners, const struct systemd *systemd);

/* Closes all; with `removes_files` our socket files go too. */
void listeners_close(struct listeners *listeners, bool removes_files);

#endif
