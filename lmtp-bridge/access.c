#include "lmtp-bridge/access.h"

#include "base/log.h"
#include "base/network.h"

#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

/* A proxy has its header ready when it connects. */
#define PROXY_TIMEOUT_MS 20000
/* In `trusted`: those without an address. */
#define UNIX_CLIENTS "unix"

bool access_check(const struct listen_settings *settings, struct status *status)
{
	struct network network;
	/* One of systemd may be either; what it is not finds nobody who is let in. */
	bool is_inet = strncmp(settings->title, "inet:", 5) == 0;
	for (size_t i = 0; i < settings->trusted.count; i++) {
		if (strcmp(settings->trusted.items[i], UNIX_CLIENTS) != 0 &&
		    !network_parse(span_of(settings->trusted.items[i]), &network))
			return status_fail(status, CAUSE_CONFIGURATION,
			    "%s: trusted: \"%s\" is no network like \"10.0.0.0/8\"",
			    settings->title, settings->trusted.items[i]);
	}
	for (size_t i = 0; i < settings->peers.count; i++) {
		if (getpwnam(settings->peers.items[i]) == NULL)
			return status_fail(status, CAUSE_CONFIGURATION,
			    "%s: peers: there is no user %s", settings->title,
			    settings->peers.items[i]);
	}
	if (settings->peers.count > 0 && is_inet)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "%s: peers are for unix sockets", settings->title);
	if (settings->proxy && is_inet && settings->trusted.count == 0)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: proxy needs trusted, the networks of the proxies", settings->title);
	return true;
}

static bool has_peer(const struct listen_settings *settings, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (settings->peers.count == 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0)
		return true;
	for (size_t i = 0; i < settings->peers.count; i++) {
		const struct passwd *account = getpwnam(settings->peers.items[i]);
		if (account != NULL && account->pw_uid == peer.uid)
			return true;
	}
	return false;
}

static bool is_trusted(const struct listen_settings *settings, const char *address)
{
	struct network network;
	for (size_t i = 0; i < settings->trusted.count; i++) {
		const char *item = settings->trusted.items[i];
		if (address[0] == '\0' ? strcmp(item, UNIX_CLIENTS) == 0
		                       : network_parse(span_of(item), &network) &&
		                             network_has(&network, span_of(address)))
			return true;
	}
	return false;
}

bool access_meet(
    const struct listen_settings *settings, struct connection *connection, bool *is_trusted_out)
{
	*is_trusted_out = settings != NULL && is_trusted(settings, connection->address);
	if (settings == NULL)
		return true;
	if (!has_peer(settings, connection->in_fd)) {
		log_write(LOG_LEVEL_WARNING, "%s: a client that is none of peers", settings->title);
		return false;
	}
	if (!settings->proxy)
		return true;
	bool is_proxy = *is_trusted_out || connection->address[0] == '\0';
	if (!is_proxy || connection_read_proxy(connection, PROXY_TIMEOUT_MS) != CONNECTION_FINE) {
		log_write(LOG_LEVEL_WARNING, "%s: [%s] is no proxy we trust", settings->title,
		    connection->address);
		return false;
	}
	*is_trusted_out = !connection->is_unknown && is_trusted(settings, connection->address);
	return true;
}
