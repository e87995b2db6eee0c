/* unicode_module.c - the module unicode.so. It links nothing of ours. */
#include "sieve-lite/unicode_module.h"

#include <unicase.h>
#include <uninorm.h>

/* Unicode's own data end this: no character decomposes to itself. */
static size_t decompose(uint32_t character, uint32_t *out, size_t room)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;
	int count = uc_decomposition(character, &tag, parts);
	size_t len = 0;
	if (count <= 0 && room > 0)
		out[len++] = character;
	for (int i = 0; i < count; i++)
		len += decompose(parts[i], out + len, room - len);
	return len;
}

static size_t fold(uint32_t character, uint32_t folded_out[UNICODE_FOLDED_MAX])
{
	return decompose(uc_totitle(character), folded_out, UNICODE_FOLDED_MAX);
}

extern const struct unicode_module MODULE_RECORD;
MODULE_EXPORT const struct unicode_module MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct unicode_module)},
    .fold = fold,
};
