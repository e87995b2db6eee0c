#ifndef SIEVE_LITE_MAILTO_H
#define SIEVE_LITE_MAILTO_H

#include "mail/compose.h"

/* A mailto URI (RFC 6068) as a notification is made from it (RFC 5436). */

struct mailto_recipient {
	struct compose_mailbox mailbox;
	bool is_copy; /* it belongs into Cc */
};

struct mailto_field {
	struct span name;
	struct span value;
};

struct mailto {
	struct mailto_recipient *recipients;
	size_t recipient_count;
	struct mailto_field *fields; /* without those that a URI must not set */
	size_t field_count;
	struct span subject; /* null data: it says none */
	struct span body;    /* null data: it says none */
	bool is_cut;         /* it has more than the limits allow, which was left out */
};

struct mailto_limits {
	size_t recipients;
	size_t fields;
};

/* Reads what stands behind "mailto:". False: it is no such URI; `*why_out` is a short constant
 * clause. Memory: `arena`. */
bool mailto_parse(struct arena *arena, struct span text, const struct mailto_limits *limits,
    struct mailto *mailto_out, const char **why_out);

#endif
