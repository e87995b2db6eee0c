#ifndef USERS_NSS_H
#define USERS_NSS_H

#include "base/arena.h"
#include "mail/status.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>

/* The system's users, through the C library (getpwnam and whatever nsswitch.conf puts behind
 * it). Two things it does not do by itself: it may wait for a directory without end, and it says
 * "no such user" also when that directory is down. */

/* What is asked; tests put others in. nss_system() has the real ones. */
struct nss {
	const char *config_path; /* "/etc/nsswitch.conf" */
	const char *local_path;  /* "/etc/passwd" */
	int (*getpwnam)(const char *name, struct passwd *entry, char *buf, size_t size,
	    struct passwd **found_out);
};
const struct nss *nss_system(void);

/* The first service of the "passwd" line of nsswitch.conf that is not on this machine only
 * ("sss", "ldap"), or null when all are (files, db, systemd, altfiles, extrausers) or there is
 * no such line. A file that cannot be read is as bad as a remote service: "?". */
const char *nss_remote_service(const struct nss *nss, struct arena *arena);

struct nss_user {
	bool is_known;
	uid_t uid;
	gid_t gid;
	struct span name;
	struct span home;
};

/* Asks for `name`. `timeout_ms` above 0: a child process asks, and is killed when that time is
 * up; 0: this process asks, and waits as long as it takes. False: no answer (status is set). */
bool nss_find(const struct nss *nss, struct arena *arena, const char *name, uint64_t timeout_ms,
    struct nss_user *user_out, struct status *status);

/* True when the local password file itself has `name`, whatever the services say. */
bool nss_is_local_user(const struct nss *nss, struct span name);

#endif
