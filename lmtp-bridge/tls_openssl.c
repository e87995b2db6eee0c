/* tls_openssl.c - TLS by OpenSSL, as a module: only who listens with TLS loads it. */
#include "lmtp-bridge/tls_module.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- memory ---------------------------------------------------------------------------------- */

/* OpenSSL leaves copies of a private key in what it frees, and every process that the supervisor
 * forks has that memory, whatever it frees itself. */
static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void release(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
	size_t had = memory == NULL ? 0 : malloc_usable_size(memory);
	void *fresh = size == 0 ? NULL : malloc(size);
	if (fresh == NULL && size > 0)
		return NULL;
	if (had > 0 && fresh != NULL)
		memcpy(fresh, memory, had < size ? had : size);
	release(memory, file, line);
	return fresh;
}

/* -- keys and certificates --------------------------------------------------------------------- */

static void tell(char *why, size_t why_size, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
	snprintf(why, why_size, "%s%s%s", what, reason == NULL ? "" : ": ",
	    reason == NULL ? "" : reason);
	ERR_clear_error();
}

/* Nobody is there to be asked for the password of a key. */
static int no_password(char *buf, int size, int is_for_writing, void *context)
{
	(void)buf;
	(void)size;
	(void)is_for_writing;
	(void)context;
	return 0;
}

static BIO *open_pem(struct span pem)
{
	return BIO_new_mem_buf(pem.data == NULL ? "" : pem.data, (int)pem.len);
}

static X509 *next_certificate(BIO *from)
{
	return PEM_read_bio_X509(from, NULL, no_password, NULL);
}

static bool use_certificate(SSL_CTX *context, struct span pem)
{
	BIO *from = open_pem(pem);
	X509 *certificate = next_certificate(from);
	bool is_good = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
	X509_free(certificate);
	while (is_good && (certificate = next_certificate(from)) != NULL)
		is_good = SSL_CTX_add0_chain_cert(context, certificate) == 1;
	BIO_free(from);
	if (is_good)
		ERR_clear_error();
	return is_good;
}

static bool use_key(SSL_CTX *context, struct span pem)
{
	BIO *from = open_pem(pem);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(from, NULL, no_password, NULL);
	bool is_good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
	EVP_PKEY_free(key);
	BIO_free(from);
	return is_good;
}

static bool use_client_ca(SSL_CTX *context, struct span pem)
{
	BIO *from = open_pem(pem);
	X509 *certificate;
	size_t count = 0;
	while ((certificate = next_certificate(from)) != NULL) {
		bool is_good =
		    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1 &&
		    SSL_CTX_add_client_CA(context, certificate) == 1;
		X509_free(certificate);
		count += is_good;
	}
	BIO_free(from);
	if (count > 0)
		ERR_clear_error();
	return count > 0;
}

/* Whether a client's certificate is good enough is judged when the handshake is done: the
 * fingerprint may be known without a CA. */
static int accept_any(int is_verified, X509_STORE_CTX *store)
{
	(void)is_verified;
	(void)store;
	return 1;
}

static bool configure(SSL_CTX *context, const struct tls_files *files, char *why, size_t why_size)
{
	static const unsigned char id[] = "lmtp-bridge";
	SSL_CTX_set_min_proto_version(
	    context, files->needs_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(context,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
	if (files->wants_certificate)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
	if (files->ciphers[0] != '\0' && SSL_CTX_set_cipher_list(context, files->ciphers) != 1)
		tell(why, why_size, "tls.ciphers");
	else if (!use_certificate(context, files->certificate))
		tell(why, why_size, "tls.certificate");
	else if (!use_key(context, files->key) || SSL_CTX_check_private_key(context) != 1)
		tell(why, why_size, "tls.key");
	else if (files->client_ca.len > 0 && !use_client_ca(context, files->client_ca))
		tell(why, why_size, "tls.client_ca");
	else
		return true;
	return false;
}

static void *context_new(const struct tls_files *files, char *why, size_t why_size)
{
	/* Possible only before it has allocated anything: the first time. */
	(void)CRYPTO_set_mem_functions(allocate, reallocate, release);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (context == NULL) {
		tell(why, why_size, "OpenSSL");
		return NULL;
	}
	if (!configure(context, files, why, why_size)) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

static void context_free(void *context)
{
	SSL_CTX_free(context);
}

static void *begin(void *context, int fd)
{
	SSL *tls = SSL_new(context);
	if (tls != NULL && SSL_set_fd(tls, fd) != 1) {
		SSL_free(tls);
		tls = NULL;
	}
	return tls;
}

/* What a call of OpenSSL that ended with `result` means. */
static enum tls_result judge(SSL *tls, int result)
{
	if (result > 0)
		return TLS_DONE;
	switch (SSL_get_error(tls, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	default:
		return TLS_CLOSED;
	}
}

static enum tls_result handshake(void *tls, char *why, size_t why_size)
{
	ERR_clear_error();
	enum tls_result result = judge(tls, SSL_accept(tls));
	if (result == TLS_CLOSED)
		tell(why, why_size, "handshake");
	return result;
}

static enum tls_result tls_read(void *tls, char *data, size_t size, size_t *got_out)
{
	ERR_clear_error();
	return judge(tls, SSL_read_ex(tls, data, size, got_out));
}

static enum tls_result tls_write(void *tls, const char *data, size_t len, size_t *wrote_out)
{
	ERR_clear_error();
	return judge(tls, SSL_write_ex(tls, data, len, wrote_out));
}

static void find_fingerprint(X509 *certificate, char text[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	text[0] = '\0';
	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		return;
	for (unsigned i = 0; i < len && i < 32; i++)
		snprintf(text + (size_t)i * 2, 3, "%02x", digest[i]);
}

static void facts(void *tls, struct tls_facts *facts_out)
{
	X509 *certificate = SSL_get_peer_certificate(tls);
	memset(facts_out, 0, sizeof(*facts_out));
	snprintf(facts_out->version, sizeof(facts_out->version), "%s", SSL_get_version(tls));
	snprintf(facts_out->cipher, sizeof(facts_out->cipher), "%s", SSL_get_cipher_name(tls));
	if (certificate == NULL)
		return;
	facts_out->has_certificate = true;
	facts_out->is_verified = SSL_get_verify_result(tls) == X509_V_OK;
	find_fingerprint(certificate, facts_out->fingerprint);
	X509_free(certificate);
}

static void end(void *tls)
{
	(void)SSL_shutdown(tls);
	SSL_free(tls);
}

MODULE_EXPORT extern const struct tls_module MODULE_RECORD;
const struct tls_module MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct tls_module)},
    .context_new = context_new,
    .context_free = context_free,
    .begin = begin,
    .handshake = handshake,
    .read = tls_read,
    .write = tls_write,
    .facts = facts,
    .end = end,
};
