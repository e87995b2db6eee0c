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

#include "deliver/delivery.h"
#include "deliver/flush.h"
#include "deliver/plugin.h"
#include "deliver/programs.h"
#include "deliver/plugin_quota.h"
#include "deliver/plugin_sieve.h"
#include "deliver/queue_id.h"
#include "deliver/record.h"
#include "deliver/replay.h"
#include "deliver/state.h"
#include "deliver/story.h"
#include "deliver/user_sources.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "mail/top_block.h"
#include "store/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many at a time: each holds descriptors and its own version of the header. */
#define BATCH_MAX 32
_Static_assert(BATCH_MAX <= RELAY_LINES_MAX, "each may have one for its copy");

struct pipeline {
	const struct settings *settings;
	struct users *users;
	struct record *record;
	struct story *story;
	struct relay_pool *relays;
	const struct plugin *plugins[PLUGIN_MAX];
	void *states[PLUGIN_MAX];
	size_t plugin_count;
	struct replay replay; /* of the message */
	struct arena *message_arena;
	struct arena *batch_arena;
	/* Whom pipeline_admit() let in last, in an arena of its own. */
	struct arena *admitted_arena;
	const char *admitted_id; /* of the call; null: nobody */
	struct span admitted_address;
	struct user admitted;
};

/* -- opening ----------------------------------------------------------------------------------- */

static bool open_plugins(struct pipeline *pipeline, struct status *status)
{
	const struct text_list *names = &pipeline->settings->plugins;
	for (size_t i = 0; i < names->count; i++) {
		const struct plugin *plugin = plugin_find(names->items[i]);
		size_t at = pipeline->plugin_count;
		if (plugin == NULL)
			return status_fail(status, CAUSE_CONFIGURATION,
			    "plugins: there is no \"%s\"; there are %s", names->items[i],
			    plugin_names());
		for (size_t k = 0; k < at; k++) {
			if (pipeline->plugins[k] == plugin)
				return status_fail(status, CAUSE_CONFIGURATION,
				    "plugins: \"%s\" is there twice", names->items[i]);
		}
		pipeline->plugins[at] = plugin;
		if (plugin->open != NULL) {
			pipeline->states[at] = plugin->open(pipeline->settings, status);
			if (pipeline->states[at] == NULL)
				return false;
		}
		pipeline->plugin_count++;
	}
	return true;
}

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
	    !open_plugins(pipeline, status)) {
		pipeline_close(&pipeline);
		return NULL;
	}
	pipeline->record = record_open(&settings->record);
	return pipeline;
}

void pipeline_close(struct pipeline **pipeline)
{
	struct pipeline *p = *pipeline;
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->plugin_count; i++) {
		if (p->plugins[i]->close != NULL)
			p->plugins[i]->close(p->states[i]);
	}
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
	if (delivery->call->is_admitted)
		return true;
	for (size_t i = 0; i < pipeline->plugin_count; i++) {
		const struct plugin *plugin = pipeline->plugins[i];
		if (plugin->admit != NULL && !plugin->admit(pipeline->states[i], delivery, status))
			return false;
	}
	return true;
}

static void add_implicit_keep(struct delivery *delivery)
{
	struct action *keep = action_add(delivery->arena, &delivery->actions, ACTION_KEEP);
	keep->is_implicit = true;
	keep->flags = delivery->keep.flags;
	keep->flag_count = delivery->keep.flag_count;
	keep->message = delivery->keep.message;
}

/* What plugins want, against what can be. */
static bool judge(struct delivery *delivery, struct status *status)
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
	for (size_t i = 0; i < pipeline->plugin_count; i++) {
		const struct plugin *plugin = pipeline->plugins[i];
		if (plugin->decide != NULL &&
		    !plugin->decide(pipeline->states[i], delivery, status))
			return false;
	}
	return judge(delivery, status) && sending_plan(delivery, status);
}

static bool vet(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < pipeline->plugin_count; i++) {
		const struct plugin *plugin = pipeline->plugins[i];
		if (plugin->vet != NULL && !plugin->vet(pipeline->states[i], delivery, status))
			return false;
	}
	return true;
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

