#include "lmtp-bridge/socketmap.h"

#include "base/number.h"

/* Of the longest length. */
#define DIGITS 5

enum socketmap_answer socketmap_take(struct span in, struct span *key_out, size_t *used_out)
{
	uint64_t size;
	size_t colon = span_find(span_first(in, DIGITS + 1), ':');
	if (colon == in.len && in.len <= DIGITS)
		return SOCKETMAP_NONE;
	if (colon > DIGITS || !number_parse(span_first(in, colon), SOCKETMAP_MAX, &size))
		return SOCKETMAP_WRONG;
	struct span rest = span_from(in, colon + 1);
	if (rest.len <= size)
		return SOCKETMAP_NONE;
	if (rest.data[size] != ',')
		return SOCKETMAP_WRONG;
	struct span request = span_first(rest, (size_t)size);
	*key_out = span_from(request, span_find(request, ' ') + 1);
	*used_out = colon + 1 + (size_t)size + 1;
	return SOCKETMAP_ASK;
}

void socketmap_reply(struct bytes *to, struct span data)
{
	if (data.len > 0)
		bytes_appendf(to, "%zu:OK %.*s,", data.len + 3, (int)data.len, data.data);
	else
		bytes_append_text(to, "9:NOTFOUND ,");
}
