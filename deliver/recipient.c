/* recipient.c - the first step of a delivery: who is it, are we that user, which store is theirs.
 *
 * As root we become the user before anything of theirs is opened. Any other difference between
 * us and the user is a mistake of the set-up, so temporary. */
#include "deliver/delivery.h"
#include "deliver/expand.h"

#include "base/identity.h"
#include "base/log.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOTE_BYTES_MAX 4096

void delivery_note(struct delivery *delivery, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_write(LOG_LEVEL_ERROR, "%s: %.*s: %s", delivery->call->id, (int)delivery->user.name.len,
	    delivery->user.name.data, text);
	/* A script may fail in as many ways as it has lines. */
	if (delivery->note != NULL && strlen(delivery->note) > NOTE_BYTES_MAX)
		return;
	delivery->note = delivery->note == NULL
	                     ? arena_text(delivery->arena, span_of(text))
	                     : arena_textf(delivery->arena, "%s; %s", delivery->note, text);
}

/* No source is asked: we are who we are, as a .forward file or mailbox_command started us. */
static bool find_self(struct delivery *delivery, struct status *status)
{
	const struct pipeline_recipient *recipient = delivery->recipient;
	struct user *user = &delivery->user;
	*user = (struct user){.name = recipient->user_name,
	    .local = recipient->user_name,
	    .domain = recipient->envelope.address.domain,
	    .detail = recipient->detail,
	    .uid = geteuid(),
	    .gid = getegid(),
	    .home = recipient->home,
	    .source = "the environment"};
	if (user->uid == 0)
		return status_fail(status, CAUSE_USAGE, "root gets no mail: use -d USER");
	if (user->name.len > 0 && user->home.len > 0)
		return true;
	errno = 0;
	const struct passwd *entry = getpwuid(user->uid);
	if (entry == NULL && errno != 0)
		return status_errno(status, CAUSE_CANNOT_TELL, errno, "account of uid %lu",
		    (unsigned long)user->uid);
	if (entry == NULL)
		return status_fail(status, CAUSE_USAGE,
		    "uid %lu is no account and USER and HOME are not both set",
		    (unsigned long)user->uid);
	if (user->name.len == 0)
		user->name = user->local = arena_span(delivery->arena, span_of(entry->pw_name));
	if (user->home.len == 0)
		user->home = arena_span(delivery->arena, span_of(entry->pw_dir));
	return true;
}

/* Looked up by name, the detail is only in the address. */
static void take_detail(struct delivery *delivery)
{
	struct span local = delivery->recipient->envelope.address.local;
	struct span rest;
	if (delivery->user.detail.data != NULL || span_equals_nocase(local, delivery->user.local))
		return;
	address_split_detail(
	    local, delivery->settings->recipient_delimiter, &rest, &delivery->user.detail);
}

static bool find_user(struct delivery *delivery, struct users *users, struct status *status)
{
	const struct pipeline_recipient *recipient = delivery->recipient;
	enum user_answer answer;
	if (delivery->known != NULL) {
		delivery->user = *delivery->known;
		delivery->has_user = true;
		return true;
	}
	if (recipient->is_self) {
		delivery->has_user = find_self(delivery, status);
		return delivery->has_user;
	}
	if (recipient->user_name.data != NULL)
		answer = users_lookup_name(
		    users, delivery->arena, recipient->user_name, &delivery->user, status);
	else
		answer = users_lookup(
		    users, delivery->arena, &recipient->envelope.address, &delivery->user, status);
	delivery->has_user =
	    answer == USER_FOUND || answer == USER_DISABLED || answer == USER_ON_HOLD;
	if (answer == USER_FOUND && recipient->user_name.data != NULL)
		take_detail(delivery);
	return answer == USER_FOUND;
}

/* The groups of an account are for that account: a virtual user may be called like one. */
static const char *account_name(struct delivery *delivery)
{
	const char *name = arena_text(delivery->arena, delivery->user.name);
	const struct passwd *entry = getpwnam(name);
	return entry != NULL && entry->pw_uid == delivery->user.uid ? name : NULL;
}