static void settle(struct pipeline *pipeline, struct delivery *delivery)
{
	for (size_t i = 0; i < pipeline->plugin_count; i++) {
		const struct plugin *plugin = pipeline->plugins[i];
		if (plugin->settle != NULL)
			plugin->settle(pipeline->states[i], delivery);
	}
	delivery_close(delivery);
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
	for (enum pipeline_step step = PIPELINE_WRITE; step < PIPELINE_END; step++)
		take_step(pipeline, deliveries, first, count, step);
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

static struct delivery begin(struct pipeline *pipeline, const struct pipeline_call *call,
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
	struct delivery delivery = begin(pipeline, call, envelope, recipient);
	take_step(pipeline, &delivery, 0, 1, PIPELINE_USER);
	take_step(pipeline, &delivery, 0, 1, PIPELINE_ADMIT);
	if (!delivery.is_over && !ask_behind(&delivery, &delivery.status))
		delivery.is_over = true;
	watch(&delivery, PIPELINE_END, 0);
	if (!delivery.is_over) {
		status_delivered(&delivery.status);
		remember(pipeline, &delivery);
	}
	settle(pipeline, &delivery);
	*status = delivery.status;
	arena_reset(pipeline->batch_arena);
	return status_is_success(status);
}

/* A message as it came, read once for all its recipients. */
struct incoming {
	bool is_read; /* else `trouble` says why not */
	struct status trouble;
	struct message message;
	struct top_block block;
	struct envelope envelope;
};

static void read_incoming(struct pipeline *pipeline, const struct envelope *envelope,
    const struct spool *spool, struct incoming *incoming)
{
	struct arena *arena = pipeline->message_arena;
	struct message whole;
	bool is_stdin = envelope->protocol.data == NULL;
	*incoming = (struct incoming){.envelope = *envelope};
	if (!message_open(arena, spool, &whole, &incoming->trouble))
		return;
	incoming->is_read = true;
	incoming->message = top_block_take(arena, &whole, is_stdin, &incoming->block);
	if (envelope->sender.text.data == NULL && incoming->block.has_sender)
		incoming->envelope.sender = incoming->block.sender;
	if (envelope->queue_id.data == NULL)
		incoming->envelope.queue_id = queue_id_find(arena, incoming->message.head);
}

/* The version for one recipient. */
static void give_message(struct delivery *delivery, const struct incoming *incoming,
    struct pipeline_recipient *recipient)
{
	if (recipient->envelope.original.text.data == NULL && incoming->block.has_original)
		recipient->envelope.original = incoming->block.original;
	delivery->message = top_block_write(delivery->arena, &incoming->message, &incoming->block,
	    &incoming->envelope, &recipient->envelope, delivery->settings->hostname,
	    delivery->call->id);
	delivery->top_bytes =
	    delivery->message.head.len - incoming->message.head.len + incoming->block.len;
	delivery->has_message = true;
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
		deliveries[i] = begin(pipeline, call, &incoming->envelope, &own[i]);
		if (!incoming->is_read) {
			deliveries[i].status = incoming->trouble;
			deliveries[i].is_over = true;
			continue;
		}
		deliveries[i].replay = call->lost_replies != NULL ? &pipeline->replay : NULL;
		give_message(&deliveries[i], incoming, &own[i]);
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
		settle(pipeline, delivery);
		record_write(pipeline->record, delivery);
		log_trouble(delivery);
		if (delivery->outgoing_count > 0 && delivery->call->sends_at_once &&
		    delivery->copies[delivery->copy_count].is_kept)
			flush_detached(delivery);
	}
}

