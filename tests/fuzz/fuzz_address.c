/* fuzz_address.c - any bytes as an envelope address: what is accepted is clean, means the same when
 * it is read again, and can be put together from its parts.
 * Build and run: tests/fuzz/run.sh fuzz_address 60 */
#include "mail/address.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_parts(struct arena *arena, const struct address *address)
{
	struct span quoted = address_quote_local(arena, address->local);
	struct bytes text = {0};
	struct address again;
	bytes_append_span(&text, quoted);
	if (address->domain.len > 0)
		bytes_append_byte(&text, '@');
	bytes_append_span(&text, address->domain);
	if (text.len <= ADDRESS_MAX) {
		assert(address_parse(arena, bytes_span(&text), &again, NULL));
		assert(span_equals(again.local, address->local));
		assert(span_equals(again.domain, address->domain));
	}
	bytes_clear(&text);
}

static void check_detail(struct span local)
{
	struct span user;
	struct span detail;
	address_split_detail(local, "+-", &user, &detail);
	if (detail.data == NULL)
		assert(span_equals(user, local));
	else
		assert(user.len > 0 && user.len + 1 + detail.len == local.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *arena = arena_new();
	struct address address;
	struct address again;
	const char *why = NULL;
	if (!address_parse(arena, (struct span){(const char *)data, len}, &address, &why)) {
		assert(why != NULL);
	} else {
		assert(address.text.len <= ADDRESS_MAX);
		for (size_t i = 0; i < address.text.len; i++)
			assert((unsigned char)address.text.data[i] >= ' ' &&
			       address.text.data[i] != 0x7F);
		assert(address_parse(arena, address.text, &again, NULL));
		assert(address_equals(&address, &again));
		if (address.text.len > 0)
			check_parts(arena, &address);
		check_detail(address.local);
	}
	arena_free(&arena);
	return 0;
}
