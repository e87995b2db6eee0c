#include "lmtp-bridge/listener.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "lmtp-bridge/access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define UNIX_PREFIX "unix:"
#define INET_PREFIX "inet:"
#define SYSTEMD_PREFIX "systemd:"

static bool begins_with(const char *title, const char *prefix)
{
	return strncmp(title, prefix, strlen(prefix)) == 0;
}

static bool is_unix(const struct listen_settings *wanted)
{
	return begins_with(wanted->title, UNIX_PREFIX);
}

/* -- unix sockets ---------------------------------------------------------------------------- */

static bool find_owner(
    const struct listen_settings *wanted, uid_t *uid_out, gid_t *gid_out, struct status *status)
{
	struct passwd *owner = wanted->owner[0] == '\0' ? NULL : getpwnam(wanted->owner);
	struct group *group = wanted->group[0] == '\0' ? NULL : getgrnam(wanted->group);
	if (owner == NULL && wanted->owner[0] != '\0')
		return status_fail(status, CAUSE_CONFIGURATION, "%s: there is no user %s",
		    wanted->title, wanted->owner);
	if (group == NULL && wanted->group[0] != '\0')
		return status_fail(status, CAUSE_CONFIGURATION, "%s: there is no group %s",
		    wanted->title, wanted->group);
	*uid_out = owner == NULL ? (uid_t)-1 : owner->pw_uid;
	*gid_out = group == NULL ? (gid_t)-1 : group->gr_gid;
	return true;
}

static bool set_owner_of(int fd, const struct listen_settings *wanted, struct status *status)
{
	char self[40];
	struct stat stat;
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fd < 0 || fstat(fd, &stat) != 0 || !S_ISSOCK(stat.st_mode))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: somebody has put something else there", wanted->title);
	if (!find_owner(wanted, &uid, &gid, status))
		return false;
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		return status_errno(status, CAUSE_CONFIGURATION, errno, "%s: chown", wanted->title);
	/* A descriptor of this kind knows no fchmod(). */
	if ((stat.st_mode & 07777) != (mode_t)wanted->mode &&
	    chmod(self, (mode_t)wanted->mode) != 0)
		return status_errno(status, CAUSE_CONFIGURATION, errno, "%s: chmod", wanted->title);
	return true;
}

/* The directory is often an MTA's, who could put a link there and have root give away a file. */
static bool set_owner(const char *path, const struct listen_settings *wanted, struct status *status)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool is_set = set_owner_of(fd, wanted, status);
	if (fd >= 0)
		close(fd);
	return is_set;
}

/* Removes a socket file that nobody answers on. */
static bool clear_path(const struct sockaddr_un *address, const char *title, struct status *status)
{
	struct stat stat;
	if (lstat(address->sun_path, &stat) != 0)
		return true;
	if (!S_ISSOCK(stat.st_mode))
		return status_fail(
		    status, CAUSE_CONFIGURATION, "%s: there is a file that is no socket", title);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "%s: socket", title);
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	int error = errno;
	close(fd);
	/* EAGAIN: somebody listens and has much to do. */
	if (result == 0 || error != ECONNREFUSED)
		return status_fail(
		    status, CAUSE_CONFIGURATION, "%s: somebody listens there already", title);
	if (unlink(address->sun_path) != 0)
		return status_errno(status, CAUSE_CONFIGURATION, errno, "%s: unlink", title);
	return true;
}

