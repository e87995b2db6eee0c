#include "lmtp-bridge/secure.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Who tries passwords is slowed down. */
#define FAILURE_PAUSE_MS 2000

/* -- the supervisor's part ------------------------------------------------------------------- */

static bool needs_sasl(const struct settings *settings)
{
	for (size_t i = 0; i < settings->lmtp.listener_count; i++) {
		if (settings->lmtp.listeners[i].auth != LISTEN_AUTH_NONE)
			return true;
	}
	return false;
}

static bool load_sasl(
    struct security *security, const struct settings *settings, struct status *status)
{
	char why[512];
	security->sasl = (const struct sasl_module *)(const void *)module_load(
	    SASL_MODULE, sizeof(struct sasl_module), why, sizeof(why));
	if (security->sasl == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "no AUTH here: %s", why);
	if (!security->sasl->begin(settings->lmtp.sasl_path, why, sizeof(why)))
		return status_fail(status, CAUSE_CONFIGURATION, "Cyrus SASL: %s", why);
	return true;
}

bool security_load(
    struct security *security, const struct settings *settings, struct status *status)
{
	*security = (struct security){NULL, NULL};
	if (tls_keys_are_needed(settings)) {
		security->tls = tls_keys_new(&settings->tls, status);
		if (security->tls == NULL)
			return false;
	}
	return !needs_sasl(settings) || load_sasl(security, settings, status);
}

void security_clear(struct security *security)
{
	tls_keys_free(&security->tls);
}

/* -- the session's part ---------------------------------------------------------------------- */

/* A new exchange; what it can do under the present circumstances is what is offered. */
static void renew_exchange(struct secure *secure)
{
	struct lmtp_options *options = secure->options;
	struct auth_reply reply;
	options->mechanisms = "";
	if (secure->listen->auth == LISTEN_AUTH_NONE)
		return;
	auth_helper_open(&secure->helper, options->is_secure, &reply);
	if (secure->helper.fd >= 0 && reply.len < sizeof(secure->mechanisms)) {
		memcpy(secure->mechanisms, reply.text, reply.len);
		secure->mechanisms[reply.len] = '\0';
		options->mechanisms = secure->mechanisms;
	}
	if (options->mechanisms[0] == '\0' && options->is_secure)
		log_write(LOG_LEVEL_WARNING, "%s: Cyrus SASL has no mechanism for AUTH",
		    secure->listen->title);
}

static bool handshake(struct secure *secure)
{
	struct tls_facts facts;
	char why[256] = "";
	if (connection_start_tls(secure->connection, secure->security->tls, secure->timeout_ms,
	        &facts, why, sizeof(why)) != CONNECTION_FINE) {
		log_write(LOG_LEVEL_WARNING, "%s: [%s]: TLS: %s", secure->listen->title,
		    secure->connection->address, why[0] == '\0' ? "the client is gone" : why);
		return false;
	}
	secure->options->is_secure = true;
	secure->options->offers_tls = false;
	if (tls_keys_know(secure->security->tls, &facts))
		secure->options->needs_auth = false;
	log_write(LOG_LEVEL_DEBUG, "[%s]: %s %s, client certificate %s",
	    secure->connection->address, facts.version, facts.cipher,
	    facts.has_certificate ? facts.fingerprint : "none");
	return true;
}

/* The helper is not shut in, and what clients say goes through a library in it: it has neither our
 * keys nor a way to the client or to delivery processes. */
static void part(void *context)
{
	const struct secure *secure = context;
	const struct connection *connection = secure->connection;
	struct tls_keys *keys = secure->security->tls;
	close(connection->in_fd);
	if (connection->out_fd != connection->in_fd)
		close(connection->out_fd);
	close(secure->calling);
	tls_keys_free(&keys);
}

void secure_prepare(struct secure *secure)
{
	secure->helper.fd = -1;
	if (secure->listen != NULL && secure->listen->auth != LISTEN_AUTH_NONE &&
	    !auth_helper_start(
	        &secure->helper, secure->security->sasl, secure->options->hostname, part, secure))
		log_write(LOG_LEVEL_ERROR, "%s: no process for AUTH: %s", secure->listen->title,
		    strerror(errno));
}

bool secure_begin(struct secure *secure)
{
	struct lmtp_options *options = secure->options;
	const struct listen_settings *listen = secure->listen;
	options->mechanisms = "";
	if (listen == NULL)
		return true;
	options->offers_tls =
	    listen->tls == LISTEN_TLS_OPTIONAL || listen->tls == LISTEN_TLS_REQUIRED;
	options->needs_tls = listen->tls == LISTEN_TLS_REQUIRED;
	/* Networks we trust, and unix sockets, need no password. */
	options->needs_auth =
	    listen->auth == LISTEN_AUTH_REQUIRED && !options->is_trusted &&
	    (secure->connection->address[0] != '\0' || secure->connection->is_unknown);
	if (listen->tls == LISTEN_TLS_IMPLICIT && !handshake(secure))
		return false;
	renew_exchange(secure);
	return true;
}

bool secure_start_tls(struct secure *secure, struct lmtp *lmtp, size_t rest)
{
	if (rest > 0)
		log_write(LOG_LEVEL_WARNING, "[%s]: %zu bytes behind STARTTLS, ignored",
		    secure->connection->address, rest);
	if (!handshake(secure))
		return false;
	renew_exchange(secure);
	lmtp_secured(lmtp);
	return true;
}

void secure_auth(struct secure *secure, struct lmtp *lmtp, const struct lmtp_event *event)
{
	const char *address = secure->connection->address;
	struct auth_reply reply;
	struct span mechanism = event->mechanism;
	char name[64] = "";
	/* One that was cancelled or failed leaves nothing behind. */
	if (mechanism.data != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)mechanism.len, mechanism.data);
		renew_exchange(secure);
	}
	auth_helper_step(&secure->helper, span_of(name), event->has_response, event->text, &reply);
	struct span text = {reply.text, reply.len};
	switch (reply.answer) {
	case SASL_MORE:
		lmtp_challenge(lmtp, text);
		return;
	case SASL_GOOD:
		log_write(LOG_LEVEL_INFO, "[%s]: authenticated as %.*s", address, (int)text.len,
		    text.data);
		lmtp_authenticated(lmtp, LMTP_AUTH_GOOD);
		return;
	case SASL_CANNOT_TELL:
		log_write(LOG_LEVEL_ERROR, "[%s]: cannot authenticate: %.*s", address,
		    (int)text.len, text.data);
		lmtp_authenticated(lmtp, LMTP_AUTH_CANNOT_TELL);
		return;
	case SASL_BAD:
		log_write(LOG_LEVEL_WARNING, "[%s]: not authenticated: %.*s", address,
		    (int)text.len, text.data);
		connection_pause(FAILURE_PAUSE_MS);
		lmtp_authenticated(lmtp, LMTP_AUTH_BAD);
		return;
	}
}

void secure_end(struct secure *secure)
{
	auth_helper_stop(&secure->helper);
	connection_end_tls(secure->connection);
}
