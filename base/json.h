#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"

/* Appends a JSON string with its quotes (RFC 8259). Bytes that are no UTF-8 become U+FFFD, one
 * for each; control characters are escaped. */
void json_append_string(struct bytes *to, struct span text);

#endif
