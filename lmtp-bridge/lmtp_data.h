#ifndef LMTP_BRIDGE_LMTP_DATA_H
#define LMTP_BRIDGE_LMTP_DATA_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* The text of a message as it comes after DATA (RFC 5321 4.5.2): takes out the dots that were put
 * in and finds the end. Only CR LF "." CR LF ends it, so nothing a message contains can end it
 * for us and not for the client. Pure; a byte at a time or all at once makes no difference. */
enum lmtp_data_state {
	LMTP_DATA_LINE_START, /* after CR LF; a zeroed structure stands at the start of the text */
	LMTP_DATA_MIDDLE,
	LMTP_DATA_CR,     /* in a line, seen CR */
	LMTP_DATA_DOT,    /* seen CR LF "." */
	LMTP_DATA_DOT_CR, /* seen CR LF "." CR */
	LMTP_DATA_END,
};

struct lmtp_data {
	enum lmtp_data_state state;
};

/* Takes bytes from `in` and returns how many. 0 with text: a byte that was held back turned out to
 * be text; 0 without: there was nothing, or the end was reached before. `text_out` is what belongs
 * to the message, perhaps nothing; it borrows from `in` or is constant. Line ends stay CR LF; bare
 * CR, bare LF, NUL and 8-bit are bytes like any other. The end is there when `data->state` is
 * LMTP_DATA_END; the rest of `in` is no text any more. */
size_t lmtp_data_step(struct lmtp_data *data, const char *in, size_t len, struct span *text_out);

#endif
