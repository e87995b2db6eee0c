/* user_sources.c - the sources of users that the configuration names. */
#include "deliver/user_sources.h"

#include "base/memory.h"
#include "base/number.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

/* "" is none; a number, or the name of an account or group. */
static bool account_id(
    const char *setting, const char *text, bool is_group, int64_t *id_out, struct status *status)
{
	uint64_t number;
	*id_out = -1;
	if (text[0] == '\0')
		return true;
	if (number_parse(span_of(text), UINT32_MAX - 1, &number)) {
		*id_out = (int64_t)number;
		return true;
	}
	const struct group *group = is_group ? getgrnam(text) : NULL;
	const struct passwd *account = is_group ? NULL : getpwnam(text);
	if (group == NULL && account == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "%s = \"%s\": there is no such %s",
		    setting, text, is_group ? "group" : "account");
	*id_out = is_group ? (int64_t)group->gr_gid : (int64_t)account->pw_uid;
	return true;
}

struct users *user_sources_open(const struct settings *settings, struct status *status)
{
	struct users *users = NULL;
	size_t count = settings->user_source_count;
	struct user_source_options *sources = memory_new(count, sizeof(*sources));
	bool is_good = true;
	for (size_t i = 0; is_good && i < count; i++) {
		const struct users_settings *from = &settings->users[i];
		sources[i] = (struct user_source_options){.title = from->title,
		    .driver = from->driver,
		    .path = from->path,
		    .username = from->username,
		    .witness = from->witness,
		    .home = from->home,
		    .domain = from->domain};
		is_good = account_id("users.uid", from->uid, false, &sources[i].uid, status) &&
		          account_id("users.gid", from->gid, true, &sources[i].gid, status);
	}
	struct users_options options = {.sources = sources,
	    .source_count = count,
	    .recipient_delimiter = settings->recipient_delimiter,
	    .fold_case = settings->fold_case,
	    .first_valid_uid = settings->first_valid_uid,
	    .timeout_ms = settings->lookup_timeout_s * 1000};
	if (is_good)
		users = users_open(&options, status);
	free(sources);
	return users;
}
