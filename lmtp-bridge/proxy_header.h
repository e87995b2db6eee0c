#ifndef LMTP_BRIDGE_PROXY_HEADER_H
#define LMTP_BRIDGE_PROXY_HEADER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* What HAProxy and others say before anything else on a connection: whose it is (the PROXY
 * protocol, versions 1 and 2). Pure. */
#define PROXY_HEADER_MAX 4096

struct proxy_header {
	bool is_local;   /* the proxy's own connection */
	bool is_unknown; /* somebody's of whom it says nothing that we understand */
	char source[64];
};

/* How many more bytes are to be read before looking again, never one behind the header; 0: it is
 * whole, or this is none. Less than PROXY_HEADER_MAX in all. */
size_t proxy_header_wants(struct span so_far);

/* Understands a whole one; false: it is none. */
bool proxy_header_parse(struct span header, struct proxy_header *header_out);

#endif
