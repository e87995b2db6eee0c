/* srs_openssl.c - the module srs.so: HMAC-SHA1 from OpenSSL. */
#include "deliver/srs_module.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static void hmac_sha1(const void *key, size_t key_len, const void *text, size_t len,
    unsigned char hash_out[SRS_HASH_BYTES])
{
	unsigned int hash_len = SRS_HASH_BYTES;
	/* Keys are lines of a file that is no longer than this by far. */
	int key_size = key_len > INT_MAX ? INT_MAX : (int)key_len;
	if (HMAC(EVP_sha1(), key, key_size, text, len, hash_out, &hash_len) == NULL)
		memset(hash_out, 0, SRS_HASH_BYTES);
}

extern const struct srs_module MODULE_RECORD;
MODULE_EXPORT const struct srs_module MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct srs_module)},
    .hmac = hmac_sha1,
};
