#include "lmtp-bridge/generation.h"

#include "base/memory.h"
#include "deliver/srs_keys.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool find_account(
    const char *setting, const char *name, struct account *account, struct status *status)
{
	errno = 0;
	struct passwd *found = getpwnam(name);
	if (found == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "lmtp.%s: there is no user %s%s%s",
		    setting, name, errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	if (found->pw_uid == 0)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "lmtp.%s: %s is root; name an ordinary account", setting, name);
	account->is_set = true;
	account->uid = found->pw_uid;
	account->gid = found->pw_gid;
	snprintf(account->name, sizeof(account->name), "%s", found->pw_name);
	return true;
}

static bool find_accounts(struct generation *generation, struct status *status)
{
	const struct lmtp_settings *lmtp = &generation->settings->lmtp;
	generation->is_per_recipient = lmtp->user[0] == '\0' && geteuid() == 0;
	if (generation->is_per_recipient && lmtp->session_user[0] == '\0')
		return status_fail(status, CAUSE_CONFIGURATION,
		    "lmtp.session_user is missing: name an account without rights that speaks with "
		    "clients (or lmtp.user, if all mail is stored as one account)");
	if (lmtp->user[0] != '\0' &&
	    !find_account("user", lmtp->user, &generation->delivery_account, status))
		return false;
	generation->session_account = generation->delivery_account;
	return lmtp->session_user[0] == '\0' || find_account("session_user", lmtp->session_user,
	                                            &generation->session_account, status);
}

static void find_hostname(struct generation *generation)
{
	snprintf(generation->hostname, sizeof(generation->hostname), "%s",
	    generation->settings->hostname);
	if (generation->hostname[0] == '\0' &&
	    gethostname(generation->hostname, sizeof(generation->hostname) - 1) != 0)
		snprintf(generation->hostname, sizeof(generation->hostname), "localhost");
}

static bool can_become(const struct account *account, struct status *status)
{
	if (!account->is_set || geteuid() == 0 || geteuid() == account->uid)
		return true;
	return status_fail(status, CAUSE_CONFIGURATION,
	    "only root can become %s; start as root or as %s", account->name, account->name);
}

bool generation_can_run(const struct generation *generation, struct status *status)
{
	return can_become(&generation->delivery_account, status) &&
	       can_become(&generation->session_account, status);
}

/* Here, because sessions can read no file. */
static bool load_srs(struct generation *generation, struct status *status)
{
	const struct srs_settings *settings = &generation->settings->srs;
	return settings->listener_count == 0 ||
	       srs_keys_load(generation->arena, settings, &generation->srs, status);
}

/* Programs of users may run as the same account, and must not read the keys out of our memory. What
 * we fork inherits it; what it executes does not. */
static void hide_keys(const struct generation *generation)
{
	if (generation->security.tls != NULL || generation->settings->srs.listener_count > 0)
		prctl(PR_SET_DUMPABLE, 0);
}

struct generation *generation_new(struct settings *settings, struct status *status)
{
	struct generation *generation = memory_new(1, sizeof(*generation));
	generation->settings = settings;
	generation->channel = (struct channel){-1, -1};
	find_hostname(generation);
	generation->arena = arena_new();
	if (!find_accounts(generation, status) || !load_srs(generation, status) ||
	    !security_load(&generation->security, settings, status)) {
		generation_free(&generation);
	} else if (channel_open(&generation->channel) != 0) {
		status_errno(status, CAUSE_INTERNAL, errno, "socketpair");
		generation_free(&generation);
	} else {
		hide_keys(generation);
	}
	return generation;
}

void generation_free(struct generation **generation)
{
	if (*generation == NULL)
		return;
	channel_close(&(*generation)->channel);
	security_clear(&(*generation)->security);
	srs_keys_forget(&(*generation)->srs);
	settings_free(&(*generation)->settings);
	arena_free(&(*generation)->arena);
	free(*generation);
	*generation = NULL;
}

void generation_retire(struct generation *generation)
{
	generation->is_retired = true;
	if (generation->channel.calling >= 0)
		close(generation->channel.calling);
	generation->channel.calling = -1;
}

bool generation_wants_more(const struct generation *generation, size_t free_count)
{
	bool is_needed = !generation->is_retired || generation->session_count > 0;
	return is_needed && !generation->is_per_recipient && free_count == 0 &&
	       generation->delivery_count < generation->settings->lmtp.delivery_processes;
}
