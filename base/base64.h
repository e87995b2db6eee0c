#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/bytes.h"

#include <stdbool.h>

/* Base 64 (RFC 4648 4), one run without line ends. */
void base64_encode(struct span from, struct bytes *to);

/* Appends what `text` means; false: not base 64, or not its only way to be written. */
bool base64_decode(struct span text, struct bytes *to);

#endif
