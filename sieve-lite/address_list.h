#ifndef SIEVE_LITE_ADDRESS_LIST_H
#define SIEVE_LITE_ADDRESS_LIST_H

#include "base/arena.h"
#include "mail/address.h"

/* The addresses of a header value (RFC 5322 3.4), obsolete forms of section 4.4 included. */
struct listed_address {
	/* `text` is local part and domain alone, quoted as needed. Where the address is not valid
	 * it is the text that stands there, and the parts are empty. */
	struct address address;
	bool is_valid;
	struct span phrase; /* before the angle bracket, as it stands there; empty: nothing */
	struct listed_address *next;
};

/* All of them in order, of groups the members; names of people and groups, comments and routes
 * are passed over. `value` is unfolded or not, and borrowed. Null when it is empty. */
struct listed_address *address_list_parse(struct arena *arena, struct span value);

/* The one address of a text that is a mailbox: "user@example.org", "Name <user@example.org>"; no
 * route, no group (sieve-address, RFC 5228 2.4.2.3). False: it is none. */
bool address_list_one(struct arena *arena, struct span text, struct address *address_out);

/* The same, as SMTP has it: an address to send to. */
bool address_list_target(struct arena *arena, struct span text, struct address *address_out);

/* The name of the person, quotes undone and encoded words decoded; empty: none. */
struct span address_list_name(struct arena *arena, const struct listed_address *listed);

#endif
