#ifndef LMTP_BRIDGE_AUTH_HELPER_H
#define LMTP_BRIDGE_AUTH_HELPER_H

#include "base/bytes.h"
#include "lmtp-bridge/sasl_module.h"

#include <stdbool.h>
#include <stdint.h>

/* Passwords are looked up in files, databases and other servers, which a session that is shut in
 * cannot reach. So a session on a listener with AUTH has a helper: a process of the same account,
 * forked before the doors close, that takes the steps of AUTH and nothing else. */
struct auth_helper {
	int fd; /* -1: there is none */
};

#define AUTH_HELPER_TEXT_MAX 4096

struct auth_reply {
	enum sasl_answer answer;
	uint32_t len;
	char text[AUTH_HELPER_TEXT_MAX]; /* a challenge, a user, a reason, or names of mechanisms */
};

/* Forks it; it lives as long as the session. It calls `part` first, which lets go of what is the
 * session's alone. False: there is none, and AUTH cannot be done. */
bool auth_helper_start(struct auth_helper *helper, const struct sasl_module *module,
    const char *hostname, void (*part)(void *context), void *context);

/* Begins anew; the reply has the names of the mechanisms. */
void auth_helper_open(struct auth_helper *helper, bool is_secure, struct auth_reply *reply_out);
/* A step; a `mechanism` that is not empty begins. */
void auth_helper_step(struct auth_helper *helper, struct span mechanism, bool has_response,
    struct span response, struct auth_reply *reply_out);

void auth_helper_stop(struct auth_helper *helper);

#endif
