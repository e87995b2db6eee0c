#ifndef LMTP_BRIDGE_LMTP_REPLY_H
#define LMTP_BRIDGE_LMTP_REPLY_H

#include "base/bytes.h"

#include <stdbool.h>

/* RFC 5321 4.5.3.1.5, with CR LF. */
#define LMTP_REPLY_LINE_MAX 512

/* Appends one reply. `text` may have lines (LF) and be of any length: what does not fit becomes
 * more lines of the same reply, each with the enhanced code (RFC 2034), none longer than
 * LMTP_REPLY_LINE_MAX. Without `has_utf8` (RFC 6531 3.7.4.2: the client must have said SMTPUTF8)
 * or where `text` is no UTF-8, each byte that is not ASCII becomes "?"; control characters
 * always do. `enhanced` may be "". */
void lmtp_reply_append(
    struct bytes *to, int code, const char *enhanced, struct span text, bool has_utf8);

#endif