void pipeline_deliver(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count, struct status *statuses_out,
    void (*told)(void *context, size_t index, const struct status *status), void *context)
{
	struct incoming incoming;
	read_incoming(pipeline, envelope, spool, &incoming);
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
		struct delivery delivery = begin(pipeline, call, envelope, &recipients[i]);
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

/* -- for people -------------------------------------------------------------------------------- */

static bool rehearse(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	status_delivered(status);
	delivery->implicit_keep = true;
	if (!delivery_open(delivery, pipeline->users, status) ||
	    !plugin_sieve_rehearse(delivery, status))
		return false;
	if (!judge(delivery, status) && status->cause != CAUSE_REJECTED)
		return false;
	delivery->rehearsal->decided(delivery->rehearsal->context, delivery, status);
	return true;
}

bool pipeline_rehearse(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipient, const struct pipeline_rehearsal *rehearsal,
    struct status *status)
{
	struct incoming incoming;
	struct pipeline_recipient own = *recipient;
	read_incoming(pipeline, envelope, spool, &incoming);
	struct delivery delivery = begin(pipeline, call, &incoming.envelope, &own);
	bool is_good = incoming.is_read;
	delivery.rehearsal = rehearsal;
	*status = incoming.trouble;
	if (is_good) {
		give_message(&delivery, &incoming, &own);
		is_good = rehearse(pipeline, &delivery, status);
	}
	delivery_close(&delivery);
	arena_reset(pipeline->batch_arena);
	arena_reset(pipeline->message_arena);
	return is_good;
}

static bool show(
    struct pipeline *pipeline, struct delivery *delivery, struct bytes *to, struct status *status)
{
	const struct user *user = &delivery->user;
	bool is_good = delivery_open(delivery, pipeline->users, status);
	if (delivery->has_user)
		bytes_appendf(to,
		    "user      %.*s, from source \"%s\", uid %lu, gid %lu, home %.*s\n",
		    (int)user->name.len, user->name.data, user->source, (unsigned long)user->uid,
		    (unsigned long)user->gid, (int)user->home.len, user->home.data);
	if (!is_good)
		return false;
	struct span mail = user_field(user, "mail");
	struct span root = store_quota_root(delivery->store);
	if (root.data == NULL)
		root = mail.len > 0 ? mail : span_of(delivery->settings->store.location);
	bytes_appendf(to, "store     %.*s (%s)\n", (int)root.len, root.data,
	    mail.len > 0 ? "from the user's field mail" : "from store.location");
	for (size_t i = 0; is_good && i < pipeline->plugin_count; i++) {
		const struct plugin *plugin = pipeline->plugins[i];
		if (plugin->show != NULL)
			is_good = plugin->show(pipeline->states[i], delivery, to, status);
	}
	if (!is_good)
		return false;
	is_good = admit(pipeline, delivery, status);
	bytes_appendf(
	    to, "mail      %s\n", is_good ? "would be accepted" : "would not be accepted");
	return is_good;
}

bool pipeline_show(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, struct bytes *to, struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = begin(pipeline, call, &envelope, recipient);
	bool is_good = show(pipeline, &delivery, to, status);
	settle(pipeline, &delivery);
	arena_reset(pipeline->batch_arena);
	return is_good;
}

bool pipeline_quota(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, bool is_anew, struct quota_usage *usage_out,
    struct quota_limit *limit_out, struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = begin(pipeline, call, &envelope, recipient);
	bool is_good = delivery_open(&delivery, pipeline->users, status) &&
	               plugin_quota_figures(&delivery, is_anew, usage_out, limit_out, status);
	delivery_close(&delivery);
	arena_reset(pipeline->batch_arena);
	return is_good;
}

bool pipeline_flush(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_flush *flush, struct outbox_tally *tally_out, struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = begin(pipeline, call, &envelope, &flush->recipient);
	bool is_good = delivery_open(&delivery, pipeline->users, status);
	if (is_good && flush->maker >= 0 && (uid_t)flush->maker != delivery.user.uid)
		is_good = status_fail(status, CAUSE_USER_UNKNOWN,
		    "outgoing mail of \"%.*s\" was announced by uid %lld",
		    (int)delivery.user.name.len, delivery.user.name.data, (long long)flush->maker);
	is_good = is_good && flush_outbox(&delivery, flush->srs, tally_out, status);
	delivery_close(&delivery);
	arena_reset(pipeline->batch_arena);
	return is_good;
}

bool pipeline_explain(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, struct span id, FILE *out, unsigned *count_out,
    struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = begin(pipeline, call, &envelope, recipient);
	const char *directory = NULL;
	if (delivery_open(&delivery, pipeline->users, status))
		directory = state_is_shared(&delivery) ? state_shared_directory(pipeline->settings)
		                                       : state_directory_path(&delivery, status);
	if (directory != NULL)
		*count_out = story_print(directory, id, out);
	delivery_close(&delivery);
	arena_reset(pipeline->batch_arena);
	return directory != NULL;
}

bool pipeline_walk(struct pipeline *pipeline, bool (*each)(void *context, const struct user *user),
    void *context, struct status *status)
{
	return users_walk(pipeline->users, each, context, status);
}
