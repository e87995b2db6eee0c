/* proxy_header.c - the PROXY protocol (haproxy.org, proxy-protocol.txt).
 *
 *	version 1: "PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CR LF
 *	           "PROXY UNKNOWN" ... CR LF, 107 bytes at most
 *	version 2: signature (12 bytes), version and command, family, length (2 bytes), addresses */
#include "lmtp-bridge/proxy_header.h"

#include "base/network.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_MAX 107
#define V2_FIXED 16
#define FIRST_LOOK 12

static const char v2_signature[FIRST_LOOK + 1] = "\r\n\r\n\0\r\nQUIT\n";

static bool is_v2(struct span header)
{
	return header.len >= FIRST_LOOK && memcmp(header.data, v2_signature, FIRST_LOOK) == 0;
}

static size_t v2_length(struct span header)
{
	return V2_FIXED + (size_t)(unsigned char)header.data[14] * 256 +
	       (unsigned char)header.data[15];
}

size_t proxy_header_wants(struct span so_far)
{
	/* The shortest of both versions is longer. */
	if (so_far.len < FIRST_LOOK)
		return FIRST_LOOK - so_far.len;
	if (!is_v2(so_far)) {
		bool is_whole = so_far.data[so_far.len - 1] == '\n' || so_far.len >= V1_MAX ||
		                !span_starts_with(so_far, "PROXY ");
		return is_whole ? 0 : 1;
	}
	if (so_far.len < V2_FIXED)
		return V2_FIXED - so_far.len;
	size_t whole = v2_length(so_far);
	return whole > PROXY_HEADER_MAX || whole <= so_far.len ? 0 : whole - so_far.len;
}

static bool keep_address(struct span address, bool is_v6, struct proxy_header *header)
{
	bool has_colon = span_find(address, ':') < address.len;
	if (!network_is_address(address) || has_colon != is_v6 ||
	    address.len >= sizeof(header->source))
		return false;
	memcpy(header->source, address.data, address.len);
	header->source[address.len] = '\0';
	return true;
}

static bool parse_v1(struct span line, struct proxy_header *header)
{
	struct span word[6] = {{NULL, 0}};
	uint64_t port;
	size_t count = 0;
	if (!span_starts_with(line, "PROXY ") || line.len > V1_MAX || line.len < 2 ||
	    memcmp(line.data + line.len - 2, "\r\n", 2) != 0)
		return false;
	line = span_first(line, line.len - 2);
	header->is_unknown =
	    span_is(line, "PROXY UNKNOWN") || span_starts_with(line, "PROXY UNKNOWN ");
	if (header->is_unknown)
		return true;
	while (count < 6 && span_next_piece(&line, ' ', &word[count]))
		count++;
	bool is_v6 = span_is(word[1], "TCP6");
	return count == 6 && line.data == NULL && (is_v6 || span_is(word[1], "TCP4")) &&
	       keep_address(word[3], is_v6, header) && keep_address(word[2], is_v6, header) &&
	       number_parse(word[4], 65535, &port) && number_parse(word[5], 65535, &port);
}

#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_TCP4_BYTES 12
#define V2_TCP6_BYTES 36

static bool parse_v2(struct span header, struct proxy_header *out)
{
	if (header.len < V2_FIXED || header.len != v2_length(header))
		return false;
	unsigned command = (unsigned char)header.data[12];
	unsigned family = (unsigned char)header.data[13];
	const char *address = header.data + V2_FIXED;
	size_t len = header.len - V2_FIXED;
	if (command != V2_LOCAL && command != V2_PROXY)
		return false;
	out->is_local = command == V2_LOCAL;
	out->is_unknown = !out->is_local && family != V2_TCP4 && family != V2_TCP6;
	if (out->is_local || out->is_unknown)
		return true;
	if (len < (family == V2_TCP4 ? V2_TCP4_BYTES : V2_TCP6_BYTES))
		return false;
	return inet_ntop(family == V2_TCP4 ? AF_INET : AF_INET6, address, out->source,
	           sizeof(out->source)) != NULL;
}

bool proxy_header_parse(struct span header, struct proxy_header *header_out)
{
	*header_out = (struct proxy_header){0};
	return is_v2(header) ? parse_v2(header, header_out) : parse_v1(header, header_out);
}
