#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Where mail is put. A copy goes through these steps, each of which may stop it:
 *
 *	write	 invisible bytes on disk		abandon: remove them
 *	sync	 the bytes are durable			abandon: remove them
 *	publish	 visible under its name			withdraw: unlink it there, then abandon
 *	commit	 the name is durable: the copy counts
 *
 * The pipeline takes all copies of all recipients of a message through one step before it goes
 * to the next, so that many are synced together. One store is one file with one constant record
 * (struct store_driver in store/driver.h). */
struct relay_pool;
struct store;
struct store_copy;

/* One `store` section, or what the user source says instead. Borrowed while the store is open. */
struct store_options {
	const char *location;  /* "maildir:/home/anna/Maildir", ~ and variables already replaced */
	bool autocreate;       /* a folder that is filed into is made */
	bool autosubscribe;    /* and entered into the subscriptions */
	bool utf8_names;       /* folder names on disk in UTF-8 instead of modified UTF-7 */
	char separator;        /* between folder levels in names we are given: '.' or '/' */
	const char *sentinel;  /* a path that must exist (a mount's marker); null or "": none */
	const char *host_name; /* for file names and LHLO */
	/* Dovecot's dictionary of annotations (mail_attribute_dict); null or "":
	 * dovecot-attributes in the Maildir. */
	const char *attributes;

	/* For stores that hand mail on (store/relay.h); null where there is no delivery. */
	struct relay_pool *relays;
	const struct envelope *envelope;
	const struct envelope_recipient *recipient;
	const char *recipient_delimiter;
	int64_t deadline_ms;
};

/* Opens the user's store, running as the user. Makes nothing yet: the mailbox itself and its
 * folders are made by the first write. Null with a status. */
struct store *store_open(
    struct arena *arena, const struct store_options *options, struct status *status);
void store_close(struct store **store);

/* The directory a Maildir++ quota counts, or null data where the store has none. */
struct span store_quota_root(const struct store *store);

/* The folder `name` (UTF-8, levels split by the separator; "" and "INBOX" in any case are the
 * inbox, a leading "INBOX" level is dropped) in the store's own canonical form: levels joined by
 * '.', UTF-8, "" for the inbox. False with a status where no such folder can exist: empty or
 * too long a level, "..", "/", control characters, a leading "~". */
bool store_folder_name(struct arena *arena, const struct store *store, struct span name,
    struct span *canonical_out, struct status *status);

/* Would the store take mail for this recipient? Only one that hands it on asks somebody; false with
 * the refusal or the trouble. */
bool store_accepts(struct store *store, struct status *status);
/* It takes one copy of a message, not several. */
bool store_takes_one_copy(const struct store *store);

enum store_answer { STORE_YES, STORE_NO, STORE_CANNOT_TELL };

/* Does the folder exist (and can it be written)? Leaves no trace. The inbox does as soon as it
 * can be made. */
enum store_answer store_has_folder(struct store *store, struct span folder, struct status *status);

/* A canonical folder as store_folder_name() was given it: "INBOX", levels split by the separator.
 */
struct span store_folder_shown(
    struct arena *arena, const struct store *store, struct span canonical);

/* What people and mail readers have said about a folder (RFC 5464), where the store knows a place
 * for that. `name` begins with "/private/" or "/shared/"; a folder with null data is the server.
 * STORE_NO: there is none. */
enum store_answer store_annotation(struct store *store, struct arena *arena, struct span folder,
    struct span name, struct span *value_out, struct status *status);
/* The folder with that identifier, which outlives a rename (RFC 8474: MAILBOXID). */
enum store_answer store_folder_by_id(
    struct store *store, struct span id, struct span *folder_out, struct status *status);
/* A folder that was marked by its user as being for that, "\\Junk" (RFC 6154). */
enum store_answer store_folder_by_use(
    struct store *store, struct span use, struct span *folder_out, struct status *status);

/* A request to store one copy. */
struct store_request {
	const struct message *message;
	struct span folder;       /* canonical */
	bool may_create;          /* make it where missing, as `autocreate` does for all; else a
	                           * missing one is CAUSE_MAILBOX. The inbox is always made. */
	const struct span *flags; /* "\\Seen", "$Junk" ... */
	size_t flag_count;
	const char *times_of; /* a file whose times the copy is to have; null: it is new mail */
	bool is_same_file;    /* which is exactly this message: linked where that can be */
	bool
	    is_one_of_many; /* more copies are written before this one is synced: the disk may begin
	                     * with it at once, which makes syncing them all a third faster */
};

/* Null with a status. A store that has written holds up to four descriptors, and one more for
 * each folder and each copy that is not synced. */
struct store_copy *store_write(
    struct store *store, const struct store_request *request, struct status *status);
/* Does ahead, and side by side, what store_sync() or else store_commit() of each of them would wait
 * for; those then only say how it went. At most STORE_SYNC_AHEAD_MAX. */
#define STORE_SYNC_AHEAD_MAX 64
void store_sync_ahead(struct store_copy *const *copies, size_t count);
/* A failure is final: the copy can only be abandoned. */
bool store_sync(struct store_copy *copy, struct status *status);
bool store_publish(struct store_copy *copy, struct status *status);
bool store_commit(struct store_copy *copy, struct status *status);
/* Takes a published copy back. True when it is gone; false when a reader was faster. */
bool store_withdraw(struct store_copy *copy);
/* Ends the copy; unless it was published, nothing of it remains on disk but a folder that was
 * made for it. Null is accepted. */
void store_abandon(struct store_copy **copy);

/* True where the store has no place for one of the keywords among the flags: it is left out. */
bool store_copy_lacks_flags(const struct store_copy *copy);
/* True where the server it is handed on to does as the sender asked (RFC 3461). */
bool store_copy_tells_sender(const struct store_copy *copy);
/* What the copy takes in the quota's sense: S= of its name. */
uint64_t store_copy_bytes(const struct store_copy *copy);
/* The name for the record, relative to the store: "new/1700000000.M1P2.host". */
struct span store_copy_name(const struct store_copy *copy);

#endif
