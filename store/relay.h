#ifndef STORE_RELAY_H
#define STORE_RELAY_H

#include "mail/smtp_client.h"
#include "mail/smtp_connection.h"

#include <stdint.h>

/* Connections to the LMTP servers that mail is handed on to, kept by a process between its
 * deliveries, and which of these servers did not answer lately. */
struct relay_pool;

struct relay_pool *relay_pool_new(void);
/* Closes all connections. Null inside is accepted. */
void relay_pool_free(struct relay_pool **pool);

/* What is known of one server. */
struct relay_line {
	char *place;                        /* "unix:/path" or "inet:host:port"; owned */
	struct smtp_connection *connection; /* null: none is open */
	struct smtp_server server;
	int64_t idle_since_ms;
	int64_t broken_until_ms; /* no use in trying before */
	bool is_mute;            /* as long as it is broken: trying would take long */
	bool is_taken;
};

/* The line to `place`, connected, perhaps from before; one at a time, until it is given back with
 * relay_pool_give(). Null with a temporary status. */
struct relay_line *relay_pool_take(
    struct relay_pool *pool, const char *place, int64_t deadline_ms, struct status *status);
/* Closes the connection of a line in use: the next take opens another. */
void relay_line_close(struct relay_line *line);
/* Back from use; what is open stays open for the next. */
void relay_pool_give(struct relay_line *line);
/* To be said where the server let us wait: for a moment nobody else waits for it. */
void relay_line_is_mute(struct relay_line *line);
/* True while `place` is known not to answer. */
bool relay_pool_is_broken(const struct relay_pool *pool, const char *place);

#endif
