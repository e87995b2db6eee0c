#ifndef LMTP_BRIDGE_TLS_KEYS_H
#define LMTP_BRIDGE_TLS_KEYS_H

#include "deliver/settings.h"
#include "lmtp-bridge/tls_module.h"
#include "mail/status.h"

#include <stdbool.h>

/* Certificate and key of this server, read and understood by the supervisor before any client is
 * there; sessions have them when they begin. */
struct tls_keys;

/* Whether a listener of `settings` speaks TLS. */
bool tls_keys_are_needed(const struct settings *settings);

/* Reads the files that `settings` (borrowed) names. Null, with a status: they are no pair, cannot
 * be read, or TLS was not built in. */
struct tls_keys *tls_keys_new(const struct tls_settings *settings, struct status *status);
void tls_keys_free(struct tls_keys **keys);

/* Reads them again where they have changed; what cannot be used is logged, and the old ones stay
 * until it can. */
void tls_keys_renew(struct tls_keys *keys);

/* For a session: the module and its context. */
const struct tls_module *tls_keys_module(const struct tls_keys *keys);
void *tls_keys_context(const struct tls_keys *keys);

/* Whether a client with these facts is one that tls.client_ca or tls.client_fingerprints names. */
bool tls_keys_know(const struct tls_keys *keys, const struct tls_facts *facts);

#endif
