#ifndef LMTP_BRIDGE_CONNECTION_H
#define LMTP_BRIDGE_CONNECTION_H

#include "base/bytes.h"
#include "lmtp-bridge/tls_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's end of a session: bytes with a limit on every wait. */
struct connection {
	int in_fd;
	int out_fd; /* the same where it is one socket */
	const struct tls_module *tls_module;
	void *tls;        /* null: in the clear */
	char address[64]; /* the client's IP address; "" when it has none */
	bool
	    is_unknown; /* the address is that of a proxy, which does not say whose it speaks for */
};

/* Owns nothing; `in_fd` and `out_fd` stay the caller's. */
void connection_init(struct connection *connection, int in_fd, int out_fd);

enum connection_end {
	CONNECTION_FINE,
	CONNECTION_CLOSED, /* by the client, or it broke */
	CONNECTION_TIMED_OUT,
	CONNECTION_STOPPING, /* a signal asks us to stop; only if the caller wanted to know */
};

/* Reads what is there, waiting for it if need be: with CONNECTION_FINE at least a byte. */
enum connection_end connection_read(const struct connection *connection, char *data, size_t size,
    int64_t timeout_ms, bool wants_stop, size_t *got_out);

/* Reads the PROXY protocol's header, which stands before anything else, and takes the client's
 * address from it. Anything but CONNECTION_FINE: not a client to speak with. */
enum connection_end connection_read_proxy(struct connection *connection, int64_t timeout_ms);

/* Writes all of it; `timeout_ms` is for each wait without progress. */
enum connection_end connection_write(
    const struct connection *connection, struct span data, int64_t timeout_ms);

/* The server's side of the handshake; from then on all goes through TLS. `why` says what failed. */
enum connection_end connection_start_tls(struct connection *connection, const struct tls_keys *keys,
    int64_t timeout_ms, struct tls_facts *facts_out, char *why, size_t why_size);
void connection_end_tls(struct connection *connection);

/* After the last word: says that no more will come, and waits until the client goes. True when it
 * went in order, having taken in all that we wrote, as far as the kernel can tell. */
bool connection_linger(const struct connection *connection, int64_t timeout_ms);

/* Does nothing for a while, but notices when it is time to stop. */
void connection_pause(int64_t pause_ms);

#endif
