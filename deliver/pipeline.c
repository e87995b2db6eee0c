/* pipeline.c - the one way through the house; no other file knows the order.
 *
 *	open	 who is it: become them, open their store
 *	admit	 may this mail come at all?			plugins
 *	decide	 what shall happen to it			plugins
 *	vet	 do all its copies fit? reserve			plugins
 *	write	 every copy, invisible
 *	sync	 their bytes
 *	publish	 make them visible
 *	commit	 sync their names: from here on it counts
 *	tell	 the front, which may answer at once
 *	settle	 give back what was not used, record
 *
 * All recipients of a message take one step before any takes the next, so that what many write
 * reaches the disk together. Each has its own end: who fails takes no further step. */
#include "deliver/pipeline.h"

#include "deliver/flush.h"
#include "deliver/incoming.h"
#include "deliver/pipeline_inside.h"
#include "deliver/programs.h"
#include "deliver/record.h"
#include "deliver/replay.h"
#include "deliver/story.h"
#include "deliver/user_sources.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/relay.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many at a time: each holds descriptors and its own version of the header. */
#define BATCH_MAX 32

/* -- opening ----------------------------------------------------------------------------------- */

struct pipeline *pipeline_open(const struct settings *settings, struct status *status)
{
	struct pipeline *pipeline = memory_new(1, sizeof(*pipeline));
	pipeline->settings = settings;
	pipeline->story = story_new();
	pipeline->relays = relay_pool_new();
	pipeline->message_arena = arena_new();
	pipeline->batch_arena = arena_new();
	pipeline->admitted_arena = arena_new();
	pipeline->users = user_sources_open(settings, status);
	if (pipeline->users == NULL || !sending_check(settings, status) ||
	    !programs_check(&settings->sieve.programs, status) || !flush_check(settings, status) ||
	    !plugin_set_open(&pipeline->plugins, settings, status)) {
		pipeline_close(&pipeline);
		return NULL;
	}
	return pipeline;
}

void pipeline_close(struct pipeline **pipeline)
{
	struct pipeline *p = *pipeline;
	if (p == NULL)
		return;
	plugin_set_close(&p->plugins);
	record_close(&p->record);
	users_close(&p->users);
	relay_pool_free(&p->relays);
	story_free(&p->story);
	arena_free(&p->message_arena);
	arena_free(&p->batch_arena);
	arena_free(&p->admitted_arena);
	free(p);
	*pipeline = NULL;
}

/* By deliveries only, so that a question leaves no file behind; and before the process becomes
 * somebody who may not. */
static void open_record(struct pipeline *pipeline)
{
	if (pipeline->record == NULL)
		pipeline->record = record_open(&pipeline->settings->record);
}

/* -- whom we let in ---------------------------------------------------------------------------- */

static void remember(struct pipeline *pipeline, const struct delivery *delivery)
{
	struct arena *arena = pipeline->admitted_arena;
	const struct user *from = &delivery->user;
	struct user *to = &pipeline->admitted;
	arena_reset(arena);
	struct user_field *fields = arena_new_items(arena, from->field_count + 1, sizeof(*fields));
	for (size_t i = 0; i < from->field_count; i++)
		fields[i] = (struct user_field){arena_span(arena, from->fields[i].name),
		    arena_span(arena, from->fields[i].value)};
	*to = *from;
	to->name = arena_span(arena, from->name);
	to->local = arena_span(arena, from->local);
	to->domain = arena_span(arena, from->domain);
	to->detail = from->detail.data == NULL ? from->detail : arena_span(arena, from->detail);
	to->home = arena_span(arena, from->home);
	to->fields = fields;
	pipeline->admitted_address = arena_span(arena, delivery->recipient->envelope.address.text);
	pipeline->admitted_id = arena_text(arena, span_of(delivery->call->id));
}

static const struct user *recall(const struct pipeline *pipeline, const struct delivery *delivery)
{
	bool is_same =
	    delivery->call->is_admitted && pipeline->admitted_id != NULL &&
	    strcmp(pipeline->admitted_id, delivery->call->id) == 0 &&
	    span_equals(pipeline->admitted_address, delivery->recipient->envelope.address.text);
	return is_same ? &pipeline->admitted : NULL;
}

