#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "base/bytes.h"

#include <stdbool.h>

/* Appends `text` of that charset (its MIME name) as UTF-8. False, with nothing appended: the
 * charset is unknown, or these bytes are none of it. */
bool charset_append_utf8(struct bytes *to, struct span charset, struct span text);

/* The same for text that is to be looked at whatever it holds: each byte that is none of the
 * charset becomes U+FFFD, but broken UTF-8 and text of an unknown charset stay as they are. */
void charset_append_lossy(struct bytes *to, struct span charset, struct span text);

#endif
