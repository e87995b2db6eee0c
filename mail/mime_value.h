#ifndef MAIL_MIME_VALUE_H
#define MAIL_MIME_VALUE_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>

/* The value of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2183 section 2):
 *
 *	type ["/" subtype] *(";" name "=" value)
 *
 * Blanks and comments may stand between. Parameters in pieces, with a charset or percent signs (RFC
 * 2231) are put together and become UTF-8. */
struct mime_parameter {
	struct span name; /* lower case */
	struct span value;
	struct mime_parameter *next;
};

struct mime_value {
	struct span type; /* lower case; of a disposition "attachment" and its like */
	struct span subtype;
	struct mime_parameter *parameters; /* in order; what is none is passed over */
};

/* Content-Type. False: it is no valid one, and counts as absent (RFC 2045 5.2). */
bool mime_value_type(struct arena *arena, struct span value, struct mime_value *value_out);
/* Content-Disposition. */
bool mime_value_disposition(struct arena *arena, struct span value, struct mime_value *value_out);

/* The first parameter of that name; null data: there is none. */
struct span mime_value_parameter(const struct mime_value *value, const char *name);

#endif
