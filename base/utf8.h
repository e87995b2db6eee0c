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
/* Makes '?' of control characters (U+0000 to U+001F, U+007F to U+009F), which a terminal obeys;
 * everything else stays, also what is no UTF-8. */
void utf8_hide_controls(char *text, size_t len);
/* Appends one character (U+FFFD for what is none). */
void utf8_append(struct bytes *to, uint32_t character);

#endif
