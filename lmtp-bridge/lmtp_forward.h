#ifndef LMTP_BRIDGE_LMTP_FORWARD_H
#define LMTP_BRIDGE_LMTP_FORWARD_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>

/* What a trusted client tells about the client it speaks for: XFORWARD for the log, XCLIENT as if
 * that one were here itself (Postfix's XFORWARD_README and XCLIENT_README). Pure. */
struct lmtp_forward {
	/* Null data: not told; "": told that it is not known. */
	struct span name;
	struct span address;
	struct span port;
	struct span protocol;
	struct span helo;
	struct span ident;  /* the queue id there */
	struct span source; /* LOCAL or REMOTE */
	struct span login;
	struct span destination_address;
	struct span destination_port;
};

#define LMTP_XFORWARD_OFFER "NAME ADDR PORT PROTO HELO IDENT SOURCE"
#define LMTP_XCLIENT_OFFER "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

/* Understands the argument of XFORWARD, or of XCLIENT, and adds what it says to `forward`, whose
 * memory is in `arena`. False: `why_out` says why not, and nothing was added. */
bool lmtp_forward_parse(struct arena *arena, struct span argument, bool is_xclient,
    struct lmtp_forward *forward, const char **why_out);

/* What was told so far, with its memory. Zero-initialise it. */
struct lmtp_told {
	struct arena *arena;
	struct lmtp_forward forward;
};

/* Adds a copy of what `forward` tells; it outranks what was told before. */
void lmtp_told_add(struct lmtp_told *told, const struct lmtp_forward *forward);
void lmtp_told_clear(struct lmtp_told *told);

#endif
