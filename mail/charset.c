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

/* What follows a byte that is none of the charset is tried anew. */
static void convert(iconv_t converter, struct bytes *to, struct span text)
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
		bool is_full = result == (size_t)-1 && errno == E2BIG;
		if (is_last && !is_full)
			return;
		if (result == (size_t)-1 && !is_full) {
			utf8_append(to, UINT32_MAX);
			in++;
			in_left--;
		}
	}
}

static bool append_by_iconv(struct bytes *to, struct span charset, struct span text)
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
	if (converter == (iconv_t)-1)
		return false;
	convert(converter, to, text);
	iconv_close(converter);
	return true;
}

bool charset_append_utf8(struct bytes *to, struct span charset, struct span text)
{
	static const char *const unicode[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", NULL};
	static const char *const latin1[] = {"ISO-8859-1", "Latin1", NULL};
	if (text.len == 0)
		return true;
	if (is_one_of(charset, latin1))
		append_latin1(to, text);
	else if (is_one_of(charset, unicode))
		bytes_append_span(to, text);
	else
		return append_by_iconv(to, charset, text);
	return true;
}
