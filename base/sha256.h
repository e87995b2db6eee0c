#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4), to know bytes again. Ours, because it is needed where a library would be
 * loaded for nothing else; no keys, no secrets. */
#define SHA256_BYTES 32

struct sha256 {
	uint32_t state[8];
	uint64_t count; /* bytes so far */
	unsigned char block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t len);
/* Nothing can be added afterwards. */
void sha256_end(struct sha256 *sha, unsigned char digest_out[SHA256_BYTES]);

#endif
