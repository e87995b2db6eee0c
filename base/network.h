#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/bytes.h"

#include <stdbool.h>

/* Networks as configurations name them: "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "[::1]". */
struct network {
	unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d, so that a mapped address is the same */
	unsigned bits;           /* how many of them count */
};

/* False: none, or bits behind the prefix are set (then it is probably not what was meant). */
bool network_parse(struct span text, struct network *network_out);

/* Whether `address`, an IP address without brackets, lies in it; one that is none does not. */
bool network_has(const struct network *network, struct span address);

/* Whether `text` is an IP address; false: none. */
bool network_is_address(struct span text);

#endif
