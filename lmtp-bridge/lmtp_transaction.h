#ifndef LMTP_BRIDGE_LMTP_TRANSACTION_H
#define LMTP_BRIDGE_LMTP_TRANSACTION_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/envelope.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>

/* One transaction: the envelope, the recipients that were accepted, and the order in which their
 * replies are due. After the text there is one reply for every RCPT that was accepted, in their
 * order (RFC 2033 4.2), while a recipient named twice is delivered to once. Pure. */
struct lmtp_transaction {
	struct arena *arena; /* from MAIL to the last answer */
	struct envelope envelope;
	struct envelope_recipient *recipients; /* accepted, each once */
	struct span *replies;                  /* to each of them, as far as answered */
	size_t recipient_count;
	size_t recipient_capacity;
	size_t *mentions; /* for each accepted RCPT: which of `recipients` */
	size_t mention_count;
	size_t mention_capacity;
	size_t answered;         /* of `recipients` */
	size_t answered_mention; /* of `mentions` */
};

void lmtp_transaction_init(struct lmtp_transaction *transaction);
void lmtp_transaction_clear(struct lmtp_transaction *transaction);
/* Forgets all of it. */
void lmtp_transaction_reset(struct lmtp_transaction *transaction);

/* Copies what `envelope` borrows. */
void lmtp_transaction_begin(struct lmtp_transaction *transaction, const struct envelope *envelope);

/* The index of the recipient that was accepted with the same address and parameters, or
 * `recipient_count`. */
size_t lmtp_transaction_find(
    const struct lmtp_transaction *transaction, const struct envelope_recipient *wanted);
/* One more RCPT was accepted: for a recipient there is, or for a new one (copied). */
void lmtp_transaction_mention(struct lmtp_transaction *transaction, size_t index);
void lmtp_transaction_accept(
    struct lmtp_transaction *transaction, const struct envelope_recipient *recipient);

/* The reply that tells `status` of `address`, appended to `to`; `id` may be null. */
void lmtp_transaction_tell(const struct lmtp_transaction *transaction, const struct status *status,
    struct span address, const char *id, struct bytes *to);

/* Recipients without a status. */
size_t lmtp_transaction_due(const struct lmtp_transaction *transaction);
/* What became of the next of them; appends the replies that can be given now. */
void lmtp_transaction_answer(struct lmtp_transaction *transaction, const struct status *status,
    const char *id, struct bytes *to);

#endif
