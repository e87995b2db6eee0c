#ifndef LMTP_BRIDGE_LMTP_PROTO_H
#define LMTP_BRIDGE_LMTP_PROTO_H

#include "lmtp-bridge/lmtp_command.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>

/* The server's side of one LMTP connection: bytes in, events out; statuses in, replies out. Pure:
 * no descriptor, no clock, no log. Memory is bounded by the options and LMTP_LINE_MAX. */
struct lmtp;

/* RFC 4954 4: a line within AUTH, and AUTH itself with its first response. */
#define LMTP_AUTH_LINE_MAX 12290
/* The longest command line with its line end; RFC 5321 has 512 and every extension adds some. */
#define LMTP_LINE_MAX 4096

enum lmtp_event_kind {
	LMTP_EVENT_NONE,
	LMTP_EVENT_RCPT, /* `recipient` asks to be accepted: one lmtp_answer() is due */
	LMTP_EVENT_DATA, /* a message's text begins */
	LMTP_EVENT_TEXT, /* `text` is the next piece of it, line ends as they came */
	LMTP_EVENT_END,  /* it is whole: lmtp_answers_due() answers are due, in order */
	LMTP_EVENT_TLS,  /* write the output, start TLS, then lmtp_secured() */
	LMTP_EVENT_AUTH, /* a step of AUTH: lmtp_challenge() or lmtp_authenticated() is due */
	LMTP_EVENT_CLOSE /* nothing more will be said: write the output and close */
};

struct lmtp_event {
	enum lmtp_event_kind kind;
	const struct envelope_recipient *recipient; /* until its answer */
	struct span text;                           /* until the next call */
	struct span mechanism;                      /* AUTH: set in its first step only */
	bool has_response;                          /* AUTH: `text` is what the client sent */
	bool is_too_large; /* END: longer than max_message_bytes; the text was cut there */
};

/* The greeting stands in the output at once. `options` is borrowed. */
struct lmtp *lmtp_new(const struct lmtp_options *options);
void lmtp_free(struct lmtp **lmtp);

/* Takes bytes the client sent, up to the first event, and returns how many. While answers are
 * due, or TLS or AUTH wait for the caller, it takes none. With LMTP_EVENT_NONE it has taken all it
 * can. */
size_t lmtp_step(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event_out);

/* How many statuses are wanted: 1 after LMTP_EVENT_RCPT; after LMTP_EVENT_END one for each of
 * lmtp_recipients(). */
size_t lmtp_answers_due(const struct lmtp *lmtp);

/* Says what became of the next recipient that waits. After the text, `id` (the delivery's; may
 * be null) stands in the reply of success. A recipient that was named twice is answered twice.
 * The last answer ends the transaction. */
void lmtp_answer(struct lmtp *lmtp, const struct status *status, const char *id);

/* After LMTP_EVENT_TLS: TLS is on. What was known of the client is forgotten (RFC 3207 4.2); the
 * options, which the caller may have changed meanwhile, are looked at again. */
void lmtp_secured(struct lmtp *lmtp);

/* After LMTP_EVENT_AUTH: either more is wanted from the client, or it has come to an end. */
void lmtp_challenge(struct lmtp *lmtp, struct span challenge);
enum lmtp_auth { LMTP_AUTH_GOOD, LMTP_AUTH_BAD, LMTP_AUTH_CANNOT_TELL };
void lmtp_authenticated(struct lmtp *lmtp, enum lmtp_auth how);

/* The transaction as it stands; borrowed, until it ends. Recipients that were accepted, each
 * once: named again with the same parameters it is the same. */
const struct envelope *lmtp_envelope(const struct lmtp *lmtp);
const struct envelope_recipient *lmtp_recipients(const struct lmtp *lmtp, size_t *count_out);

/* No transaction is open: the moment to say goodbye. */
bool lmtp_is_idle(const struct lmtp *lmtp);
bool lmtp_is_in_text(const struct lmtp *lmtp);

/* Says 421 and closes; not while answers are due. */
enum lmtp_goodbye { LMTP_GOODBYE_TIMEOUT, LMTP_GOODBYE_SHUTDOWN, LMTP_GOODBYE_AGE };
void lmtp_close(struct lmtp *lmtp, enum lmtp_goodbye why);

/* What has to be written to the client; take it off as it is written. */
struct span lmtp_output(const struct lmtp *lmtp);
void lmtp_output_drop(struct lmtp *lmtp, size_t count);

#endif
