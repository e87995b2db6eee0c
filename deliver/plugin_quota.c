/* plugin_quota.c - the quota engine as a plugin: whose rules, which folders, what is said.
 *
 * A user's own fields go before the site's rules. Without any rule nothing is opened or read. */
#include "deliver/plugin_quota.h"

#include "deliver/expand.h"
#include "deliver/plugin.h"
#include "deliver/quota_warning.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct quota_rule *gather_rules(
    struct delivery *delivery, size_t *count_out, struct status *status)
{
	const struct quota_settings *settings = &delivery->settings->quota;
	const struct user *user = &delivery->user;
	struct quota_rule *rules = arena_new_items(
	    delivery->arena, user->field_count + settings->rule_count + 1, sizeof(*rules));
	size_t count = 0;
	for (size_t i = 0; i < user->field_count; i++) {
		const struct user_field *field = &user->fields[i];
		switch (quota_rule_from_field(
		    delivery->arena, field->name, field->value, &rules[count], status)) {
		case QUOTA_FIELD_RULE:
			count++;
			break;
		case QUOTA_FIELD_OTHER:
			break;
		case QUOTA_FIELD_NONSENSE:
			return NULL;
		}
	}
	for (size_t i = 0; i < settings->rule_count; i++) {
		const struct rule_settings *rule = &settings->rules[i];
		rules[count++] = (struct quota_rule){.folder = rule->title,
		    .storage = rule->storage[0] != '\0' ? rule->storage : NULL,
		    .messages = rule->messages[0] != '\0' ? rule->messages : NULL};
	}
	*count_out = count;
	return rules;
}

static bool make_options(
    struct delivery *delivery, struct quota_options *options_out, struct status *status)
{
	const struct quota_settings *settings = &delivery->settings->quota;
	const struct store_settings *store = &delivery->settings->store;
	*options_out = (struct quota_options){
	    .grace_bytes = settings->grace_bytes,
	    .message_max_bytes = settings->message_max_bytes,
	    .utf8_names = store->utf8_names,
	};
	options_out->rules = gather_rules(delivery, &options_out->rule_count, status);
	return options_out->rules != NULL &&
	       (store->sentinel[0] == '\0' ||
	           expand(delivery->arena, "store.sentinel", store->sentinel, &delivery->user,
	               &options_out->sentinel, status));
}

/* Opens delivery->quota, or leaves it null where there is nothing to limit. */
static bool open_quota(struct delivery *delivery, struct status *status)
{
	struct span root = store_quota_root(delivery->store);
	struct quota_options options;
	if (delivery->quota != NULL)
		return true;
	if (!make_options(delivery, &options, status))
		return false;
	if (root.data == NULL || (options.rule_count == 0 && options.message_max_bytes == 0))
		return true;
	delivery->quota =
	    quota_open(delivery->arena, arena_text(delivery->arena, root), &options, status);
	return delivery->quota != NULL;
}

bool plugin_quota_figures(struct delivery *delivery, bool is_anew, struct quota_usage *usage_out,
    struct quota_limit *limit_out, struct status *status)
{
	struct span root = store_quota_root(delivery->store);
	struct quota_options options;
	if (root.data == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "this store counts no quota");
	if (!make_options(delivery, &options, status))
		return false;
	struct quota *quota =
	    quota_open(delivery->arena, arena_text(delivery->arena, root), &options, status);
	bool is_good = quota != NULL && (!is_anew || quota_recalculate(quota, usage_out, status)) &&
	               quota_show(quota, usage_out, limit_out, status);
	quota_close(&quota);
	return is_good;
}

/* What an answer means; false for a refusal or trouble, with the status set. */
static bool judge(struct delivery *delivery, enum quota_answer answer, struct status *status)
{
	const struct span who = delivery->recipient->envelope.address.text;
	bool is_final = delivery->settings->quota.over == QUOTA_OVER_REFUSE;
	switch (answer) {
	case QUOTA_FITS:
	case QUOTA_FITS_IN_GRACE:
		return true;
	case QUOTA_FULL:
		return status_setf(status,
		    is_final ? CAUSE_MAILBOX_FULL : CAUSE_MAILBOX_FULL_FOR_NOW,
		    "<%.*s> Quota exceeded (mailbox for user is full)", (int)who.len, who.data);
	case QUOTA_NEVER_FITS:
		return status_setf(status, CAUSE_MESSAGE_TOO_LARGE,
		    "<%.*s> Message is larger than this mailbox can hold", (int)who.len, who.data);
	case QUOTA_CANNOT_TELL:
		break;
	}
	return false;
}

