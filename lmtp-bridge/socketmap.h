#ifndef LMTP_BRIDGE_SOCKETMAP_H
#define LMTP_BRIDGE_SOCKETMAP_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* The socketmap protocol of Postfix and Sendmail, the server's side (socketmap_table(5)): requests
 * and replies are netstrings, "LENGTH:BYTES,". Pure.
 *
 *	request	name SP key		reply	"OK " data | "NOTFOUND " | "TEMP " text | "PERM "
 *text */

/* A longer request is not one. */
#define SOCKETMAP_MAX 10000

enum socketmap_answer {
	SOCKETMAP_NONE,  /* it is not whole yet */
	SOCKETMAP_ASK,   /* `key_out` is asked for, `used_out` bytes are its request */
	SOCKETMAP_WRONG, /* this is no socketmap client */
};

/* Looks at the first request in `in`. */
enum socketmap_answer socketmap_take(struct span in, struct span *key_out, size_t *used_out);

/* Appends the reply: found, where `data` has any, else not. */
void socketmap_reply(struct bytes *to, struct span data);

#endif
