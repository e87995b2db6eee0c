#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "mail/message.h"

#include <time.h>

/* Messages that we write ourselves: fields, then a body or parts, all into bytes in memory with LF
 * line ends. Whatever the values are made of, they cannot begin another field or the body. */

struct compose_mailbox {
	struct span name; /* of a person, UTF-8; empty: none */
	struct span address;
	bool is_quoted;    /* the name stands in quotes, though it may not need them */
	bool is_bracketed; /* the address stands in angle brackets, though it may have no name */
};

/* A field of unstructured text: folded, encoded (RFC 2047) where it is not ASCII. Control
 * characters become blanks; what is no UTF-8 is left out. */
void compose_text(struct bytes *to, const char *name, struct span text);
/* A field of words that are no text for people (msg-ids, parameters): only folded at blanks. */
void compose_words(struct bytes *to, const char *name, struct span words);
/* An address list (RFC 5322 3.4). */
void compose_mailboxes(
    struct bytes *to, const char *name, const struct compose_mailbox *mailboxes, size_t count);
void compose_date(struct bytes *to, time_t when);

/* Content-Type, Content-Transfer-Encoding, the empty line and the text as plain text in UTF-8; as
 * quoted-printable where its lines are too long for mail. CR LF becomes LF, the last line is
 * ended. */
void compose_body(struct bytes *to, struct span text);

/* Multipart: the top field (with `type`, "multipart/report; report-type=x") and the empty line;
 * then for each part compose_part(), its own fields, an empty line and text; then the end.
 * The boundary is made from `id`, a Message-ID. */
void compose_multipart(struct bytes *to, const char *type, struct span id);
void compose_part(struct bytes *to, struct span id);
void compose_end(struct bytes *to, struct span id);
/* Text that comes from elsewhere, as it is but for its last line's end. Where a line of it could be
 * taken for our boundary it is indented. */
void compose_foreign(struct bytes *to, struct span id, struct span text);

/* "<digest.kind@domain>": the same for the same pieces, so that a message sent again because
 * nobody knew that it was is the same message. */
struct span compose_message_id(struct arena *arena, const char *kind, const struct span *pieces,
    size_t count, struct span domain);

/* In-Reply-To and References (RFC 5322 3.6.4) of an answer to a message with this head, where it
 * has a Message-ID. Of long References the first and the last are taken. */
void compose_threading(struct bytes *to, struct span head);
/* The first msg-id in a field's value, with its brackets; null data: there is none. */
struct span compose_find_id(struct span value);

/* The message; `text` is cleared. */
struct message *compose_finish(struct arena *arena, struct bytes *text);

#endif