static bool admit(void *state, struct delivery *delivery, struct status *status)
{
	uint64_t bytes =
	    delivery->has_message ? delivery->message.size_bytes : delivery->envelope->size_bytes;
	(void)state;
	struct span field = user_field(&delivery->user, "quota_at_rcpt");
	bool is_asked = field.data == NULL
	                    ? delivery->settings->quota.at_rcpt
	                    : !span_is_nocase(field, "no") && !span_is_nocase(field, "false");
	if (!open_quota(delivery, status))
		return false;
	if (delivery->quota == NULL || !is_asked)
		return true;
	enum quota_answer answer = quota_ask(delivery->quota, delivery->folder, bytes, status);
	/* Existence is verification's business, fullness is not; nor is it one's whether the
	 * figures could be had. */
	if (delivery->is_probe && (answer == QUOTA_FULL || answer == QUOTA_CANNOT_TELL))
		return true;
	return judge(delivery, answer, status);
}

static bool vet(void *state, struct delivery *delivery, struct status *status)
{
	(void)state;
	if (!open_quota(delivery, status))
		return false;
	if (delivery->quota == NULL || delivery->copy_count == 0)
		return true;
	struct quota_item *items =
	    arena_new_items(delivery->arena, delivery->copy_count, sizeof(*items));
	for (size_t i = 0; i < delivery->copy_count; i++) {
		items[i].folder = delivery->copies[i].folder;
		items[i].bytes = delivery->copies[i].message->size_bytes;
	}
	return judge(
	    delivery, quota_reserve(delivery->quota, items, delivery->copy_count, status), status);
}

static void warn(const struct quota_warning *warnings, struct delivery *delivery,
    const struct quota_change *change)
{
	const struct quota_settings *settings = &delivery->settings->quota;
	size_t due = quota_warning_due(warnings, settings->warning_count, change);
	if (due < settings->warning_count && settings->warnings[due].command[0] != '\0')
		quota_warning_run(delivery, &settings->warnings[due], change);
}

static void settle(void *state, struct delivery *delivery)
{
	struct quota_item *items =
	    arena_new_items(delivery->arena, delivery->copy_count + 1, sizeof(*items));
	struct quota_change change;
	size_t count = 0;
	if (delivery->quota == NULL)
		return;
	for (size_t i = 0; i < delivery->copy_count; i++) {
		const struct delivery_copy *copy = &delivery->copies[i];
		if (copy->is_kept)
			items[count++] = (struct quota_item){
			    .folder = copy->folder, .bytes = copy->message->size_bytes};
	}
	quota_settle(delivery->quota, items, count, &change);
	quota_close(&delivery->quota);
	warn(state, delivery, &change);
}

static void append_amount(struct bytes *to, uint64_t used, uint64_t limit, const char *unit)
{
	if (limit == 0)
		bytes_appendf(to, "%" PRIu64 "%s of no limit", used, unit);
	else
		bytes_appendf(to, "%" PRIu64 "%s of %" PRIu64 "%s (%" PRIu64 " %%)", used, unit,
		    limit, unit, limit >= 100 ? used / (limit / 100) : used * 100 / limit);
}

static bool show(void *state, struct delivery *delivery, struct bytes *to, struct status *status)
{
	struct quota_usage usage;
	struct quota_limit limit;
	(void)state;
	if (!open_quota(delivery, status))
		return false;
	if (delivery->quota == NULL) {
		bytes_append_text(to, "quota     none\n");
		return true;
	}
	if (!quota_show(delivery->quota, &usage, &limit, status))
		return false;
	bytes_append_text(to, "quota     ");
	append_amount(to, usage.storage_bytes / 1024, limit.storage_bytes / 1024, "K");
	bytes_append_text(to, ", ");
	append_amount(to, usage.message_count, limit.message_count, " messages");
	bytes_appendf(to, "; over it: %s\n",
	    delivery->settings->quota.over == QUOTA_OVER_REFUSE ? "refuse" : "defer");
	return true;
}

/* The state is the warnings, understood, in the order of the settings. */
static void *open_plugin(const struct settings *settings, struct status *status)
{
	const struct quota_settings *quota = &settings->quota;
	if (strcmp(quota->driver, "maildir++") != 0) {
		status_fail(status, CAUSE_CONFIGURATION,
		    "quota.driver = \"%s\": write \"maildir++\"", quota->driver);
		return NULL;
	}
	struct quota_warning *warnings = memory_new(quota->warning_count + 1, sizeof(*warnings));
	for (size_t i = 0; i < quota->warning_count; i++) {
		const char *title = quota->warnings[i].title;
		if (!quota_warning_parse(span_of(title), &warnings[i])) {
			status_fail(status, CAUSE_CONFIGURATION,
			    "quota: warning \"%s\": write a percentage, \"95%%\"", title);
			free(warnings);
			return NULL;
		}
	}
	return warnings;
}

const struct plugin plugin_quota = {
    .name = "quota",
    .open = open_plugin,
    .close = free,
    .admit = admit,
    .vet = vet,
    .settle = settle,
    .show = show,
};
