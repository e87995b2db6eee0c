/* supervisor_clients.c - who is let in: a process of their own for each client, within limits. */
#include "base/log.h"
#include "lmtp-bridge/supervisor_state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Clients of one listener that are let in before we look at anything else. */
#define ACCEPTS_MAX 16

union peer {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

/* "" for who comes through a unix socket. */
static void name_peer(const union peer *peer, char *to, size_t size)
{
	to[0] = '\0';
	if (peer->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &peer->v4.sin_addr, to, (socklen_t)size);
	if (peer->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &peer->v6.sin6_addr, to, (socklen_t)size);
}

/* Tells which limit. */
static bool is_over_limit(
    const struct supervisor *supervisor, const char *client, enum board_counter *counter_out)
{
	const struct lmtp_settings *lmtp = &supervisor->generations->settings->lmtp;
	size_t sessions = supervisor->table.counts[PROCESS_LMTP];
	*counter_out = BOARD_REFUSED_ALL;
	if (sessions >= lmtp->sessions)
		return true;
	*counter_out = BOARD_REFUSED_CLIENT;
	return lmtp->client_sessions > 0 && client[0] != '\0' &&
	       process_table_count_client(&supervisor->table, client) >= lmtp->client_sessions;
}

static void say_goodbye(int fd)
{
	static const char goodbye[] = "421 4.3.2 Too many connections, please try again later\r\n";
	(void)send(fd, goodbye, sizeof(goodbye) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool refuse(struct supervisor *supervisor, int fd, const char *client)
{
	enum board_counter counter;
	if (!is_over_limit(supervisor, client, &counter))
		return false;
	board_add(supervisor->board, counter, 1);
	log_write(LOG_LEVEL_WARNING, "client [%s] is sent away: lmtp.%s are in use", client,
	    counter == BOARD_REFUSED_ALL ? "sessions" : "client_sessions");
	say_goodbye(fd);
	return true;
}

static enum process_kind session_kind_of(enum listener_kind kind)
{
	static const enum process_kind kinds[] = {[LISTENER_LMTP] = PROCESS_LMTP,
	    [LISTENER_POLICY] = PROCESS_POLICY,
	    [LISTENER_SRS] = PROCESS_SRS};
	return kinds[kind];
}

/* False when there is nobody else. */
static bool accept_client(struct supervisor *supervisor, const struct listener *listener)
{
	union peer peer = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t len = sizeof(peer);
	char client[48];
	int on = 1;
	int fd = accept4(listener->fd, &peer.any, &len, SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	name_peer(&peer, client, sizeof(client));
	if (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bool is_lmtp = listener->kind == LISTENER_LMTP;
	if (is_lmtp && listener->settings->tls != LISTEN_TLS_NONE)
		tls_keys_renew(supervisor->generations->security.tls);
	if (!is_lmtp || !refuse(supervisor, fd, client)) {
		struct role role = {
		    .kind = session_kind_of(listener->kind),
		    .generation = supervisor->generations,
		    .in_fd = fd,
		    .out_fd = fd,
		    .listen = listener->settings,
		};
		bool is_served = supervisor_start(supervisor, role, client);
		if (!is_served && is_lmtp)
			say_goodbye(fd);
	}
	close(fd);
	return true;
}

bool supervisor_has_room(const struct supervisor *supervisor, enum listener_kind kind)
{
	return kind == LISTENER_LMTP || supervisor->table.counts[session_kind_of(kind)] <
	                                    supervisor->generations->settings->lmtp.sessions;
}

void supervisor_accept(struct supervisor *supervisor, const struct listener *listener)
{
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		if (!accept_client(supervisor, listener) || supervisor->is_child)
			return;
	}
}
