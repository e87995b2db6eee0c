#include "base/sha256.h"

#include <string.h>

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
    0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
    0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3,
    0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
    0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
    0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
    0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void sha256_init(struct sha256 *sha)
{
	/* 5.3.3: of the square roots of the first eight. */
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	memcpy(sha->state, start, sizeof(start));
	sha->count = 0;
}

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

/* 6.2.2, step 1. */
static void schedule(const unsigned char *block, uint32_t words[64])
{
	for (size_t i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (size_t i = 16; i < 64; i++) {
		uint32_t a = words[i - 15];
		uint32_t b = words[i - 2];
		words[i] = words[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + words[i - 7] +
		           (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void add_block(struct sha256 *sha, const unsigned char *block)
{
	uint32_t words[64];
	uint32_t a = sha->state[0], b = sha->state[1], c = sha->state[2], d = sha->state[3];
	uint32_t e = sha->state[4], f = sha->state[5], g = sha->state[6], h = sha->state[7];
	schedule(block, words);
	for (size_t i = 0; i < 64; i++) {
		uint32_t one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
		               ((e & f) ^ (~e & g)) + constants[i] + words[i];
		uint32_t two =
		    (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		h = g, g = f, f = e, e = d + one;
		d = c, c = b, b = a, a = one + two;
	}
	const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
	for (size_t i = 0; i < 8; i++)
		sha->state[i] += sums[i];
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
	const unsigned char *from = data;
	size_t have = (size_t)(sha->count % sizeof(sha->block));
	sha->count += len;
	while (len > 0) {
		size_t part = sizeof(sha->block) - have;
		if (have == 0 && len >= sizeof(sha->block)) {
			add_block(sha, from);
		} else {
			part = part < len ? part : len;
			memcpy(sha->block + have, from, part);
			have += part;
			if (have == sizeof(sha->block)) {
				add_block(sha, sha->block);
				have = 0;
			}
		}
		from += part;
		len -= part;
	}
}

void sha256_end(struct sha256 *sha, unsigned char digest_out[SHA256_BYTES])
{
	static const unsigned char padding[64] = {0x80};
	unsigned char bits[8];
	uint64_t count = sha->count;
	for (size_t i = 0; i < sizeof(bits); i++)
		bits[i] = (unsigned char)(count * 8 >> (56 - 8 * i));
	/* 5.1.1: to 56 bytes of a block, then the length in bits. */
	sha256_add(sha, padding, 1 + (119 - (size_t)(count % 64)) % 64);
	sha256_add(sha, bits, sizeof(bits));
	for (size_t i = 0; i < SHA256_BYTES; i++)
		digest_out[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}
