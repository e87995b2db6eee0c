#ifndef LMTP_BRIDGE_LMTP_LINE_H
#define LMTP_BRIDGE_LMTP_LINE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* Lines of a client: they end in CR LF and nothing else. Pure; a zeroed structure begins. */
struct lmtp_line {
	struct bytes bytes; /* not yet whole */
	bool is_too_long;
};

enum lmtp_line_end {
	LMTP_LINE_NOT_YET,
	LMTP_LINE_WHOLE,
	LMTP_LINE_TOO_LONG, /* whole, and forgotten */
	LMTP_LINE_BARE_LF,
};

/* Takes bytes up to the end of the line and returns how many. `max` is the longest line with its
 * end. `text_out` is the whole line without CR LF, valid until the next call. */
size_t lmtp_line_step(struct lmtp_line *line, const char *in, size_t len, size_t max,
    enum lmtp_line_end *end_out, struct span *text_out);

void lmtp_line_clear(struct lmtp_line *line);

#endif
