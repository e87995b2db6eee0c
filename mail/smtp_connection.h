#ifndef MAIL_SMTP_CONNECTION_H
#define MAIL_SMTP_CONNECTION_H

#include "mail/message.h"
#include "mail/smtp_client.h"

#include <stdbool.h>
#include <stdint.h>

/* Moves the bytes of a struct smtp_client over a socket. */
struct smtp_connection;

/* Connects to "unix:/path" or "inet:host:port" ("inet:[2001:db8::1]:24"; without a port:
 * `default_port`), each address of a name in turn, by `deadline_ms` (clock.h). Looking up a name
 * knows the resolver's limits only (resolv.conf(5): 10 s for one name server that is silent). Null
 * with a temporary status. */
struct smtp_connection *smtp_connection_open(
    const char *place, const char *default_port, int64_t deadline_ms, struct status *status);
void smtp_connection_close(struct smtp_connection **connection);
/* The same between two messages: says QUIT, and waits for nothing. */
void smtp_connection_part(struct smtp_connection **connection);

/* Sends and reads until the client wants the text or is done. A lost connection or the deadline
 * ends it through smtp_client_fail(): then it is done. Returns what is wanted: TEXT or DONE. */
enum smtp_client_want smtp_connection_drive(
    struct smtp_connection *connection, struct smtp_client *client, int64_t deadline_ms);

/* Gives a wanting client all of `message` without the end, which is the caller's to give. False
 * when the connection was lost or the message could not be read: the client is then done. */
bool smtp_connection_send_text(struct smtp_connection *connection, struct smtp_client *client,
    const struct message *message, int64_t deadline_ms);

#endif
