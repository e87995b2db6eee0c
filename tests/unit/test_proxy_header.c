/* Headers of the PROXY protocol, read as a connection would: only what is asked for. */
#include "lmtp-bridge/proxy_header.h"
#include "tests/unit/unit.h"

#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define ROW(name, header, source)                        \
	{                                                \
		name, header, sizeof(header) - 1, source \
	}
#define LOCAL "local"
#define UNKNOWN "unknown"

static const struct row {
	const char *name;
	const char *header;
	size_t len;
	const char *source; /* null: none; LOCAL: the proxy itself; UNKNOWN: it does not say */
} rows[] = {
    ROW("TCP4", "PROXY TCP4 192.0.2.1 127.0.0.1 65535 24\r\n", "192.0.2.1"),
    ROW("TCP6", "PROXY TCP6 2001:db8::1 ::1 1 24\r\n", "2001:db8::1"),
    ROW("UNKNOWN", "PROXY UNKNOWN\r\n", UNKNOWN),
    ROW("UNKNOWN with more", "PROXY UNKNOWN ffff::1 x 1 2\r\n", UNKNOWN),
    ROW("UNKNOWNX", "PROXY UNKNOWNX\r\n", NULL),
    ROW("v4 as v6", "PROXY TCP6 192.0.2.1 ::1 1 24\r\n", NULL),
    ROW("a name", "PROXY TCP4 localhost 127.0.0.1 1 24\r\n", NULL),
    ROW("a port too large", "PROXY TCP4 192.0.2.1 127.0.0.1 65536 24\r\n", NULL),
    ROW("a word missing", "PROXY TCP4 192.0.2.1 127.0.0.1 1\r\n", NULL),
    ROW("a word more", "PROXY TCP4 192.0.2.1 127.0.0.1 1 24 x\r\n", NULL),
    ROW("bare LF", "PROXY TCP4 192.0.2.1 127.0.0.1 1 24\n", NULL),
    ROW("an LMTP client", "LHLO client.test\r\n", NULL),
    ROW("an HTTP client", "GET / HTTP/1.0\r\n\r\n", NULL),
    ROW("v2 TCP4", V2 "\x21\x11\0\x0C\xC0\0\2\1\x7F\0\0\1\0\1\0\x18", "192.0.2.1"),
    ROW("v2 TCP4 with more", V2 "\x21\x11\0\x10\xC0\0\2\1\x7F\0\0\1\0\1\0\x18\3\0\1x", "192.0.2.1"),
    ROW("v2 TCP6",
        V2 "\x21\x21\0\x24\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\x18",
        "2001:db8::1"),
    ROW("v2 LOCAL", V2 "\x20\0\0\0", LOCAL),
    ROW("v2 unix", V2 "\x21\x31\0\1x", UNKNOWN),
    ROW("v2 too short", V2 "\x21\x11\0\x0B\xC0\0\2\1\x7F\0\0\1\0\1\0", NULL),
    ROW("v2 of version 3", V2 "\x31\x11\0\x0C\xC0\0\2\1\x7F\0\0\1\0\1\0\x18", NULL),
    ROW("v2 too long", V2 "\x21\x11\xFF\xFF", NULL),
};

static void check(const struct row *row)
{
	struct proxy_header header;
	struct span so_far = {row->header, 0};
	size_t wanted;
	while ((wanted = proxy_header_wants(so_far)) > 0 && so_far.len < row->len) {
		so_far.len += wanted;
		ck_assert_msg(so_far.len <= row->len, "%s: asked for more", row->name);
	}
	bool is_good = proxy_header_parse(so_far, &header);
	ck_assert_msg(is_good == (row->source != NULL), "%s", row->name);
	if (!is_good)
		return;
	ck_assert_uint_eq(so_far.len, row->len);
	ck_assert_msg(header.is_local == (strcmp(row->source, LOCAL) == 0), "%s", row->name);
	ck_assert_msg(header.is_unknown == (strcmp(row->source, UNKNOWN) == 0), "%s", row->name);
	if (!header.is_local && !header.is_unknown)
		ck_assert_str_eq(header.source, row->source);
}

START_TEST(headers_are_read_and_nothing_behind_them)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}
END_TEST

START_TEST(an_endless_line_is_given_up)
{
	char text[PROXY_HEADER_MAX];
	struct span so_far = {text, 0};
	size_t wanted;
	memset(text, ' ', sizeof(text));
	memcpy(text, "PROXY TCP4", 10);
	while ((wanted = proxy_header_wants(so_far)) > 0)
		so_far.len += wanted;
	ck_assert_uint_le(so_far.len, 107);
}
END_TEST

UNIT_TESTS("PROXY protocol", headers_are_read_and_nothing_behind_them, an_endless_line_is_given_up)
