#ifndef DELIVER_DELIVERY_H
#define DELIVER_DELIVERY_H

#include "deliver/pipeline.h"
#include "deliver/settings.h"

#include "mail/action.h"
#include "mail/message.h"
#include "store/store.h"
#include "users/users.h"

#include <stdbool.h>
#include <stdint.h>

/* One message on its way to one recipient: what the pipeline and its plugins know. Everything
 * lives in its arena. */

/* A copy to be stored, made from the actions between decide and vet. */
struct delivery_copy {
	const struct action *action;
	struct span folder; /* canonical */
	bool may_create;
	const struct message *message;
	struct store_copy *stored; /* owned; null before write and after abandon */
	bool is_published;
	bool is_kept;     /* committed: it counts */
	struct span name; /* for the record */
};

struct delivery {
	struct arena *arena;
	const struct settings *settings;
	const struct pipeline_call *call;
	const struct pipeline_recipient *recipient;
	const struct envelope *envelope; /* with what the top block told */
	bool is_probe;                   /* fullness must not be held against it */
	int64_t started_ms;

	bool has_user; /* `user` is set; also where the source says: no mail */
	struct user user;
	struct store *store;         /* owned */
	const char *state_directory; /* state.h; null until it was needed */
	struct span folder;          /* where keep goes, canonical */
	bool folder_may_create;

	bool has_message;       /* not at RCPT */
	struct message message; /* with our block on top */

	struct action_list actions;
	bool implicit_keep; /* no action has cancelled it (RFC 5228 2.10.2) */
	struct action keep; /* what it is, if it is done: flags, version */
	struct delivery_copy *copies;
	size_t copy_count;

	struct quota *quota; /* plugin_quota's, between admit and settle */
	struct seen *seen;   /* plugin_sieve's: what is to be remembered (seen.h), or null */
	/* Of the same process: what was decided holds only if that one succeeds; or null. */
	const struct delivery *relies_on;
	const char *note; /* for the record: what went otherwise than asked; or null */

	bool is_over; /* `status` is final */
	struct status status;
};

/* Adds to the note and to the log. */
void delivery_note(struct delivery *delivery, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* deliver/recipient.c: finds the user, becomes them where we are root, opens their store. */
bool delivery_open(struct delivery *delivery, struct users *users, struct status *status);
void delivery_close(struct delivery *delivery);

/* deliver/copies.c: the actions as copies, and their way to disk. A step that fails leaves
 * nothing of this delivery behind. */
bool copies_plan(struct delivery *delivery, struct status *status);
bool copies_write(struct delivery *delivery, bool is_one_of_many, struct status *status);
bool copies_sync(struct delivery *delivery, struct status *status);
bool copies_publish(struct delivery *delivery, struct status *status);
bool copies_commit(struct delivery *delivery, struct status *status);
/* Takes back what is published and abandons the rest, unless all is committed. */
void copies_end(struct delivery *delivery);

#endif
