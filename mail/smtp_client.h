#ifndef MAIL_SMTP_CLIENT_H
#define MAIL_SMTP_CLIENT_H

#include "base/arena.h"
#include "mail/envelope.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's side of one SMTP (RFC 5321) or LMTP (RFC 2033) transaction: server's bytes in,
 * our bytes out. No descriptor, no clock. The caller moves bytes as smtp_client_want() says:
 *
 *	greeting, LHLO or EHLO, MAIL, RCPT..., DATA	SEND and READ in turn
 *	354						TEXT: give the message, then its end
 *	the reply, or over LMTP one per recipient	READ
 *	QUIT						SEND, then DONE
 *
 * Every recipient ends with a status, whatever the server does. A line end of ours is LF, as in
 * a spool; the dot is doubled here. */
struct smtp_client;

/* A server that was greeted, for several transactions on one connection. */
struct smtp_server {
	bool is_greeted;
	bool has_size, has_8bitmime, has_smtputf8, has_dsn;
};

struct smtp_client_options {
	bool is_lmtp;
	const char *hello; /* our name for EHLO or LHLO */
	const struct envelope *envelope;
	const struct envelope_recipient *recipients;
	size_t recipient_count;
	uint64_t size_bytes; /* of the message with CRLF line ends, for SIZE= */
	bool is_8bit;        /* the message has bytes above 127 */
	/* The connection is to be used again: greets only who was not, says no QUIT. Null: one
	 * transaction, then QUIT. */
	struct smtp_server *server;
	bool is_only_asking; /* whether the recipients are welcome: RSET instead of DATA */
};

enum smtp_client_want {
	SMTP_CLIENT_SEND, /* write smtp_client_output(), tell smtp_client_sent() */
	SMTP_CLIENT_READ, /* read, give it to smtp_client_receive() */
	SMTP_CLIENT_TEXT, /* smtp_client_text() as often as needed, smtp_client_text_end() once */
	SMTP_CLIENT_DONE, /* all statuses are set */
};

/* From the arena; the options' envelope and recipients are borrowed as long. */
struct smtp_client *smtp_client_new(struct arena *arena, const struct smtp_client_options *options);
/* Frees what is not the arena's. */
void smtp_client_clear(struct smtp_client *client);

enum smtp_client_want smtp_client_want(const struct smtp_client *client);

struct span smtp_client_output(const struct smtp_client *client);
void smtp_client_sent(struct smtp_client *client, size_t len);
void smtp_client_receive(struct smtp_client *client, const char *data, size_t len);

/* After DONE with `server`: the connection can be used for another transaction. */
bool smtp_client_is_reusable(const struct smtp_client *client);
/* Whether anything but a goodbye was heard: if not, a connection used before was dead already. */
bool smtp_client_has_heard(const struct smtp_client *client);

/* The connection was lost or time is up: recipients without a final status get a temporary one
 * with `why` for the log. */
void smtp_client_fail(struct smtp_client *client, const char *why);

/* The server takes over what the sender asked for (RFC 3461). */
bool smtp_client_offers_dsn(const struct smtp_client *client);

/* A piece of the message. Write the output before it grows large. */
void smtp_client_text(struct smtp_client *client, const char *data, size_t len);
/* Ends the message: after the output is written the server decides. */
void smtp_client_text_end(struct smtp_client *client);

/* How recipient `index` ended; valid when DONE. After RCPT, while the text is wanted, it already
 * tells of a refusal; the others are still CAUSE_INTERNAL. */
const struct status *smtp_client_status(const struct smtp_client *client, size_t index);

/* What the server's answer means: the code and the enhanced code are kept. `text` is a reply's
 * text without code, lines joined by LF. */
void smtp_client_translate(int reply, struct span text, struct status *status_out);

#endif