/* -- the steps --------------------------------------------------------------------------------- */

static bool open_it(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	delivery->known = recall(pipeline, delivery);
	if (!delivery_open(delivery, pipeline->users, status))
		return false;
	if (delivery->replay == NULL || !replay_take(delivery->replay, delivery))
		return true;
	/* It is there already, so nothing is left to do. */
	delivery->note = "replay";
	status_delivered(status);
	return false;
}

static bool admit(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	return delivery->call->is_admitted ||
	       plugin_set_admit(&pipeline->plugins, delivery, status);
}

static void add_implicit_keep(struct delivery *delivery)
{
	struct action *keep = action_add(delivery->arena, &delivery->actions, ACTION_KEEP);
	keep->is_implicit = true;
	keep->flags = delivery->keep.flags;
	keep->flag_count = delivery->keep.flag_count;
	keep->message = delivery->keep.message;
}

bool pipeline_judge(struct delivery *delivery, struct status *status)
{
	if (!refusal_judge(delivery, status))
		return false;
	sending_judge(delivery);
	programs_judge(delivery);
	if (delivery->implicit_keep)
		add_implicit_keep(delivery);
	return copies_plan(delivery, status);
}

static bool decide(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	delivery->implicit_keep = true;
	return plugin_set_decide(&pipeline->plugins, delivery, status) &&
	       pipeline_judge(delivery, status) && sending_plan(delivery, status);
}

static bool vet(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	return plugin_set_vet(&pipeline->plugins, delivery, status);
}

static bool write_it(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	(void)pipeline;
	return copies_write(delivery, delivery->is_one_of_many, status);
}

static bool sync_it(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	(void)pipeline;
	/* The last moment at which stopping costs nothing. */
	return copies_sync(delivery, status) &&
	       (clock_left_ms(delivery->call->deadline_ms) > 0 ||
	           status_fail(status, CAUSE_DEADLINE, "the deadline passed while it was written"));
}

static bool publish(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	(void)pipeline;
	return copies_publish(delivery, status);
}

static bool commit(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	(void)pipeline;
	if (delivery->relies_on != NULL && delivery->relies_on->is_over)
		return status_fail(status, CAUSE_CANNOT_TELL,
		    "another delivery to the same user has failed, and this one relied on it");
	return copies_commit(delivery, status);
}

/* The file system's own limit. Where every user is an account of the system it is that user who
 * is full; where all mail is stored as one account it is the site, so no sender's bounce. */
static void judge_disk_quota(struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	bool is_account = delivery->recipient->is_self;
	for (size_t i = 0; i < settings->user_source_count && delivery->has_user; i++) {
		if (strcmp(settings->users[i].title, delivery->user.source) == 0)
			is_account = strcmp(settings->users[i].driver, "passwd") == 0;
	}
	if (delivery->status.cause == CAUSE_MAILBOX_FULL_FOR_NOW && is_account &&
	    settings->quota.over == QUOTA_OVER_REFUSE)
		delivery->status.cause = CAUSE_MAILBOX_FULL;
}

/* In the order of enum pipeline_step. */
static bool (*const steps[PIPELINE_END])(struct pipeline *, struct delivery *, struct status *) = {
    [PIPELINE_USER] = open_it,
    [PIPELINE_ADMIT] = admit,
    [PIPELINE_DECIDE] = decide,
    [PIPELINE_VET] = vet,
    [PIPELINE_WRITE] = write_it,
    [PIPELINE_SYNC] = sync_it,
    [PIPELINE_PUBLISH] = publish,
    [PIPELINE_COMMIT] = commit,
};

/* -- the way ----------------------------------------------------------------------------------- */

static void watch(const struct delivery *delivery, enum pipeline_step step, size_t index)
{
	const struct pipeline_watch *watcher = delivery->call->watch;
	if (watcher != NULL)
		watcher->begins(
		    watcher->context, step, index, delivery->has_user ? &delivery->user : NULL);
}

