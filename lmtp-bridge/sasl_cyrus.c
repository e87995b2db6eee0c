/* sasl_cyrus.c - AUTH by Cyrus SASL, as a module: only who asks for AUTH loads it. */
#include "lmtp-bridge/sasl_module.h"

#include <sasl/sasl.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION "lmtp-bridge"
#define SERVICE "lmtp"
/* TLS, to Cyrus SASL: strong enough for everything. */
#define TLS_STRENGTH 256

static int find_configuration(void *context, char **path)
{
	*path = context;
	return SASL_OK;
}

/* What it has to say is asked for where it matters. */
static int log_nothing(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
	return SASL_OK;
}

/* Cyrus SASL has one type for all callbacks. */
#define ANY(function) ((int (*)(void))(void (*)(void))(function))

static bool begin(const char *directory, char *why, size_t why_size)
{
	/* Cyrus SASL keeps the pointer. */
	static char path[4096];
	static sasl_callback_t callbacks[] = {
	    {SASL_CB_LOG, ANY(log_nothing), NULL},
	    {SASL_CB_GETCONFPATH, ANY(find_configuration), path},
	    {SASL_CB_LIST_END, NULL, NULL},
	};
	static bool has_begun;
	if (has_begun)
		sasl_server_done();
	snprintf(path, sizeof(path), "%s", directory);
	callbacks[1].id = directory[0] == '\0' ? SASL_CB_LIST_END : SASL_CB_GETCONFPATH;
	int result = sasl_server_init(callbacks, APPLICATION);
	has_begun = result == SASL_OK;
	if (!has_begun)
		snprintf(why, why_size, "%s", sasl_errstring(result, NULL, NULL));
	return has_begun;
}

static void *open_exchange(const char *hostname, bool is_secure)
{
	sasl_conn_t *sasl = NULL;
	sasl_ssf_t strength = TLS_STRENGTH;
	sasl_security_properties_t properties = {
	    .security_flags = SASL_SEC_NOANONYMOUS | (is_secure ? 0U : SASL_SEC_NOPLAINTEXT)};
	if (sasl_server_new(SERVICE, hostname, NULL, NULL, NULL, NULL, 0, &sasl) != SASL_OK)
		return NULL;
	if ((is_secure && sasl_setprop(sasl, SASL_SSF_EXTERNAL, &strength) != SASL_OK) ||
	    sasl_setprop(sasl, SASL_SEC_PROPS, &properties) != SASL_OK)
		sasl_dispose(&sasl);
	return sasl;
}

static const char *mechanisms(void *sasl)
{
	const char *names = NULL;
	int result = sasl_listmech(sasl, NULL, "", " ", "", &names, NULL, NULL);
	return result == SASL_OK && names != NULL ? names : "";
}

/* Only what the client has said wrong is its fault. */
static enum sasl_answer judge(int result)
{
	switch (result) {
	case SASL_OK:
		return SASL_GOOD;
	case SASL_CONTINUE:
		return SASL_MORE;
	case SASL_FAIL:
	case SASL_NOMEM:
	case SASL_BUFOVER:
	case SASL_TRYAGAIN:
	case SASL_UNAVAIL:
	case SASL_CONFIGERR:
		return SASL_CANNOT_TELL;
	default:
		return SASL_BAD;
	}
}

static enum sasl_answer step(void *sasl, const char *mechanism, bool has_response,
    struct span response, struct span *challenge_out)
{
	const char *in = has_response ? (response.data == NULL ? "" : response.data) : NULL;
	const char *out = NULL;
	unsigned in_len = (unsigned)response.len;
	unsigned out_len = 0;
	int result = mechanism != NULL
	                 ? sasl_server_start(sasl, mechanism, in, in_len, &out, &out_len)
	                 : sasl_server_step(sasl, in, in_len, &out, &out_len);
	*challenge_out = (struct span){out, out == NULL ? 0 : out_len};
	return judge(result);
}

static const char *user(void *sasl)
{
	const void *name = NULL;
	return sasl_getprop(sasl, SASL_USERNAME, &name) == SASL_OK && name != NULL ? name : "";
}

static const char *why(void *sasl)
{
	return sasl_errdetail(sasl);
}

static void close_exchange(void *sasl)
{
	sasl_conn_t *exchange = sasl;
	sasl_dispose(&exchange);
}

MODULE_EXPORT extern const struct sasl_module MODULE_RECORD;
const struct sasl_module MODULE_RECORD = {
    .module = {PACKAGE_VERSION, sizeof(struct sasl_module)},
    .begin = begin,
    .open = open_exchange,
    .mechanisms = mechanisms,
    .step = step,
    .user = user,
    .why = why,
    .close = close_exchange,
};