static bool become_user(struct delivery *delivery, struct status *status)
{
	const struct user *user = &delivery->user;
	uid_t we = geteuid();
	if (we == user->uid)
		return true;
	if (we != 0)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "we run as uid %lu, but the mail of \"%.*s\" belongs to uid %lu: let the MTA "
		    "start us as that account",
		    (unsigned long)we, (int)user->name.len, user->name.data,
		    (unsigned long)user->uid);
	if (identity_become(user->uid, user->gid, account_name(delivery)) != 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "become uid %lu of \"%.*s\"",
		    (unsigned long)user->uid, (int)user->name.len, user->name.data);
	return true;
}

bool delivery_open_store(struct delivery *delivery, struct status *status)
{
	const struct store_settings *settings = &delivery->settings->store;
	struct span mail = user_field(&delivery->user, "mail");
	struct store_options *options = ARENA_NEW(delivery->arena, struct store_options);
	*options = (struct store_options){
	    .autocreate = settings->autocreate,
	    .autosubscribe = settings->autosubscribe,
	    .utf8_names = settings->utf8_names,
	    .separator = settings->separator == SEPARATOR_SLASH ? '/' : '.',
	    .host_name = delivery->settings->hostname,
	    .relays = delivery->relays,
	    .envelope = delivery->envelope,
	    .recipient = &delivery->recipient->envelope,
	    .recipient_delimiter = delivery->settings->recipient_delimiter,
	    .deadline_ms = delivery->call->deadline_ms,
	};
	const char *location =
	    mail.len > 0 ? arena_text(delivery->arena, mail) : settings->location;
	if (!expand(delivery->arena, "store.location", location, &delivery->user,
	        &options->location, status))
		return false;
	if (settings->sentinel[0] != '\0' &&
	    !expand(delivery->arena, "store.sentinel", settings->sentinel, &delivery->user,
	        &options->sentinel, status))
		return false;
	if (settings->attributes[0] != '\0' &&
	    !expand(delivery->arena, "store.attributes", settings->attributes, &delivery->user,
	        &options->attributes, status))
		return false;
	delivery->store = store_open(delivery->arena, options, status);
	return delivery->store != NULL;
}

/* -m, or the detail where the site wants that; a name that can be no folder is the inbox. */
static void choose_folder(struct delivery *delivery)
{
	enum detail_folder detail = delivery->settings->store.detail;
	struct span name = delivery->recipient->folder;
	struct status why;
	delivery->folder = SPAN("");
	delivery->folder_may_create = delivery->settings->store.autocreate;
	if (name.len == 0 && detail != DETAIL_IGNORE) {
		name = delivery->user.detail;
		delivery->folder_may_create = detail == DETAIL_CREATE;
	}
	if (name.len > 0 &&
	    !store_folder_name(delivery->arena, delivery->store, name, &delivery->folder, &why)) {
		delivery->folder = SPAN("");
		delivery_note(delivery, "%s; stored in the inbox", why.detail);
	}
}

bool delivery_open(struct delivery *delivery, struct users *users, struct status *status)
{
	if (!find_user(delivery, users, status) || !become_user(delivery, status) ||
	    !delivery_open_store(delivery, status))
		return false;
	choose_folder(delivery);
	return true;
}

struct spool *delivery_spool(struct delivery *delivery)
{
	struct delivery_spool *spool = ARENA_NEW(delivery->arena, struct delivery_spool);
	*spool = (struct delivery_spool){
	    spool_new(delivery->settings->spool_directory), delivery->spools};
	delivery->spools = spool;
	return spool->spool;
}

void delivery_close(struct delivery *delivery)
{
	for (struct delivery_spool *spool = delivery->spools; spool != NULL; spool = spool->next)
		spool_free(&spool->spool);
	delivery->spools = NULL;
	store_close(&delivery->outbox);
	store_close(&delivery->store);
	bytes_clear(&delivery->story);
}
