#ifndef STORE_MUTF7_H
#define STORE_MUTF7_H

#include "base/bytes.h"

#include <stdbool.h>

/* Appends UTF-8 text in modified UTF-7 (RFC 3501 5.1.3), the form folder names have on disk:
 * "Entwürfe" is "Entw&APw-rfe", "R&D" is "R&-D". False, with nothing appended, when `text` is
 * not UTF-8. */
bool mutf7_append(struct bytes *to, struct span text);

/* The other way: appends the UTF-8 text of a name on disk. False, with something appended, when it
 * is not modified UTF-7 as mutf7_append() writes it: such a name has no text that would find it
 * again. */
bool mutf7_decode(struct bytes *to, struct span name);

#endif
