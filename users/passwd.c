/* passwd.c - the users of the system, through NSS.
 *
 * Where nsswitch.conf names only local services, this process asks itself: that costs what reading
 * /etc/passwd costs and cannot hang. Beyond that a child process asks, so that the time limit
 * holds whatever the service's library does, and "no such user" is believed only with a witness:
 * sssd, nslcd and ypbind all say so while their directory is down. */
#include "users/driver.h"

#include "base/memory.h"
#include "users/nss.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct passwd_source {
	const struct user_source_options *source;
	uint64_t first_valid_uid;
	uint64_t timeout_ms;
};

static void *passwd_open(const struct user_source_options *source,
    const struct users_options *options, struct status *status)
{
	(void)status;
	struct passwd_source *state = memory_new(1, sizeof(*state));
	*state = (struct passwd_source){source, options->first_valid_uid, options->timeout_ms};
	return state;
}

/* Whether a remote service's "no such user" can be believed; users.c asks for the witness. */
static bool has_useful_witness(
    const struct passwd_source *state, const char *service, struct status *status)
{
	const char *title = state->source->title;
	const char *witness = state->source->witness;
	if (witness == NULL)
		return status_fail(status, CAUSE_CANNOT_TELL,
		    "users \"%s\": nsswitch.conf asks \"%s\", which says \"no such user\" also "
		    "when "
		    "it is down: set witness to a user that only it knows",
		    title, service);
	if (nss_is_local_user(nss_system(), span_of(witness)))
		return status_fail(status, CAUSE_CANNOT_TELL,
		    "users \"%s\": witness \"%s\" is in /etc/passwd and proves nothing about "
		    "\"%s\": "
		    "name a user that only it knows",
		    title, witness, service);
	return true;
}

static enum user_answer passwd_lookup(void *state_of, struct arena *arena,
    const struct user_query *query, struct user_account *account_out, struct status *status)
{
	const struct passwd_source *state = state_of;
	struct nss_user user;
	const char *service = nss_remote_service(nss_system(), arena);
	/* Such a name is never there, and services have been known to stumble over it. */
	if (span_find(query->name, ':') < query->name.len)
		return USER_UNKNOWN;
	if (!nss_find(nss_system(), arena, arena_text(arena, query->name),
	        service == NULL ? 0 : state->timeout_ms, &user, status))
		return USER_CANNOT_TELL;
	if (!user.is_known)
		return service == NULL || has_useful_witness(state, service, status)
		           ? USER_UNKNOWN
		           : USER_CANNOT_TELL;
	*account_out = (struct user_account){
	    .name = user.name,
	    .uid = user.uid,
	    .gid = user.gid,
	    .home = user.home,
	    .where = "passwd",
	};
	return USER_FOUND;
}

/* Passes over what is no person: root and the accounts below first_valid_uid. */
static bool walk_entries(const struct passwd_source *state, user_account_each *each, void *context,
    struct status *status)
{
	struct passwd *entry;
	while ((errno = 0, entry = getpwent()) != NULL) {
		if (entry->pw_uid == 0 || entry->pw_uid < state->first_valid_uid)
			continue;
		struct user_account account = {
		    .name = span_of(entry->pw_name),
		    .uid = entry->pw_uid,
		    .gid = entry->pw_gid,
		    .home = span_of(entry->pw_dir),
		    .where = "passwd",
		};
		if (!each(context, &account))
			return true;
	}
	/* ENOENT is how glibc says the end of some services' lists. */
	return errno == 0 || errno == ENOENT ||
	       status_errno(status, CAUSE_CANNOT_TELL, errno, "passwd: list the users");
}

static bool passwd_walk(
    void *state_of, user_account_each *each, void *context, struct status *status)
{
	const struct passwd_source *state = state_of;
	setpwent();
	bool done = walk_entries(state, each, context, status);
	endpwent();
	struct arena *arena = arena_new();
	const char *service = nss_remote_service(nss_system(), arena);
	if (done && service != NULL)
		done = status_fail(status, CAUSE_CANNOT_TELL,
		    "users \"%s\": \"%s\" of nsswitch.conf may not list all its users",
		    state->source->title, service);
	arena_free(&arena);
	return done;
}

const struct user_driver user_driver_passwd = {
    .name = "passwd",
    .open = passwd_open,
    .lookup = passwd_lookup,
    .walk = passwd_walk,
    .close = free,
};
