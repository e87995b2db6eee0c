#ifndef DELIVER_PIPELINE_H
#define DELIVER_PIPELINE_H

#include "base/arena.h"
#include "mail/envelope.h"
#include "mail/spool.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one way through the house, for both fronts: who is it, may it come, what shall happen,
 * does it fit, write, sync, publish, commit, settle. No other file knows the order. */
struct pipeline;
struct replay_counts;
struct settings;
struct user;

/* Opens the user sources and plugins of a configuration (borrowed); the record with the first
 * delivery. One per process, reused for any number of messages; not used after a fork by both.
 * Null with a status. */
struct pipeline *pipeline_open(const struct settings *settings, struct status *status);
void pipeline_close(struct pipeline **pipeline);

/* One recipient of a delivery, as a front asks for it. */
struct pipeline_recipient {
	struct envelope_recipient envelope;
	/* deliver's options; null data and false over LMTP. */
	struct span user_name; /* -d; or with is_self USER, which may be missing */
	bool is_self;          /* no -d, not root: no source is asked, we are who we are */
	struct span home;      /* with is_self: HOME; null data: as getpwuid() has it */
	struct span detail;    /* EXTENSION; null data: what the recipient's local part has */
	struct span folder;    /* -m: the default folder instead of the inbox */
};

/* The steps of a delivery, in order. */
enum pipeline_step {
	PIPELINE_USER, /* who is it; become them, open their store */
	PIPELINE_ADMIT,
	PIPELINE_DECIDE,
	PIPELINE_VET,
	PIPELINE_WRITE,
	PIPELINE_SYNC,
	PIPELINE_PUBLISH,
	PIPELINE_COMMIT,
	PIPELINE_END, /* its status is final, or this call takes no more steps for it */
};

/* Is told as each step begins for a recipient: to measure, and to know what a crash ended. */
struct pipeline_watch {
	/* `user` is null until it is known. */
	void (*begins)(
	    void *context, enum pipeline_step step, size_t index, const struct user *user);
	void *context;
};

/* What a front knows about the call itself, for the record. */
struct pipeline_call {
	const char *front;   /* "deliver" or "lmtp" */
	const char *id;      /* delivery id: unique, printable, no blanks; also in the LMTP reply */
	int64_t deadline_ms; /* clock.h: every wait inside ends before it */
	bool is_probe;       /* a full mailbox is no answer; set anyway where the sender is null or
	                      * one of probe_senders */
	bool is_admitted;    /* pipeline_admit() said yes to each recipient before */
	bool sends_at_once;  /* what goes into an outbox is sent by a process that outlives us, not
	                      * by a flusher that looks for it */
	const struct pipeline_watch *watch; /* or null */
	/* The lost replies that all processes remember for all users (replay.h); null: none is
	 * looked for, as for a front that tells its answer to the one who waits for it. */
	struct replay_counts *lost_replies;
};

/* May mail of this envelope come to this recipient at all (RCPT)? True: yes. False: `status` has
 * the refusal or the trouble. Leaves no trace, writes no record. Started as root, the process is
 * that user afterwards. Who it is is remembered: a pipeline_deliver() of the same id that
 * is_admitted and goes to the recipient admitted last does not ask again, so it need not be able
 * to. */
bool pipeline_admit(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct pipeline_recipient *recipient,
    struct status *status);

/* Delivers one finished message to each recipient; `statuses_out[i]` says what became of
 * `recipients[i]`, always set. All effects for a recipient or none. Writes the record of each.
 * Started as root there must be one recipient only; the process becomes that user.
 *
 * Without `envelope->protocol` (standard input) the block at the top of the message is the MTA's:
 * it tells the sender where `envelope->sender.text` has null data, and each recipient's original
 * address where that has.
 *
 * `told` (may be null) is called once for each as soon as its status is final: before quotas
 * are put right and the record is written, so that nothing that fails there undoes it. */
void pipeline_deliver(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count, struct status *statuses_out,
    void (*told)(void *context, size_t index, const struct status *status), void *context);

/* The reply that told these recipients of success has not reached the client, which will come
 * again: what pipeline_deliver() then takes for a replay, and answers without storing it a second
 * time. `call` is that delivery's, with lost_replies. */
void pipeline_remember(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count);

#endif
