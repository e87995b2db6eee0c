#ifndef SIEVE_LITE_UNICODE_MODULE_H
#define SIEVE_LITE_UNICODE_MODULE_H

#include "base/module.h"

#include <stddef.h>
#include <stdint.h>

/* What libunistring knows, as the module unicode.so: linked to the programs it would cost every
 * start of them. */

/* No character becomes more of them; U+FDFA becomes 18. */
#define UNICODE_FOLDED_MAX 64

struct unicode_module {
	struct module module;
	/* The character in titlecase, then decomposed until nothing can be (RFC 5051 section 2,
	 * step 2). How many those are. */
	size_t (*fold)(uint32_t character, uint32_t folded_out[UNICODE_FOLDED_MAX]);
};

#endif
