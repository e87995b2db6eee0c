#ifndef LMTP_BRIDGE_SASL_MODULE_H
#define LMTP_BRIDGE_SASL_MODULE_H

#include "base/bytes.h"
#include "base/module.h"

#include <stdbool.h>
#include <stddef.h>

/* What lmtp-sasl.so gives: the server's side of AUTH. */
#define SASL_MODULE "lmtp-sasl"

enum sasl_answer { SASL_GOOD, SASL_MORE, SASL_BAD, SASL_CANNOT_TELL };

struct sasl_module {
	struct module module;
	/* Loads the mechanisms; `directory` has lmtp-bridge.conf, "": where Cyrus SASL looks
	 * itself. It is kept. Again is fine. False: `why` says why not. */
	bool (*begin)(const char *directory, char *why, size_t why_size);

	/* One exchange at most; without `is_secure` no mechanism shows a password. */
	void *(*open)(const char *hostname, bool is_secure);
	/* Names with blanks between, owned by it; "" when there are none. */
	const char *(*mechanisms)(void *sasl);
	/* A step; a `mechanism` begins. SASL_MORE: `challenge_out` (owned by it) goes to the
	 * client. */
	enum sasl_answer (*step)(void *sasl, const char *mechanism, bool has_response,
	    struct span response, struct span *challenge_out);
	/* Who it is, or why it failed; owned by it. */
	const char *(*user)(void *sasl);
	const char *(*why)(void *sasl);
	void (*close)(void *sasl);
};

#endif
