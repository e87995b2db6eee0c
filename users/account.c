/* account.c - from what a source knows to a user who can get mail, the same for all sources.
 *
 * Whatever is wrong here is the administrator's to mend and so temporary. */
#include "users/driver.h"

#include "users/pattern.h"

#include <inttypes.h>

#define SPAN_ARGS(span) (int)(span).len, (span).data

static bool judge_ids(const struct user_account *account, const struct user_source_options *source,
    const struct users_options *options, struct user *user, struct status *status)
{
	int64_t uid = account->uid >= 0 ? account->uid : source->uid;
	int64_t gid = account->gid >= 0 ? account->gid : source->gid;
	if (uid < 0 || gid < 0)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: user \"%.*s\" has no %s, and users \"%s\" sets none", account->where,
		    SPAN_ARGS(account->name), uid < 0 ? "uid" : "gid", source->title);
	if (uid == 0)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: user \"%.*s\" has uid 0, and mail is never delivered as root: make it an "
		    "alias for a person in the MTA's aliases",
		    account->where, SPAN_ARGS(account->name));
	if ((uint64_t)uid < options->first_valid_uid)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: user \"%.*s\" has uid %" PRId64 ", below first_valid_uid (%" PRIu64
		    "): make it an alias in the MTA's aliases, or lower first_valid_uid",
		    account->where, SPAN_ARGS(account->name), uid, options->first_valid_uid);
	user->uid = (uid_t)uid;
	user->gid = (gid_t)gid;
	return true;
}

static bool judge_home(struct arena *arena, const struct user_account *account,
    const struct user_source_options *source, struct user *user, struct status *status)
{
	const char *why;
	const struct pattern_values values = {user->local, user->domain, user->uid};
	user->home = account->home.len > 0 ? account->home : SPAN("");
	if (account->home.len == 0 && source->home != NULL &&
	    !pattern_path(arena, source->home, &values, &user->home, &why))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: no home \"%s\" for user \"%.*s\": %s", account->where, source->home,
		    SPAN_ARGS(account->name), why);
	if (user->home.len > 0 && user->home.data[0] != '/')
		return status_fail(status, CAUSE_CONFIGURATION,
		    "%s: home \"%.*s\" of user \"%.*s\" does not begin with \"/\"", account->where,
		    SPAN_ARGS(user->home), SPAN_ARGS(account->name));
	return true;
}

static enum user_answer judge_delivery(
    const struct user_account *account, const struct user *user, struct status *status)
{
	struct span delivery = user_field(user, "delivery");
	if (delivery.data == NULL || span_is(delivery, "yes"))
		return USER_FOUND;
	if (span_is(delivery, "no") || span_is(delivery, "hold")) {
		bool is_disabled = span_is(delivery, "no");
		status_fail(status, is_disabled ? CAUSE_USER_DISABLED : CAUSE_USER_ON_HOLD,
		    "%s: delivery=%.*s", account->where, SPAN_ARGS(delivery));
		return is_disabled ? USER_DISABLED : USER_ON_HOLD;
	}
	status_fail(status, CAUSE_CONFIGURATION, "%s: delivery=%.*s: must be yes, no or hold",
	    account->where, SPAN_ARGS(delivery));
	return USER_CANNOT_TELL;
}

enum user_answer account_judge(struct arena *arena, const struct user_account *account,
    const struct user_source_options *source, const struct users_options *options,
    struct user *user_out, struct status *status)
{
	user_out->name = account->name;
	user_out->source = source->title;
	user_out->fields = account->fields;
	user_out->field_count = account->field_count;
	if (!judge_ids(account, source, options, user_out, status) ||
	    !judge_home(arena, account, source, user_out, status))
		return USER_CANNOT_TELL;
	return judge_delivery(account, user_out, status);
}
