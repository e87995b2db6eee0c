#ifndef LMTP_BRIDGE_TLS_MODULE_H
#define LMTP_BRIDGE_TLS_MODULE_H

#include "base/bytes.h"
#include "base/module.h"

#include <stdbool.h>
#include <stddef.h>

/* What lmtp-tls.so gives: the server's side of TLS over a descriptor that does not block. */
#define TLS_MODULE "lmtp-tls"

struct tls_files {
	struct span certificate; /* PEM, with the chain behind it */
	struct span key;
	struct span client_ca;  /* empty: none */
	bool wants_certificate; /* clients are asked for theirs */
	bool needs_tls13;
	const char *ciphers; /* of TLS 1.2, as OpenSSL writes them; "": its own choice */
};

enum tls_result { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_CLOSED };

/* What is known of the connection, and of the client, when the handshake is done. */
struct tls_facts {
	char version[16];
	char cipher[64];
	bool has_certificate;
	bool is_verified;     /* by client_ca */
	char fingerprint[65]; /* SHA-256 in lower case; "" without certificate */
};

struct tls_module {
	struct module module;
	/* Null: `why` says what is wrong with the files. */
	void *(*context_new)(const struct tls_files *files, char *why, size_t why_size);
	void (*context_free)(void *context);

	void *(*begin)(void *context, int fd);
	enum tls_result (*handshake)(void *tls, char *why, size_t why_size);
	enum tls_result (*read)(void *tls, char *data, size_t size, size_t *got_out);
	enum tls_result (*write)(void *tls, const char *data, size_t len, size_t *wrote_out);
	void (*facts)(void *tls, struct tls_facts *facts_out);
	/* Says goodbye, without waiting, and frees. */
	void (*end)(void *tls);
};

#endif
