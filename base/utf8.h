#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */

/* Takes the next character off `rest`; false, with `rest` untouched, when it is empty or does
 * not start with a valid one. */
bool utf8_next(struct span *rest, uint32_t *character_out);
bool utf8_is_valid(struct span text);
/* True when no byte has the high bit set. */
bool utf8_is_ascii(struct span text);
/* Appends one character (U+FFFD for what is none). */
void utf8_append(struct bytes *to, uint32_t character);

#endif
