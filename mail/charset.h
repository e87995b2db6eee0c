#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "base/bytes.h"

#include <stdbool.h>

/* Appends `text` of that charset (its MIME name) as UTF-8. Bytes that are none of the charset
 * become U+FFFD; broken UTF-8 (or ASCII) stays as it is. False, with nothing appended: the charset
 * is unknown. */
bool charset_append_utf8(struct bytes *to, struct span charset, struct span text);

#endif
