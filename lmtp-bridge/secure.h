#ifndef LMTP_BRIDGE_SECURE_H
#define LMTP_BRIDGE_SECURE_H

#include "deliver/settings.h"
#include "lmtp-bridge/connection.h"
#include "lmtp-bridge/auth_helper.h"
#include "lmtp-bridge/lmtp_proto.h"
#include "lmtp-bridge/sasl_module.h"
#include "lmtp-bridge/tls_keys.h"
#include "mail/status.h"

#include <stdbool.h>

/* TLS and AUTH of this configuration: loaded by the supervisor where a listener asks for them,
 * used by sessions. A zeroed one has neither. */
struct security {
	struct tls_keys *tls;
	const struct sasl_module *sasl;
};

bool security_load(
    struct security *security, const struct settings *settings, struct status *status);
void security_clear(struct security *security);

/* What a session has made of it. */
struct secure {
	const struct security *security;
	const struct listen_settings *listen; /* null: standard input, which has neither */
	struct connection *connection;
	int calling;                  /* channel.h */
	struct lmtp_options *options; /* what is offered, set by these functions */
	int64_t timeout_ms;
	struct auth_helper helper;
	char mechanisms[256]; /* that it has at present */
};

/* While other processes can still be started: the one for AUTH, where the listener has it. */
void secure_prepare(struct secure *secure);
/* Before the greeting: TLS where the listener begins with it. False (logged): it failed. */
bool secure_begin(struct secure *secure);
/* LMTP_EVENT_TLS, when the 220 has been written. `rest` is what the client sent behind STARTTLS; it
 * is not under TLS and is dropped by the caller. False (logged): nobody to speak with any more. */
bool secure_start_tls(struct secure *secure, struct lmtp *lmtp, size_t rest);
/* LMTP_EVENT_AUTH. A wrong password takes a while. */
void secure_auth(struct secure *secure, struct lmtp *lmtp, const struct lmtp_event *event);
void secure_end(struct secure *secure);

#endif
