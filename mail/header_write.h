#ifndef MAIL_HEADER_WRITE_H
#define MAIL_HEADER_WRITE_H

#include "base/bytes.h"

#include <stdbool.h>

/* True for UTF-8 without control characters but blanks and line ends. */
bool header_value_is_valid(struct span value);

/* Appends a header field of unstructured text (UTF-8), lines ended by LF: what is not plain ASCII
 * is written as encoded words (RFC 2047), long lines are folded where a blank stands. No line end
 * in `value` can begin another field. False, with nothing appended: it is not valid UTF-8 or has a
 * NUL. */
bool header_write(struct bytes *to, struct span name, struct span value);

#endif
