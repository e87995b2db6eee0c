/* pipeline_errands.c - what a pipeline does besides delivering: what would become of a message, who
 * a user is, what their quota is, what waits in their outbox, what became of an old delivery. Each
 * goes the way of a delivery (pipeline.c) as far as it needs and no further. */
#include "deliver/pipeline_errands.h"

#include "deliver/flush.h"
#include "deliver/incoming.h"
#include "deliver/pipeline_inside.h"
#include "deliver/plugin_quota.h"
#include "deliver/plugin_sieve.h"
#include "deliver/state.h"
#include "deliver/story.h"
#include "deliver/user_sources.h"

static bool rehearse(struct pipeline *pipeline, struct delivery *delivery, struct status *status)
{
	status_delivered(status);
	delivery->implicit_keep = true;
	if (!delivery_open(delivery, pipeline->users, status) ||
	    !plugin_sieve_rehearse(delivery, status))
		return false;
	if (!pipeline_judge(delivery, status) && status->cause != CAUSE_REJECTED)
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
	incoming_read(pipeline->message_arena, envelope, spool, &incoming);
	struct delivery delivery = pipeline_begin(pipeline, call, &incoming.envelope, &own);
	bool is_good = incoming.is_read;
	delivery.rehearsal = rehearsal;
	*status = incoming.trouble;
	if (is_good) {
		incoming_give(&incoming, &delivery, &own);
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
	if (!plugin_set_show(&pipeline->plugins, delivery, to, status))
		return false;
	is_good = plugin_set_admit(&pipeline->plugins, delivery, status);
	bytes_appendf(
	    to, "mail      %s\n", is_good ? "would be accepted" : "would not be accepted");
	return is_good;
}

bool pipeline_show(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, struct bytes *to, struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = pipeline_begin(pipeline, call, &envelope, recipient);
	bool is_good = show(pipeline, &delivery, to, status);
	plugin_set_settle(&pipeline->plugins, &delivery);
	delivery_close(&delivery);
	arena_reset(pipeline->batch_arena);
	return is_good;
}

bool pipeline_quota(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct pipeline_recipient *recipient, bool is_anew, struct quota_usage *usage_out,
    struct quota_limit *limit_out, struct status *status)
{
	struct envelope envelope = {.sender = {.text = SPAN("")}};
	struct delivery delivery = pipeline_begin(pipeline, call, &envelope, recipient);
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
	struct delivery delivery = pipeline_begin(pipeline, call, &envelope, &flush->recipient);
	bool is_good = delivery_open(&delivery, pipeline->users, status);
	if (is_good && flush->maker >= 0 && (uid_t)flush->maker != delivery.user.uid)
		is_good = status_fail(
		    status, CAUSE_USER_UNKNOWN, "announced by uid %lld", (long long)flush->maker);
	/* Deliveries announce whom they found; by other names of theirs users could be many. */
	if (is_good && flush->maker >= 0 &&
	    !span_equals(flush->recipient.user_name, delivery.user.name))
		is_good = status_fail(status, CAUSE_USER_UNKNOWN, "their name is \"%.*s\"",
		    (int)delivery.user.name.len, delivery.user.name.data);
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
	struct delivery delivery = pipeline_begin(pipeline, call, &envelope, recipient);
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
