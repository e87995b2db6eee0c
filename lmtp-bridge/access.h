#ifndef LMTP_BRIDGE_ACCESS_H
#define LMTP_BRIDGE_ACCESS_H

#include "deliver/settings.h"
#include "lmtp-bridge/connection.h"
#include "mail/status.h"

#include <stdbool.h>

/* Who may use a listener, and who is believed about others. */

/* Whether its settings can be understood: networks, accounts. */
bool access_check(const struct listen_settings *settings, struct status *status);

/* Before anything is said: whether the client may use the listener, and whether it is believed
 * about others. The PROXY protocol is read where the listener has it, from a trusted network or a
 * unix socket; what counts from then on is the address it tells, and who it cannot name is not
 * trusted. A unix socket's client must be a
 * process of one of `peers` or of root, if there are any. It is trusted only where `trusted` has
 * "unix": Exim's lmtp transport understands no reply of more than 255 bytes, and what is offered to
 * trusted clients makes that to LHLO longer. Null settings are standard input: nobody to ask.
 * False (logged): not a client to speak with. May look accounts up, and waits for a proxy 20 s at
 * most. */
bool access_meet(
    const struct listen_settings *settings, struct connection *connection, bool *is_trusted_out);

#endif
