/* users.c - who a recipient is, asked of several sources in order.
 *
 * The first source that has an answer other than "unknown" ends the search: a source that cannot
 * tell might have the user, so nobody behind it is asked. Knows no format of any source. */
#include "users/users.h"

#include "base/memory.h"
#include "users/driver.h"
#include "users/pattern.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT_MS 30000

static const struct user_driver *const drivers[] = {
    &user_driver_passwd,
    &user_driver_passwd_file,
    &user_driver_static,
};

struct source {
	struct user_source_options options; /* with null where the caller had "" */
	const struct user_driver *driver;
	void *state;
};

struct users {
	struct users_options options;
	struct source *sources;
	size_t count; /* of sources that are open */
};

/* -- opening ----------------------------------------------------------------------------------- */

static const struct user_driver *find_driver(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return NULL;
}

static bool wrong(const struct user_source_options *source, struct status *status, const char *what)
{
	return status_fail(status, CAUSE_CONFIGURATION, "users \"%s\": %s", source->title, what);
}

static bool check_ids(const struct user_source_options *source, const struct user_driver *driver,
    uint64_t first_valid_uid, struct status *status)
{
	if ((driver->needs & USER_NEEDS_IDS) != 0 && (source->uid < 0 || source->gid < 0))
		return wrong(source, status, "this driver needs uid and gid");
	if (source->uid == 0)
		return wrong(source, status, "uid 0: mail is never delivered as root");
	if (source->uid > 0 && (uint64_t)source->uid < first_valid_uid)
		return wrong(source, status, "uid is below first_valid_uid");
	if (source->uid >= UINT32_MAX || source->gid >= UINT32_MAX)
		return wrong(source, status, "uid or gid is too large");
	return true;
}

static bool check_patterns(const struct user_source_options *source, struct status *status)
{
	const char *why = source->username == NULL ? NULL : pattern_check(source->username);
	if (why != NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "users \"%s\": username \"%s\": %s",
		    source->title, source->username, why);
	why = source->home == NULL     ? NULL
	      : source->home[0] != '/' ? "must begin with \"/\""
	                               : pattern_check(source->home);
	if (why != NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "users \"%s\": home \"%s\": %s",
		    source->title, source->home, why);
	return true;
}

static bool check_source(const struct user_source_options *source, const struct user_driver *driver,
    uint64_t first_valid_uid, struct status *status)
{
	if (driver == NULL)
		return wrong(source, status, "driver must be passwd, passwd-file or static");
	bool needs_path = (driver->needs & USER_NEEDS_PATH) != 0;
	if (needs_path && (source->path == NULL || source->path[0] != '/'))
		return wrong(source, status, "path must be set and begin with \"/\"");
	if (!needs_path && source->path != NULL)
		return wrong(source, status, "this driver reads no path");
	return check_ids(source, driver, first_valid_uid, status) && check_patterns(source, status);
}

static void none_if_empty(const char **text)
{
	if (*text != NULL && **text == '\0')
		*text = NULL;
}

static bool open_source(struct users *users, const struct user_source_options *options,
    struct source *source, struct status *status)
{
	source->options = *options;
	none_if_empty(&source->options.path);
	none_if_empty(&source->options.username);
	none_if_empty(&source->options.witness);
	none_if_empty(&source->options.home);
	none_if_empty(&source->options.domain);
	source->driver = find_driver(options->driver);
	if (!check_source(&source->options, source->driver, users->options.first_valid_uid, status))
		return false;
	source->state = source->driver->open(&source->options, &users->options, status);
	return source->state != NULL;
}

