#ifndef DELIVER_OUTBOX_H
#define DELIVER_OUTBOX_H

#include "base/arena.h"
#include "mail/action.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "mail/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Mail that a delivery sends: redirects, vacation answers, notices. It is a Maildir of its own
 * in the user's state directory, so a message in it is prepared and published like any copy; it
 * begins with an envelope block and is sent afterwards, apart from the delivery, until a
 * transport has accepted it. A crash between the transport's acceptance and the removal of the
 * file sends it twice, with the same Message-ID. */

/* In the state directory (state.h). */
#define OUTBOX_NAME "outbox"

/* What is sent to one recipient. */
struct outbox_item {
	const char *kind;   /* "redirect", "vacation", ...: for records and notices */
	struct span sender; /* envelope sender, "" is null */
	bool wants_srs;     /* the transport is given the sender rewritten (srs.h) */
	struct span recipient;
	struct span owner;       /* whose delivery sends it: an address for notices */
	struct span delivery_id; /* of that delivery */
	time_t made;             /* set where an item is read back */
	bool smtputf8;
	/* RFC 3461, all unsaid by default. */
	unsigned notify; /* of enum envelope_notify */
	enum envelope_ret ret;
	struct span envid; /* printable ASCII without blanks, as orcpt */
	struct span orcpt;
	struct action_program program; /* of what is piped: its name is empty for mail */
	const struct message *message; /* without our envelope block */
};

/* The version of the item's message with its envelope block on top: what to store in an outbox. */
struct message outbox_wrap(struct arena *arena, const struct outbox_item *item);

/* How one item fared with a transport. */
enum outbox_answer {
	OUTBOX_ACCEPTED,
	OUTBOX_RELAYED, /* accepted by one who reports no success (RFC 3461) */
	OUTBOX_TRY_LATER,
	OUTBOX_REFUSED,  /* for good: no use in trying again */
	OUTBOX_NOT_OURS, /* another process can: not counted as a try, but it expires, later */
};

/* Hands an item to the world. `item->message` is in `fd` from its current offset on; the reason
 * for anything but acceptance goes to `why_out`. Must return by `deadline_ms` (clock.h). */
struct outbox_transport {
	enum outbox_answer (*send)(void *context, const struct outbox_item *item, int fd,
	    int64_t deadline_ms, char *why_out, size_t why_size);
	void *context;
};

struct outbox_options {
	const char *directory; /* the Maildir */
	uint64_t retry_min_s;  /* between the first tries; later ones are further apart */
	uint64_t retry_max_s;
	uint64_t expire_s;       /* after so long it is given up */
	uint64_t send_timeout_s; /* for one item */
	int64_t begin_until_ms;  /* later nothing more is begun (clock.h); 0: no limit */
	/* Called for an item that was refused or has expired, before it is removed, with the
	 * message in `fd` from its offset on; it may store a notice. False: leave the item, to be
	 * given up the next time. May be null. */
	bool (*give_up)(void *context, const struct outbox_item *item, int fd, const char *why);
	/* Called for an item that was relayed, before it is removed, like give_up. May be null. */
	void (*relayed)(void *context, const struct outbox_item *item, int fd);
	void *context;
};

struct outbox_tally {
	unsigned sent;
	unsigned waiting; /* still there: not due, or to be tried again */
	unsigned given_up;
	unsigned strays; /* of those that wait: no items of ours */
};

/* Sends what is due. Several processes may do so at once; each item is held by one. An outbox
 * that does not exist is empty. False with a status when the directory cannot be read. */
bool outbox_flush(const struct outbox_options *options, const struct outbox_transport *transport,
    struct outbox_tally *tally_out, struct status *status);

/* True when an item made at `made` and last tried at `tried` should be tried again at `now`: the
 * wait grows with the age. Pure. */
bool outbox_is_due(const struct outbox_options *options, time_t made, time_t tried, time_t now);

/* sendmail(8): "PROGRAM -i -f SENDER -- RECIPIENT" with the message on standard input, and -N, -R
 * and -V where the item has such; exit status 0 is acceptance, everything else is tried again.
 * `context` is the program's path. */
enum outbox_answer outbox_send_by_program(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size);

/* SMTP to a server that takes our mail (smtp_connection.h). A reply 5xx refuses, all other trouble
 * is tried again. `context` is a struct outbox_smtp. */
struct outbox_smtp {
	const char *place; /* "inet:host:port", "unix:/path" */
	const char *hello;
};
enum outbox_answer outbox_send_by_smtp(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size);

#endif