/* `first` is the number of the first of these among the call's recipients. */
static void take_step(struct pipeline *pipeline, struct delivery *deliveries, size_t first,
    size_t count, enum pipeline_step step)
{
	for (size_t i = 0; i < count; i++) {
		struct delivery *delivery = &deliveries[i];
		if (delivery->is_over || delivery->is_stored)
			continue;
		watch(delivery, step, first + i);
		if (!steps[step](pipeline, delivery, &delivery->status))
			delivery->is_over = true;
		if (delivery->is_over || step == PIPELINE_COMMIT)
			watch(delivery, PIPELINE_END, first + i);
	}
}

/* What is handed on to another server: if all these deliveries held a connection until the last
 * has written, they could be more than that server serves at once. */
static void store_one_by_one(
    struct pipeline *pipeline, struct delivery *deliveries, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct delivery *delivery = &deliveries[i];
		if (delivery->is_over || !store_takes_one_copy(delivery->store))
			continue;
		for (enum pipeline_step step = PIPELINE_WRITE; step < PIPELINE_END; step++)
			take_step(pipeline, delivery, first + i, 1, step);
		delivery->is_stored = true;
	}
}

static void go(struct pipeline *pipeline, struct delivery *deliveries, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		deliveries[i].is_one_of_many = count > 1;
	for (enum pipeline_step step = PIPELINE_USER; step < PIPELINE_WRITE; step++)
		take_step(pipeline, deliveries, first, count, step);
	store_one_by_one(pipeline, deliveries, first, count);
	for (enum pipeline_step step = PIPELINE_WRITE; step < PIPELINE_END; step++) {
		if (step == PIPELINE_SYNC || step == PIPELINE_COMMIT)
			copies_sync_ahead(deliveries, count);
		take_step(pipeline, deliveries, first, count, step);
	}
	for (size_t i = 0; i < count; i++) {
		if (!deliveries[i].is_over && deliveries[i].is_refused)
			deliveries[i].status = deliveries[i].refusal;
		else if (!deliveries[i].is_over)
			status_delivered(&deliveries[i].status);
		else
			judge_disk_quota(&deliveries[i]);
		copies_end(&deliveries[i]);
	}
}

struct delivery pipeline_begin(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct pipeline_recipient *recipient)
{
	return (struct delivery){
	    .arena = pipeline->batch_arena,
	    .settings = pipeline->settings,
	    .call = call,
	    .relays = pipeline->relays,
	    .recipient = recipient,
	    .envelope = envelope,
	    .is_probe =
	        call->is_probe || settings_is_probe_sender(pipeline->settings, &envelope->sender),
	    .started_ms = clock_monotonic_ms(),
	};
}

/* A server behind us is asked as well; later it answers for itself. Fullness is no answer to a
 * probe (doc/design.md, "Who answers what"). */
static bool ask_behind(const struct delivery *delivery, struct status *status)
{
	return store_accepts(delivery->store, status) ||
	       (delivery->is_probe && status->enhanced[0] != '\0' &&
	           strcmp(status->enhanced + 1, ".2.2") == 0);
}

bool pipeline_admit(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct pipeline_recipient *recipient,
    struct status *status)
{
	struct delivery delivery = pipeline_begin(pipeline, call, envelope, recipient);
	open_record(pipeline);
	take_step(pipeline, &delivery, 0, 1, PIPELINE_USER);
	take_step(pipeline, &delivery, 0, 1, PIPELINE_ADMIT);
	if (!delivery.is_over && !ask_behind(&delivery, &delivery.status))
		delivery.is_over = true;
	watch(&delivery, PIPELINE_END, 0);
	if (!delivery.is_over) {
		status_delivered(&delivery.status);
		remember(pipeline, &delivery);
	}
	plugin_set_settle(&pipeline->plugins, &delivery);
	delivery_close(&delivery);
	*status = delivery.status;
	arena_reset(pipeline->batch_arena);
	return status_is_success(status);
}

