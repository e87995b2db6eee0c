#ifndef DELIVER_PIPELINE_ERRANDS_H
#define DELIVER_PIPELINE_ERRANDS_H

#include "base/bytes.h"
#include "deliver/pipeline.h"

#include <stdio.h>

/* What is asked of a pipeline for people, and by those who send what waits: no delivery. */
struct delivery;
struct explain;
struct outbox_tally;
struct quota_limit;
struct quota_usage;
struct script_version;
struct sieve_errors;
struct srs;

/* What would become of a message: scripts run and nothing else is done. */
struct pipeline_rehearsal {
	/* A script of the user's to run in place of all of theirs, and its text, which need not be
	 * the file's; null: those of a delivery. */
	const char *script_path;
	struct span script_text;
	/* A script was run: as it is on disk, its story, and what went wrong in the run. Story and
	 * errors are null: it does not compile. */
	void (*ran)(void *context, const char *path, const struct script_version *version,
	    const struct explain *explain, const struct sieve_errors *errors);
	/* What a script wrote for its owner. */
	void (*wrote)(void *context, struct span text);
	/* Its actions and copies are those of a delivery. `status` has the refusal, if that is what
	 * the sender would be told. Nothing of it lives longer than the call. */
	void (*decided)(
	    void *context, const struct delivery *delivery, const struct status *status);
	void *context;
};

/* Asks the scripts of the recipient as in a delivery, also where the plugin "sieve" is off, and
 * leaves no trace: nothing is stored, sent or remembered, no program is run, no message counts as
 * seen before. The envelope is that of pipeline_deliver(). False with a status where a delivery
 * would have to wait. Started as root, the process is that user afterwards. */
bool pipeline_rehearse(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipient, const struct pipeline_rehearsal *rehearsal,
    struct status *status);

/* What `deliver --check -d USER` says: who it is, the store, what each plugin would do, as lines
 * appended to `to`. False with a status where something stands in the way. */
bool pipeline_show(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, struct bytes *to, struct status *status);

/* The figures and the limit of the recipient's mailbox, counted anew where `is_anew`; also where
 * the plugin "quota" is off. Started as root, the process is that user afterwards. */
bool pipeline_quota(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, bool is_anew, struct quota_usage *usage_out,
    struct quota_limit *limit_out, struct status *status);

struct pipeline_flush {
	struct pipeline_recipient recipient;
	int64_t maker; /* the account that announced the mail and must be theirs, like the name; -1:
	                  any */
	const struct srs *srs; /* read before we became anybody, or null (flush.h) */
};

/* Sends what is due in the outbox of the recipient. Started as root, the process is that user
 * afterwards. */
bool pipeline_flush(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_flush *flush, struct outbox_tally *tally_out, struct status *status);

/* Prints to `out` the stories (story.h) of a delivery's id or the MTA's queue id that are kept
 * where the recipient's are; how many. Started as root, the process is that user afterwards. */
bool pipeline_explain(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, struct span id, FILE *out, unsigned *count_out,
    struct status *status);

/* users_walk() over the sources of the configuration. */
bool pipeline_walk(struct pipeline *pipeline, bool (*each)(void *context, const struct user *user),
    void *context, struct status *status);

#endif