struct users *users_open(const struct users_options *options, struct status *status)
{
	struct users *users = memory_new(1, sizeof(*users));
	users->options = *options;
	if (users->options.recipient_delimiter == NULL)
		users->options.recipient_delimiter = "";
	if (users->options.timeout_ms == 0)
		users->options.timeout_ms = TIMEOUT_DEFAULT_MS;
	users->sources = memory_new(options->source_count, sizeof(*users->sources));
	bool is_open = options->source_count > 0 ||
	               status_fail(status, CAUSE_CONFIGURATION, "no \"users\" section");
	while (is_open && users->count < options->source_count) {
		is_open = open_source(
		    users, &options->sources[users->count], &users->sources[users->count], status);
		users->count += is_open;
	}
	if (!is_open)
		users_close(&users);
	return users;
}

void users_close(struct users **users_at)
{
	struct users *users = *users_at;
	if (users == NULL)
		return;
	for (size_t i = 0; i < users->count; i++)
		users->sources[i].driver->close(users->sources[i].state);
	free(users->sources);
	free(users);
	*users_at = NULL;
}

/* -- looking up -------------------------------------------------------------------------------- */

/* What is looked for: one spelling of the local part, with or without detail. */
struct wanted {
	struct span local;
	struct span domain;
	struct span detail;
	bool is_whole; /* nothing was split off, and something could be */
};

/* A source that cannot find its witness does not have its wits together. */
static enum user_answer check_witness(
    const struct source *source, struct arena *arena, struct status *status)
{
	const char *witness = source->options.witness;
	struct user_account account;
	struct user_query query = {span_of(witness), span_of(witness), SPAN("")};
	if (witness == NULL)
		return USER_UNKNOWN;
	switch (source->driver->lookup(source->state, arena, &query, &account, status)) {
	case USER_FOUND:
		return USER_UNKNOWN;
	case USER_UNKNOWN:
		status_fail(status, CAUSE_CANNOT_TELL,
		    "users \"%s\" does not find its witness \"%s\": not believed",
		    source->options.title, witness);
		break;
	default:
		break;
	}
	return USER_CANNOT_TELL;
}

static enum user_answer ask_source(const struct users *users, const struct source *source,
    struct arena *arena, const struct wanted *wanted, struct user *user_out, struct status *status)
{
	const char *pattern = source->options.username;
	const struct pattern_values values = {wanted->local, wanted->domain, -1};
	struct user_account account = {0};
	struct user_query query = {
	    pattern == NULL ? wanted->local : pattern_name(arena, pattern, &values), wanted->local,
	    wanted->domain};
	enum user_answer answer =
	    source->driver->lookup(source->state, arena, &query, &account, status);
	if (answer == USER_UNKNOWN)
		return check_witness(source, arena, status);
	if (answer != USER_FOUND)
		return answer;
	*user_out = (struct user){
	    .local = wanted->local, .domain = wanted->domain, .detail = wanted->detail};
	return account_judge(arena, &account, &source->options, &users->options, user_out, status);
}

static bool is_asked(const struct source *source, const struct wanted *wanted)
{
	const char *domain = source->options.domain;
	if (wanted->is_whole && source->driver->is_for_everyone)
		return false;
	return domain == NULL || wanted->domain.len == 0 || span_is_nocase(wanted->domain, domain);
}

static enum user_answer ask_all(const struct users *users, struct arena *arena,
    const struct wanted *wanted, struct user *user_out, struct status *status)
{
	enum user_answer answer = USER_UNKNOWN;
	for (size_t i = 0; i < users->count && answer == USER_UNKNOWN; i++) {
		if (is_asked(&users->sources[i], wanted))
			answer =
			    ask_source(users, &users->sources[i], arena, wanted, user_out, status);
	}
	return answer;
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F)
			return true;
	}
	return false;
}

