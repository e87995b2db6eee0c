/* lmtp_data.c - from the bytes after DATA to the bytes of the message. */
#include "lmtp-bridge/lmtp_data.h"

#include <string.h>

/* One byte of text, in whatever state a line can be that is not at a dot. */
static enum lmtp_data_state after(enum lmtp_data_state state, char byte)
{
	if (byte == '\r')
		return LMTP_DATA_CR;
	return byte == '\n' && state == LMTP_DATA_CR ? LMTP_DATA_LINE_START : LMTP_DATA_MIDDLE;
}

/* Text up to a dot at the start of a line, or to the end of the bytes. */
static size_t take_text(struct lmtp_data *data, const char *in, size_t len)
{
	size_t i = 0;
	while (i < len && !(data->state == LMTP_DATA_LINE_START && in[i] == '.')) {
		data->state = after(data->state, in[i++]);
		if (data->state == LMTP_DATA_MIDDLE) {
			const char *cr = memchr(in + i, '\r', len - i);
			i = cr == NULL ? len : (size_t)(cr - in);
		}
	}
	return i;
}

size_t lmtp_data_step(struct lmtp_data *data, const char *in, size_t len, struct span *text_out)
{
	*text_out = (struct span){in, 0};
	if (len == 0)
		return 0;
	switch (data->state) {
	case LMTP_DATA_END:
		return 0;
	case LMTP_DATA_DOT:
		/* A dot with more behind it was put in by the client: it is gone. */
		data->state = in[0] == '\r' ? LMTP_DATA_DOT_CR : LMTP_DATA_MIDDLE;
		text_out->len = in[0] == '\r' ? 0 : 1;
		return 1;
	case LMTP_DATA_DOT_CR:
		if (in[0] == '\n') {
			data->state = LMTP_DATA_END;
			return 1;
		}
		/* Not the end: the CR that was held back is text. `in` is looked at again. */
		data->state = LMTP_DATA_CR;
		*text_out = SPAN("\r");
		return 0;
	case LMTP_DATA_LINE_START:
		if (in[0] == '.') {
			data->state = LMTP_DATA_DOT;
			return 1;
		}
		break;
	case LMTP_DATA_MIDDLE:
	case LMTP_DATA_CR:
		break;
	}
	text_out->len = take_text(data, in, len);
	return text_out->len;
}
