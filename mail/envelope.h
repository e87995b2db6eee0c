#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "mail/address.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What the client said about the message, apart from its text: MAIL and RCPT with parameters,
 * or deliver's options and environment. Spans that were not given have null data. */

enum envelope_body { ENVELOPE_BODY_UNSAID, ENVELOPE_BODY_7BIT, ENVELOPE_BODY_8BITMIME };
enum envelope_ret { ENVELOPE_RET_UNSAID, ENVELOPE_RET_FULL, ENVELOPE_RET_HDRS };

/* RFC 3461 NOTIFY. */
enum envelope_notify {
	ENVELOPE_NOTIFY_UNSAID = 0,
	ENVELOPE_NOTIFY_NEVER = 1,
	ENVELOPE_NOTIFY_SUCCESS = 2,
	ENVELOPE_NOTIFY_FAILURE = 4,
	ENVELOPE_NOTIFY_DELAY = 8,
};

/* RFC 2852 BY=: until when it is to be delivered, and what is to happen else. */
struct envelope_by {
	bool is_said;
	bool is_notify; /* the sender is told, and it goes on; else it is sent back */
	bool is_traced;
	time_t deadline;
};

struct envelope {
	struct address sender; /* text "" is the null sender, <> */
	uint64_t size_bytes;   /* SIZE=, 0 when unsaid */
	enum envelope_body body;
	enum envelope_ret ret;
	bool smtputf8;
	struct span envid; /* decoded from xtext */
	struct envelope_by by;

	/* Who spoke to us, for Received, the record and Sieve's environment. */
	struct span client_name; /* the name in LHLO, or "" */
	struct span client_address;
	struct span protocol; /* "LMTP", "UTF8LMTP"; null data: standard input */
	struct span queue_id; /* the MTA's, when it is known */

	/* Who brought the mail to the client that brings it to us, when a trusted one tells. */
	struct span origin_name;
	struct span origin_address;
};

struct envelope_recipient {
	struct address address;
	struct address original; /* ORCPT, -a, X-Original-To; text with null data when unknown */
	struct span orcpt;       /* the ORCPT parameter as it came, "rfc822;user@example.org" */
	unsigned notify;         /* of enum envelope_notify */
};

#endif
