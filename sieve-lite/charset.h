#ifndef SIEVE_LITE_CHARSET_H
#define SIEVE_LITE_CHARSET_H

#include "base/bytes.h"

#include <stdbool.h>

/* Appends `text` of that charset (its MIME name) as UTF-8. False, with nothing appended: the
 * charset is unknown, or these bytes are none of it. */
bool charset_append_utf8(struct bytes *to, struct span charset, struct span text);

#endif
