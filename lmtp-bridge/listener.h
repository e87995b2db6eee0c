#ifndef LMTP_BRIDGE_LISTENER_H
#define LMTP_BRIDGE_LISTENER_H

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
	char *title; /* as configured, "unix:/run/x" or "inet:127.0.0.1:24" */
	dev_t dev;   /* the socket file we made, so as to remove no other; 0 on TCP */
	ino_t ino;
};

struct listeners {
	struct listener *items;
	size_t count;
};

#define LISTENERS_MAX 64

/* Whether they can be understood: addresses, owners, at least one and not too many. */
bool listeners_check(const struct settings *settings, struct status *status);

/* Opens what `settings` names. One that `old` (may be null) has already is taken over from there
 * and gets the new owner and mode. A socket file that nobody listens on is replaced; a live one
 * and a file of another kind are refused. On failure `old` is as it was and nothing is left. */
bool listeners_open(const struct settings *settings, struct listeners *old,
    struct listeners *listeners_out, struct status *status);

/* Closes all; with `removes_files` our socket files go too. */
void listeners_close(struct listeners *listeners, bool removes_files);

#endif