static int open_unix(
    struct listener *listener, const struct listen_settings *wanted, struct status *status)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = wanted->title + strlen(UNIX_PREFIX);
	struct stat stat;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!clear_path(&address, wanted->title, status))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody may connect whom the mode does not let, not even for a moment. */
	mode_t before = umask(~(mode_t)wanted->mode & 0777);
	int result = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (result != 0) {
		status_errno(status, CAUSE_CONFIGURATION, errno, "%s: bind", wanted->title);
	} else if (set_owner(path, wanted, status)) {
		if (lstat(path, &stat) == 0) {
			listener->dev = stat.st_dev;
			listener->ino = stat.st_ino;
		}
		return fd;
	} else {
		unlink(path);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -- TCP ------------------------------------------------------------------------------------- */

struct inet_name {
	char host[256];
	char port[8];
};

/* inet:HOST:PORT, inet:[::1]:PORT, inet:*:PORT */
static bool split_inet(const char *title, struct inet_name *name)
{
	struct span text = span_of(title + strlen(INET_PREFIX));
	uint64_t number;
	size_t colon = span_find_last(text, ':');
	struct span host = span_first(text, colon);
	struct span port = span_from(text, colon + 1);
	if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
		host = span_first(span_from(host, 1), host.len - 2);
	if (host.len == 0 || host.len >= sizeof(name->host) || port.len >= sizeof(name->port) ||
	    !number_parse(port, 65535, &number))
		return false;
	snprintf(name->host, sizeof(name->host), "%.*s", (int)host.len, host.data);
	snprintf(name->port, sizeof(name->port), "%.*s", (int)port.len, port.data);
	return true;
}

static int bind_inet(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Null with a status. */
static struct addrinfo *find_inet(const struct listen_settings *wanted, struct status *status)
{
	struct inet_name name;
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	/* listeners_check() has seen that it can be split. */
	(void)split_inet(wanted->title, &name);
	int error =
	    getaddrinfo(strcmp(name.host, "*") == 0 ? NULL : name.host, name.port, &hints, &found);
	if (error == 0)
		return found;
	status_fail(status, CAUSE_CONFIGURATION, "%s: %s", wanted->title, gai_strerror(error));
	return NULL;
}

static int open_inet(const struct listen_settings *wanted, struct status *status)
{
	struct addrinfo *found = find_inet(wanted, status);
	if (found == NULL)
		return -1;
	int fd = bind_inet(found);
	if (fd < 0)
		status_errno(status, CAUSE_CONFIGURATION, errno, "%s: bind", wanted->title);
	freeaddrinfo(found);
	return fd;
}

/* -- systemd's ------------------------------------------------------------------------------- */

static bool is_bound_to_path(int fd, const char *path)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address) - 1;
	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.sun_family == AF_UNIX && strcmp(address.sun_path, path) == 0;
}

/* The wildcard of IPv6 listens for IPv4 as well. */
static bool is_any(const struct inet_name *name)
{
	return strcmp(name->host, "0.0.0.0") == 0 || strcmp(name->host, "::") == 0;
}

static bool name_address(const struct sockaddr *address, socklen_t len, struct inet_name *name_out)
{
	return getnameinfo(address, len, name_out->host, sizeof(name_out->host), name_out->port,
	           sizeof(name_out->port), NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

static bool is_bound_to_inet(int fd, const struct addrinfo *wanted)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	struct inet_name bound;
	struct inet_name name;
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
	    address.ss_family == AF_UNIX ||
	    !name_address((const struct sockaddr *)&address, len, &bound) ||
	    !name_address(wanted->ai_addr, wanted->ai_addrlen, &name))
		return false;
	return strcmp(bound.port, name.port) == 0 &&
	       (strcmp(bound.host, name.host) == 0 || (is_any(&bound) && is_any(&name)));
}

/* -1, without a status: it has none that is wanted. */
static int find_given(
    const struct systemd *systemd, const struct listen_settings *wanted, struct status *status)
{
	const char *title = wanted->title;
	bool needs_inet = systemd->socket_count > 0 && begins_with(title, INET_PREFIX);
	struct addrinfo *inet = needs_inet ? find_inet(wanted, status) : NULL;
	int fd = -1;
	for (size_t i = 0; i < systemd->socket_count && fd < 0; i++) {
		const struct systemd_socket *given = &systemd->sockets[i];
		bool is_it = false;
		if (begins_with(title, SYSTEMD_PREFIX))
			is_it = strcmp(title + strlen(SYSTEMD_PREFIX), given->name) == 0;
		else if (is_unix(wanted))
			is_it = is_bound_to_path(given->fd, title + strlen(UNIX_PREFIX));
		else if (inet != NULL)
			is_it = is_bound_to_inet(given->fd, inet);
		if (is_it)
			fd = given->fd;
	}
	if (inet != NULL)
		freeaddrinfo(inet);
	return fd;
}