/* The whole local part, then the one without detail. */
static enum user_answer ask_spellings(const struct users *users, struct arena *arena,
    struct span local, struct span domain, struct user *user_out, struct status *status)
{
	struct span bare;
	struct span detail;
	address_split_detail(local, users->options.recipient_delimiter, &bare, &detail);
	bool can_split = detail.data != NULL;
	if (users->options.fold_case) {
		local = address_lower(arena, local);
		bare = address_lower(arena, bare);
	}
	struct wanted wanted = {local, address_lower(arena, domain), {NULL, 0}, can_split};
	enum user_answer answer = ask_all(users, arena, &wanted, user_out, status);
	if (answer != USER_UNKNOWN || !can_split)
		return answer;
	wanted = (struct wanted){bare, wanted.domain, detail, false};
	return ask_all(users, arena, &wanted, user_out, status);
}

static enum user_answer lookup(const struct users *users, struct arena *arena, struct span text,
    struct span local, struct span domain, struct user *user_out, struct status *status)
{
	enum user_answer answer = USER_UNKNOWN;
	/* Nobody asks for nobody: a macro of the MTA came out empty. (`""@example.org` is a name
	 * that a stranger may well ask for, and nobody has.) */
	if (text.len == 0 || text.data[0] == '@') {
		status_fail(status, CAUSE_USAGE, "empty user name");
		return USER_CANNOT_TELL;
	}
	if (local.len > 0 && !has_control(local) && !has_control(domain))
		answer = ask_spellings(users, arena, local, domain, user_out, status);
	if (answer != USER_UNKNOWN)
		return answer;
	status_setf(status, CAUSE_USER_UNKNOWN, "<%.*s> User doesn't exist: %.*s", (int)text.len,
	    text.data, (int)text.len, text.data);
	status_detail(status, "no source of users has \"%.*s\"", (int)text.len, text.data);
	return USER_UNKNOWN;
}

enum user_answer users_lookup(struct users *users, struct arena *arena,
    const struct address *recipient, struct user *user_out, struct status *status)
{
	return lookup(
	    users, arena, recipient->text, recipient->local, recipient->domain, user_out, status);
}

enum user_answer users_lookup_name(struct users *users, struct arena *arena, struct span name,
    struct user *user_out, struct status *status)
{
	size_t at = span_find_last(name, '@');
	return lookup(
	    users, arena, name, span_first(name, at), span_from(name, at + 1), user_out, status);
}

struct span user_field(const struct user *user, const char *name)
{
	for (size_t i = user->field_count; i > 0; i--) {
		if (span_is(user->fields[i - 1].name, name))
			return user->fields[i - 1].value;
	}
	return (struct span){NULL, 0};
}

/* -- walking ----------------------------------------------------------------------------------- */

struct walk {
	const struct users *users;
	const struct source *source;
	struct arena *arena; /* of one user */
	bool (*each)(void *context, const struct user *user);
	void *context;
	struct status *status;
	bool all_usable;
	bool goes_on;
};

static bool walk_account(void *context, const struct user_account *account)
{
	struct walk *walk = context;
	size_t at = span_find_last(account->name, '@');
	struct user user = {
	    .local = span_first(account->name, at), .domain = span_from(account->name, at + 1)};
	struct status delivery;
	arena_reset(walk->arena);
	if (account_judge(walk->arena, account, &walk->source->options, &walk->users->options,
	        &user, &delivery) != USER_CANNOT_TELL) {
		walk->goes_on = walk->each(walk->context, &user);
	} else {
		*walk->status = delivery;
		walk->all_usable = false;
	}
	return walk->goes_on;
}

bool users_walk(struct users *users, bool (*each)(void *context, const struct user *user),
    void *context, struct status *status)
{
	struct walk walk = {users, NULL, arena_new(), each, context, status, true, true};
	bool all_walked = true;
	for (size_t i = 0; i < users->count && walk.goes_on; i++) {
		const struct source *source = &users->sources[i];
		walk.source = source;
		if (source->driver->walk == NULL)
			all_walked =
			    wrong(&source->options, status, "this driver cannot list its users");
		else if (!source->driver->walk(source->state, walk_account, &walk, status))
			all_walked = false;
	}
	arena_free(&walk.arena);
	return all_walked && walk.all_usable;
}
