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

/* Where a user's waiting mail is announced (pending.h). */
struct pending {
	const char *directory;
	const char *path;
	const char *fresh; /* the name it is made under */
};

/* Bytes that versions of the message are made of. */
struct delivery_spool {
	struct spool *spool; /* owned */
	struct delivery_spool *next;
};

/* A copy to be stored, made from the actions between decide and vet. */
struct delivery_copy {
	const struct action *action;
	struct span folder; /* canonical */
	bool may_create;
	const struct message *message;
	struct store *store;       /* the user's, or the outbox */
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
	/* Nothing may be left behind, all is told (pipeline_errands.h); or null. */
	const struct pipeline_rehearsal *rehearsal;
	int64_t started_ms;

	const struct user *known; /* who it is, if that was asked before; or null */
	bool has_user;            /* `user` is set; also where the source says: no mail */
	struct user user;
	struct store *store;         /* owned */
	struct relay_pool *relays;   /* for stores that hand mail on */
	const char *state_directory; /* state.h; null until it was needed */
	struct span folder;          /* where keep goes, canonical */
	bool folder_may_create;

	bool has_message;       /* not at RCPT */
	struct message message; /* with our block on top */
	struct delivery_spool *spools;
	size_t top_bytes; /* the length of that block */

	struct action_list actions;
	bool implicit_keep; /* no action has cancelled it (RFC 5228 2.10.2) */
	struct action keep; /* what it is, if it is done: flags, version */
	struct delivery_copy *copies;
	size_t copy_count;      /* of those for the mailbox, which come first */
	size_t outgoing_count;  /* of those for the outbox, behind them */
	struct store *outbox;   /* owned; null while nothing is sent */
	bool has_receipt;       /* the last of them reports success to the sender (receipt.h) */
	struct pending pending; /* where that is announced */

	struct replay *replay; /* the message may be one (replay.h); null: nobody asks */
	struct quota *quota;   /* plugin_quota's, between admit and settle */
	struct seen *seen;     /* plugin_sieve's: what is to be remembered (seen.h), or null */
	struct script_log *script_log; /* plugin_sieve's: what is to be told (script_log.h) */
	/* Of the same process: what was decided holds only if that one succeeds; or null. */
	const struct delivery *relies_on;
	struct bytes story; /* story.h; owned */
	const char *note;   /* for the record: what went otherwise than asked; or null */

	bool is_refused; /* when all is done the answer is `refusal`, not success */
	struct status refusal;
	bool is_one_of_many; /* others of the same message take each step too */
	bool is_over;        /* `status` is final */
	bool is_stored;      /* before the others, because its store hands it on */
	struct status status;
};

/* Adds to the note and to the log. */
void delivery_note(struct delivery *delivery, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* deliver/recipient.c: finds the user, becomes them where we are root, opens their store. */
bool delivery_open(struct delivery *delivery, struct users *users, struct status *status);
void delivery_close(struct delivery *delivery);
/* An empty spool that lives as long as the delivery is open. */
struct spool *delivery_spool(struct delivery *delivery);
/* The last part of it: the store of a user who is known and whom we are. */
bool delivery_open_store(struct delivery *delivery, struct status *status);

/* deliver/refusal.c: what becomes of a refusal among the actions. False with CAUSE_REJECTED: it is
 * told in the protocol, and nothing else happens. True: there is none; or `is_refused` is set: it
 * is told when the letters beside it are in the outbox; or it is to be mailed, because the delivery
 * has other effects too or the site wants it so. */
bool refusal_judge(struct delivery *delivery, struct status *status);

/* deliver/sending.c: what leaves the house, as copies for the outbox. */

/* Is sieve.redirect_sender something we know? */
bool sending_check(const struct settings *settings, struct status *status);
/* Takes redirects that would loop off the list; the message is kept then. */
void sending_judge(struct delivery *delivery);
/* Adds copies for what is sent, one for each recipient, behind those of copies_plan(). */
bool sending_plan(struct delivery *delivery, struct status *status);

/* Opens the user's outbox as a store, unless it is open. */
bool sending_open_outbox(struct delivery *delivery, struct status *status);

/* deliver/copies.c: the actions as copies, and their way to disk. A step that fails leaves
 * nothing of this delivery behind. */
bool copies_plan(struct delivery *delivery, struct status *status);
/* Does the action put a copy into the mailbox? */
bool copies_is_stored(const struct action *action);
bool copies_write(struct delivery *delivery, bool is_one_of_many, struct status *status);
/* Of all deliveries at once: what copies_sync() or else copies_commit() of each would wait for. */
void copies_sync_ahead(struct delivery *deliveries, size_t count);
bool copies_sync(struct delivery *delivery, struct status *status);
bool copies_publish(struct delivery *delivery, struct status *status);
bool copies_commit(struct delivery *delivery, struct status *status);
/* Takes back what is published and abandons the rest, unless all is committed. */
void copies_end(struct delivery *delivery);

#endif