/* -- all of them ----------------------------------------------------------------------------- */

static struct listener *find(const struct listeners *all, const char *title)
{
	for (size_t i = 0; all != NULL && i < all->count; i++) {
		if (all->items[i].fd >= 0 && strcmp(all->items[i].title, title) == 0)
			return &all->items[i];
	}
	return NULL;
}

static bool take_over(struct listener *listener, const struct listener *old,
    const struct listen_settings *wanted, struct status *status)
{
	listener->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 3);
	if (listener->fd < 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "%s: dup", wanted->title);
	listener->given_fd = old->given_fd;
	listener->dev = old->dev;
	listener->ino = old->ino;
	return old->given_fd >= 0 || !is_unix(wanted) ||
	       set_owner(wanted->title + strlen(UNIX_PREFIX), wanted, status);
}

static bool open_one(struct listener *listener, const struct listen_settings *wanted,
    const struct systemd *systemd, const struct listeners *old, struct status *status)
{
	const struct listener *same = find(old, wanted->title);
	if (same != NULL)
		return take_over(listener, same, wanted, status);
	int given_fd = find_given(systemd, wanted, status);
	struct listener given = {.fd = given_fd, .given_fd = given_fd};
	if (given_fd >= 0)
		return take_over(listener, &given, wanted, status);
	if (begins_with(wanted->title, SYSTEMD_PREFIX))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: systemd has given us no socket of that name", wanted->title);
	listener->fd =
	    is_unix(wanted) ? open_unix(listener, wanted, status) : open_inet(wanted, status);
	if (listener->fd < 0)
		return false;
	if (listen(listener->fd, BACKLOG) != 0)
		return status_errno(
		    status, CAUSE_CONFIGURATION, errno, "%s: listen", wanted->title);
	return true;
}

static bool check_one(const struct listen_settings *wanted, struct status *status)
{
	struct sockaddr_un address;
	struct inet_name name;
	uid_t uid;
	gid_t gid;
	const char *path = wanted->title + strlen(UNIX_PREFIX);
	if (!access_check(wanted, status))
		return false;
	if (begins_with(wanted->title, SYSTEMD_PREFIX))
		return true;
	if (!is_unix(wanted)) {
		bool is_inet = begins_with(wanted->title, INET_PREFIX);
		if (is_inet && split_inet(wanted->title, &name))
			return true;
		return status_fail(status, CAUSE_CONFIGURATION,
		    "listen \"%s\": unix:PATH, inet:HOST:PORT or systemd:NAME wanted",
		    wanted->title);
	}
	if (path[0] != '/' || strlen(path) >= sizeof(address.sun_path))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: the path must begin with / and have less than %zu bytes", wanted->title,
		    sizeof(address.sun_path));
	return find_owner(wanted, &uid, &gid, status);
}

static size_t wanted_count(const struct settings *settings)
{
	return settings->lmtp.listener_count + settings->policy.listener_count +
	       settings->srs.listener_count + settings->metrics.listener_count;
}

