/* static.c - every name is a user, all with the uid, gid and home of the configuration.
 *
 * For sites whose MTA knows its recipients. There is no file and no witness: nothing can be down.
 */
#include "users/driver.h"

#include "base/memory.h"
#include "users/pattern.h"

#include <stdlib.h>

static void *static_open(const struct user_source_options *source,
    const struct users_options *options, struct status *status)
{
	(void)options;
	if (source->witness == NULL)
		return memory_new(1, 1); /* no state, but not null either */
	status_fail(status, CAUSE_CONFIGURATION,
	    "users \"%s\": a static source finds every name; remove \"witness\"", source->title);
	return NULL;
}

static enum user_answer static_lookup(void *state, struct arena *arena,
    const struct user_query *query, struct user_account *account_out, struct status *status)
{
	(void)state;
	(void)arena;
	(void)status;
	/* What would lead out of its directory is nobody's name, and no trouble of ours. */
	if (!pattern_is_path_part(query->local) ||
	    (query->domain.len > 0 && !pattern_is_path_part(query->domain)))
		return USER_UNKNOWN;
	*account_out = (struct user_account){
	    .name = query->name,
	    .uid = -1,
	    .gid = -1,
	    .home = SPAN(""),
	    .where = "static",
	};
	return USER_FOUND;
}

const struct user_driver user_driver_static = {
    .name = "static",
    .needs = USER_NEEDS_IDS,
    .is_for_everyone = true,
    .open = static_open,
    .lookup = static_lookup,
    .close = free,
};
