#include "base/network.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool parse_address(struct span text, unsigned char bytes[16], bool *is_v4_out)
{
	char string[INET6_ADDRSTRLEN];
	if (text.len == 0 || text.len >= sizeof(string) ||
	    memchr(text.data, '\0', text.len) != NULL)
		return false;
	memcpy(string, text.data, text.len);
	string[text.len] = '\0';
	*is_v4_out = span_find(text, ':') == text.len;
	if (!*is_v4_out)
		return inet_pton(AF_INET6, string, bytes) == 1;
	memcpy(bytes, v4_prefix, sizeof(v4_prefix));
	return inet_pton(AF_INET, string, bytes + sizeof(v4_prefix)) == 1;
}

/* Whether the first `bits` of both are the same. */
static bool has_prefix(const unsigned char a[16], const unsigned char b[16], unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned mask = 0xFF00U >> (bits % 8) & 0xFF;
	return memcmp(a, b, whole) == 0 && (mask == 0 || (a[whole] & mask) == (b[whole] & mask));
}

bool network_parse(struct span text, struct network *network_out)
{
	static const unsigned char zeros[16] = {0};
	struct span address = span_first(text, span_find(text, '/'));
	uint64_t bits;
	bool is_v4;
	bool has_bits = address.len < text.len;
	struct span number = span_from(text, address.len + 1);
	if (address.len >= 2 && address.data[0] == '[' && address.data[address.len - 1] == ']')
		address = span_first(span_from(address, 1), address.len - 2);
	if (!parse_address(address, network_out->bytes, &is_v4))
		return false;
	bits = is_v4 ? 32 : 128;
	if (has_bits && !number_parse(number, bits, &bits))
		return false;
	network_out->bits = (unsigned)bits + (is_v4 ? 96 : 0);
	/* All that is behind the prefix must be zero. */
	unsigned char rest[16];
	memcpy(rest, network_out->bytes, sizeof(rest));
	for (unsigned i = 0; i < network_out->bits; i++)
		rest[i / 8] = (unsigned char)(rest[i / 8] & ~(0x80U >> i % 8));
	return memcmp(rest, zeros, sizeof(rest)) == 0;
}

bool network_has(const struct network *network, struct span address)
{
	unsigned char bytes[16];
	bool is_v4;
	return parse_address(address, bytes, &is_v4) &&
	       has_prefix(network->bytes, bytes, network->bits);
}

bool network_is_address(struct span text)
{
	unsigned char bytes[16];
	bool is_v4;
	return parse_address(text, bytes, &is_v4);
}
