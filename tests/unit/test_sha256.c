#include "base/sha256.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* FIPS 180-4's examples, and lengths around the end of a block. */
static const struct row {
	const char *text;
	size_t times;
	const char *digest;
} rows[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
    {"a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
    {"a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
    {"a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
};

static void check(struct sha256 *sha, const struct row *row)
{
	unsigned char digest[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];
	sha256_end(sha, digest);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, row->digest);
}

START_TEST(rows_in_pieces)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sha256 sha;
		sha256_init(&sha);
		for (size_t k = 0; k < rows[i].times; k++)
			sha256_add(&sha, rows[i].text, strlen(rows[i].text));
		check(&sha, &rows[i]);
	}
}
END_TEST

START_TEST(in_one_piece)
{
	static char text[1000000];
	memset(text, 'a', sizeof(text));
	for (size_t i = 3; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sha256 sha;
		sha256_init(&sha);
		sha256_add(&sha, text, rows[i].times);
		check(&sha, &rows[i]);
	}
}
END_TEST

UNIT_TESTS("sha256", rows_in_pieces, in_one_piece)