static void look_for_replay(
    struct pipeline *pipeline, const struct pipeline_call *call, const struct spool *spool)
{
	pipeline->replay.spool = spool;
	pipeline->replay.counts = call->lost_replies;
	pipeline->replay.has_digest = false;
}

static void log_trouble(const struct delivery *delivery)
{
	const struct status *status = &delivery->status;
	if (!status_is_success(status) && !status_is_permanent(status))
		log_write(LOG_LEVEL_ERROR, "%s: <%.*s>: %s", delivery->call->id,
		    (int)delivery->recipient->envelope.address.text.len,
		    delivery->recipient->envelope.address.text.data,
		    status->detail[0] != '\0' ? status->detail : status->text);
}

static void deliver_batch(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct incoming *incoming, const struct pipeline_recipient *recipients, size_t first,
    size_t count, struct delivery *deliveries)
{
	struct arena *arena = pipeline->batch_arena;
	struct pipeline_recipient *own = arena_new_items(arena, count, sizeof(*own));
	for (size_t i = 0; i < count; i++) {
		own[i] = recipients[i];
		deliveries[i] = pipeline_begin(pipeline, call, &incoming->envelope, &own[i]);
		if (!incoming->is_read) {
			deliveries[i].status = incoming->trouble;
			deliveries[i].is_over = true;
			continue;
		}
		deliveries[i].replay = call->lost_replies != NULL ? &pipeline->replay : NULL;
		incoming_give(incoming, &deliveries[i], &own[i]);
		if (geteuid() == 0 && count > 1) {
			status_fail(&deliveries[i].status, CAUSE_INTERNAL,
			    "one process of root was given several recipients");
			deliveries[i].is_over = true;
		}
	}
	go(pipeline, deliveries, first, count);
}

/* What does not change the answer, after it was given. */
static void finish_batch(struct pipeline *pipeline, struct delivery *deliveries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct delivery *delivery = &deliveries[i];
		story_write(pipeline->story, delivery);
		plugin_set_settle(&pipeline->plugins, delivery);
		delivery_close(delivery);
		record_write(pipeline->record, delivery);
		log_trouble(delivery);
		if (delivery->call->sends_at_once && flush_is_wanted(delivery))
			flush_detached(delivery);
	}
}

void pipeline_deliver(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count, struct status *statuses_out,
    void (*told)(void *context, size_t index, const struct status *status), void *context)
{
	struct incoming incoming;
	open_record(pipeline);
	incoming_read(pipeline->message_arena, envelope, spool, &incoming);
	look_for_replay(pipeline, call, spool);
	for (size_t at = 0; at < count; at += BATCH_MAX) {
		size_t part = count - at < BATCH_MAX ? count - at : BATCH_MAX;
		struct delivery *deliveries =
		    arena_new_items(pipeline->batch_arena, part, sizeof(*deliveries));
		deliver_batch(pipeline, call, &incoming, recipients + at, at, part, deliveries);
		for (size_t i = 0; i < part; i++) {
			statuses_out[at + i] = deliveries[i].status;
			if (told != NULL)
				told(context, at + i, &statuses_out[at + i]);
		}
		finish_batch(pipeline, deliveries, part);
		arena_reset(pipeline->batch_arena);
	}
	arena_reset(pipeline->message_arena);
}

void pipeline_remember(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count)
{
	look_for_replay(pipeline, call, spool);
	for (size_t i = 0; i < count; i++) {
		struct delivery delivery = pipeline_begin(pipeline, call, envelope, &recipients[i]);
		struct span to = recipients[i].envelope.address.text;
		struct status status;
		delivery.known = recall(pipeline, &delivery);
		bool is_good = delivery_open(&delivery, pipeline->users, &status) &&
		               replay_remember(&pipeline->replay, &delivery, &status);
		log_write(is_good ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		    "id=%s: the reply about <%.*s> was lost%s%s", call->id, (int)to.len, to.data,
		    is_good ? ", and is remembered" : "; it is not remembered: ",
		    is_good ? "" : status.detail);
		delivery_close(&delivery);
		arena_reset(pipeline->batch_arena);
	}
}