static const struct listen_settings *wanted_at(
    const struct settings *settings, size_t index, enum listener_kind *kind_out)
{
	const struct {
		enum listener_kind kind;
		const struct listen_settings *items;
		size_t count;
	} sections[] = {
	    {LISTENER_LMTP, settings->lmtp.listeners, settings->lmtp.listener_count},
	    {LISTENER_POLICY, settings->policy.listeners, settings->policy.listener_count},
	    {LISTENER_SRS, settings->srs.listeners, settings->srs.listener_count},
	    {LISTENER_METRICS, settings->metrics.listeners, settings->metrics.listener_count},
	};
	size_t i = 0;
	for (; index >= sections[i].count; i++)
		index -= sections[i].count;
	*kind_out = sections[i].kind;
	return &sections[i].items[index];
}

bool listeners_check(const struct settings *settings, struct status *status)
{
	enum listener_kind kind;
	if (wanted_count(settings) == settings->metrics.listener_count)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "no socket to listen on: say listen \"unix:/path\" {} in section lmtp");
	if (wanted_count(settings) > LISTENERS_MAX)
		return status_fail(status, CAUSE_CONFIGURATION, "more than %d sockets to listen on",
		    LISTENERS_MAX);
	for (size_t i = 0; i < wanted_count(settings); i++) {
		if (!check_one(wanted_at(settings, i, &kind), status))
			return false;
	}
	return true;
}

static bool open_all(const struct settings *settings, const struct systemd *systemd,
    const struct listeners *old, struct listeners *listeners, struct status *status)
{
	listeners->items = memory_new(wanted_count(settings), sizeof(listeners->items[0]));
	for (size_t i = 0; i < wanted_count(settings); i++) {
		enum listener_kind kind;
		const struct listen_settings *wanted = wanted_at(settings, i, &kind);
		struct listener *listener = &listeners->items[listeners->count++];
		*listener = (struct listener){.fd = -1,
		    .given_fd = -1,
		    .kind = kind,
		    .settings = wanted,
		    .title = memory_string(wanted->title)};
		if (!open_one(listener, wanted, systemd, old, status))
			return false;
	}
	return true;
}

void listeners_tell_unwanted(const struct listeners *listeners, const struct systemd *systemd)
{
	for (size_t i = 0; i < systemd->socket_count; i++) {
		const struct systemd_socket *given = &systemd->sockets[i];
		bool is_wanted = false;
		for (size_t j = 0; j < listeners->count; j++)
			is_wanted = is_wanted || listeners->items[j].given_fd == given->fd;
		if (!is_wanted)
			log_write(LOG_LEVEL_WARNING,
			    "no \"listen\" wants the socket \"%s\" that systemd has given us",
			    given->name);
	}
}

static void close_one(struct listener *listener, bool removes_file)
{
	struct stat stat;
	const char *path = listener->title + strlen(UNIX_PREFIX);
	if (listener->fd >= 0)
		close(listener->fd);
	/* Another instance may have put its own there. */
	if (removes_file && listener->ino != 0 && lstat(path, &stat) == 0 &&
	    stat.st_dev == listener->dev && stat.st_ino == listener->ino)
		unlink(path);
	free(listener->title);
}

bool listeners_open(const struct settings *settings, const struct systemd *systemd,
    struct listeners *old, struct listeners *listeners_out, struct status *status)
{
	struct listeners fresh = {0};
	bool is_open =
	    listeners_check(settings, status) && open_all(settings, systemd, old, &fresh, status);
	/* Of what was taken over the file stays, whoever closes it. */
	struct listeners *gone = is_open ? old : &fresh;
	const struct listeners *kept = is_open ? &fresh : old;
	for (size_t i = 0; gone != NULL && i < gone->count; i++) {
		if (find(kept, gone->items[i].title) != NULL)
			gone->items[i].ino = 0;
	}
	if (gone != NULL)
		listeners_close(gone, true);
	if (is_open)
		*listeners_out = fresh;
	return is_open;
}

void listeners_close(struct listeners *listeners, bool removes_files)
{
	for (size_t i = 0; i < listeners->count; i++)
		close_one(&listeners->items[i], removes_files);
	free(listeners->items);
	*listeners = (struct listeners){0};
}
