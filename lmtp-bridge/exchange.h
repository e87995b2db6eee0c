#ifndef LMTP_BRIDGE_EXCHANGE_H
#define LMTP_BRIDGE_EXCHANGE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/envelope.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a session asks a delivery process and what it is answered, as bytes. Neither side trusts
 * the other: whatever arrives is checked as if a client had sent it. Pure. */
enum exchange_kind {
	EXCHANGE_ADMIT,   /* may mail come to the one recipient? */
	EXCHANGE_DELIVER, /* the message, to each recipient */
};

#define EXCHANGE_ID_MAX 64

struct exchange_request {
	enum exchange_kind kind;
	bool is_probe;
	const char *id;
	int64_t deadline_ms; /* clock.h: when the pipeline must have ended */
	struct envelope envelope;
	const struct envelope_recipient *recipients;
	size_t recipient_count;

	/* DELIVER: the message is in a file whose descriptor goes along, or here in memory. */
	bool has_file;
	uint64_t size_bytes;
	uint64_t line_count;
	struct span message;
};

/* A request: its length first, in this many bytes. */
#define EXCHANGE_LENGTH_BYTES 8

/* Instead of a request, the length 0 says that the client has heard all answers that were told on
 * this line. Any request says so, too. */
void exchange_write(const struct exchange_request *request, struct bytes *to);
/* The length of what follows the length. */
uint64_t exchange_length(const char length[EXCHANGE_LENGTH_BYTES]);
/* Understands what follows it; everything borrows from `body` and `arena`. False: not a request
 * that a session of ours can have sent. */
bool exchange_read(struct arena *arena, struct span body, struct exchange_request *request_out);

/* An answer: what became of one recipient of the request. They come in any order. */
struct exchange_answer {
	uint64_t index;
	uint64_t user_key; /* ADMIT: board_user_key() of who it is; 0: unknown */
	struct status status;
};

/* The index of a farewell: the delivery process closes the line, and has not looked at what was
 * asked since its last answer. The rest of such an answer means nothing. */
#define EXCHANGE_FAREWELL UINT64_MAX

/* Makes sure that an answer is one (a farewell is not): its texts end and its codes exist. */
bool exchange_is_answer(const struct exchange_answer *answer, size_t recipient_count);

/* Times of an exchange whose session stops waiting at `end_ms`, in this order: the pipeline's own
 * deadline, then the delivery process is killed, then the session answers for it. */
struct exchange_times {
	int64_t pipeline_ms;
	int64_t kill_ms;
};
struct exchange_times exchange_times(int64_t end_ms, uint64_t timeout_s);

#endif
