#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>

/* The header block of a message: lines ended by LF, fields folded as RFC 5322 2.2.3 says. */
struct header_field {
	struct span whole; /* all its lines, the last LF included */
	struct span name;  /* without colon and the blanks some put before it */
	struct span value; /* raw: behind the colon, folds and blanks as they came, no last LF */
};

/* Takes the next field off `rest` (start with a message's head). Lines that are no fields (a
 * "From " line in the middle, garbage) are passed over. False at the empty line or the end. */
bool header_next(struct span *rest, struct header_field *field_out);

/* True for a field-name (RFC 5322 3.6.8: printable ASCII but colon) of at least one byte. */
bool header_name_is_valid(struct span name);

/* The first field of that name (ASCII case folded) in the block. */
bool header_find(struct span head, const char *name, struct header_field *field_out);

/* The value unfolded: each line end is removed (RFC 5322 2.2.3), a tab behind it becomes a space,
 * as people see it; blanks at both ends go too. Borrows where nothing had to be removed. */
struct span header_unfold(struct arena *arena, struct span value);

#endif
