/* charset.c - text of any charset to UTF-8. The charsets of nearly all mail are done here, the
 * rest by the C library's iconv, which loads a table for each. */
#include "mail/charset.h"

#include "base/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#define CHARSET_NAME_MAX 64

static bool is_one_of(struct span charset, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (span_is_nocase(charset, *names))
			return true;
	}
	return false;
}

/* RFC 5228 2.7.2 wants Latin-1; every byte is a character of it. */
static void append_latin1(struct bytes *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		utf8_append(to, (unsigned char)text.data[i]);
}

/* iconv's interface takes the input as writable; it does not write. */
static char *unconst(const char *data)
{
	char *writable;
	memcpy(&writable, &data, sizeof(writable));
	return writable;
}

/* False at the first bytes that are no text of the charset, unless `is_lossy`. */
static bool convert(iconv_t converter, struct bytes *to, struct span text, bool is_lossy)
{
	char *in = unconst(text.data);
	size_t in_left = text.len;
	for (;;) {
		char buffer[512];
		char *out = buffer;
		size_t out_left = sizeof(buffer);
		/* The call without input, at the end, lets a stateful charset finish. */
		bool is_last = in_left == 0;
		size_t result = iconv(converter, is_last ? NULL : &in, &in_left, &out, &out_left);
		bytes_append(to, buffer, sizeof(buffer) - out_left);
		if (result == (size_t)-1 && errno != E2BIG) {
			if (!is_lossy)
				return false;
			utf8_append(to, UINT32_MAX);
			in++;
			in_left -= in_left > 0;
			if (in_left == 0)
				return true;
			continue;
		}
		if (result != (size_t)-1 && is_last)
			return true;
	}
}

static bool append_by_iconv(struct bytes *to, struct span charset, struct span text, bool is_lossy)
{
	char name[CHARSET_NAME_MAX];
	if (charset.len == 0 || charset.len >= sizeof(name))
		return false;
	/* Nothing but a name: "/" begins options of iconv's own. */
	for (size_t i = 0; i < charset.len; i++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+",
		        charset.data[i]) == NULL ||
		    charset.data[i] == '\0')
			return false;
		name[i] = charset.data[i];
	}
	name[charset.len] = '\0';
	iconv_t converter = iconv_open("UTF-8", name);
	size_t before = to->len;
	if (converter == (iconv_t)-1)
		return false;
	bool is_done = convert(converter, to, text, is_lossy);
	iconv_close(converter);
	if (!is_done)
		to->len = before;
	return is_done;
}

static const char *const unicode_names[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", NULL};

static bool append(struct bytes *to, struct span charset, struct span text, bool is_lossy)
{
	static const char *const latin1_names[] = {"ISO-8859-1", "Latin1", NULL};
	if (text.len == 0)
		return true;
	if (!is_one_of(charset, latin1_names))
		return append_by_iconv(to, charset, text, is_lossy);
	append_latin1(to, text);
	return true;
}

bool charset_append_utf8(struct bytes *to, struct span charset, struct span text)
{
	if (!is_one_of(charset, unicode_names))
		return append(to, charset, text, false);
	if (!utf8_is_valid(text))
		return false;
	bytes_append_span(to, text);
	return true;
}

void charset_append_lossy(struct bytes *to, struct span charset, struct span text)
{
	if (is_one_of(charset, unicode_names) || !append(to, charset, text, true))
		bytes_append_span(to, text);
}
