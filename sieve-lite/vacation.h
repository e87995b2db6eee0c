#ifndef SIEVE_LITE_VACATION_H
#define SIEVE_LITE_VACATION_H

#include "sieve-lite/run.h"

/* Who is answered (RFC 5230 section 4.5 and 4.6, RFC 3834 section 2). Looks at the message and its
 * envelope, and asks nobody else. */

/* Why a message is not to be answered: a clause for records. Null: it is, and `own_out` is the
 * user's address that it was written to. `addresses` are the user's as well. */
const char *vacation_why_not(struct run *run, const struct address *addresses, size_t address_count,
    const struct address **own_out);

/* It says of itself that no person sent it (RFC 3834 section 5). */
bool vacation_is_auto_submitted(struct run *run);

#endif
