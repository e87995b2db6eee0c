#include "lmtp-bridge/policy.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct policy {
	struct arena *arena; /* for one request */
	struct bytes line;   /* not yet whole */
	struct bytes output;
	size_t attribute_count;
	bool refuses_unknown;
	bool is_our_state;
	bool is_asking;
	bool is_closed;
	struct span sender;
	struct span recipient;
	uint64_t size_bytes;
	struct envelope envelope;
	struct envelope_recipient asked;
};

struct policy *policy_new(bool refuses_unknown)
{
	struct policy *policy = memory_new(1, sizeof(*policy));
	policy->arena = arena_new();
	policy->refuses_unknown = refuses_unknown;
	return policy;
}

void policy_free(struct policy **policy)
{
	if (*policy == NULL)
		return;
	arena_free(&(*policy)->arena);
	bytes_clear(&(*policy)->line);
	bytes_clear(&(*policy)->output);
	free(*policy);
	*policy = NULL;
}

static void forget_request(struct policy *policy)
{
	arena_reset(policy->arena);
	policy->attribute_count = 0;
	policy->is_our_state = false;
	policy->sender = policy->recipient = span_of("");
	policy->size_bytes = 0;
}

static void say(struct policy *policy, const char *action)
{
	bytes_appendf(&policy->output, "action=%s\n\n", action);
	forget_request(policy);
}

static void take_attribute(struct policy *policy, struct span line)
{
	struct span name = span_first(line, span_find(line, '='));
	struct span value = span_from(line, name.len + 1);
	if (span_is(name, "protocol_state"))
		policy->is_our_state = span_is(value, "RCPT") || span_is(value, "END-OF-MESSAGE");
	else if (span_is(name, "sender"))
		policy->sender = arena_span(policy->arena, value);
	else if (span_is(name, "recipient"))
		policy->recipient = arena_span(policy->arena, value);
	else if (span_is(name, "size"))
		(void)number_parse(value, UINT64_MAX, &policy->size_bytes);
}

static enum policy_event end_request(struct policy *policy)
{
	policy->envelope = (struct envelope){.size_bytes = policy->size_bytes};
	policy->asked = (struct envelope_recipient){0};
	if (!policy->is_our_state || policy->recipient.len == 0 ||
	    !address_parse(policy->arena, policy->recipient, &policy->asked.address, NULL) ||
	    !address_parse(policy->arena, policy->sender, &policy->envelope.sender, NULL)) {
		say(policy, "DUNNO");
		return POLICY_EVENT_NONE;
	}
	policy->is_asking = true;
	return POLICY_EVENT_ASK;
}

static enum policy_event end_line(struct policy *policy)
{
	enum policy_event event = POLICY_EVENT_NONE;
	struct span line = bytes_span(&policy->line);
	if (line.len == 0 && policy->attribute_count > 0)
		event = end_request(policy);
	else if (span_find(line, '=') == line.len ||
	         ++policy->attribute_count > POLICY_ATTRIBUTES_MAX)
		event = POLICY_EVENT_CLOSE;
	else
		take_attribute(policy, line);
	bytes_reset(&policy->line);
	return event;
}

size_t policy_step(struct policy *policy, const char *in, size_t len, enum policy_event *event_out)
{
	size_t taken = 0;
	*event_out = policy->is_closed ? POLICY_EVENT_CLOSE : POLICY_EVENT_NONE;
	while (taken < len && *event_out == POLICY_EVENT_NONE && !policy->is_asking) {
		const char *lf = memchr(in + taken, '\n', len - taken);
		size_t part = (lf == NULL ? len : (size_t)(lf - in)) - taken;
		if (policy->line.len + part > POLICY_LINE_MAX) {
			*event_out = POLICY_EVENT_CLOSE;
			break;
		}
		bytes_append(&policy->line, in + taken, part);
		taken += part + (lf == NULL ? 0 : 1);
		if (lf != NULL)
			*event_out = end_line(policy);
	}
	policy->is_closed = *event_out == POLICY_EVENT_CLOSE;
	return taken;
}

const struct envelope *policy_envelope(const struct policy *policy)
{
	return &policy->envelope;
}

const struct envelope_recipient *policy_recipient(const struct policy *policy)
{
	return &policy->asked;
}

static bool is_told(const struct policy *policy, enum cause cause)
{
	if (cause == CAUSE_USER_UNKNOWN || cause == CAUSE_USER_DISABLED)
		return policy->refuses_unknown;
	return cause == CAUSE_MAILBOX_FULL || cause == CAUSE_MAILBOX_FULL_FOR_NOW ||
	       cause == CAUSE_MESSAGE_TOO_LARGE;
}

void policy_answer(struct policy *policy, const struct status *status)
{
	assert(policy->is_asking);
	policy->is_asking = false;
	if (!is_told(policy, status->cause)) {
		say(policy, "DUNNO");
		return;
	}
	/* access(5): a reply code as action makes Postfix refuse with that reply, at once. The text
	 * is one line there. */
	struct span text = span_first(span_of(status->text), strcspn(status->text, "\n"));
	say(policy, arena_textf(policy->arena, "%d %s %.*s", status_reply(status),
	                status_enhanced(status), (int)text.len, text.data));
}

struct bytes *policy_output(struct policy *policy)
{
	return &policy->output;
}
