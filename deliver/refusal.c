/* refusal.c - a script refuses (RFC 5429): in the protocol, or by mail.
 *
 * One script cannot refuse and deliver; but one before it in the sequence may have filed or sent
 * the message already. Refused in the protocol it would be a failure to its sender and a success
 * to others, and a retry by another way would double it: so such a refusal is mailed, and the
 * delivery is a success. */
#include "deliver/delivery.h"

#include "base/utf8.h"

#include <string.h>

static const char unspeakable[] =
    "The recipient's filter refused this message; what it says cannot be shown in ASCII";

static const struct action *find_refusal(const struct action_list *actions)
{
	const struct action *action = actions->first;
	while (action != NULL && action->kind != ACTION_REJECT)
		action = action->next;
	return action;
}

static bool is_sent(const struct action *action)
{
	return action->kind == ACTION_SEND && action->letter->recipient_count > 0;
}

/* Has somebody got the message, or an answer to it? */
static bool is_mixed(const struct action_list *actions)
{
	for (const struct action *action = actions->first; action != NULL; action = action->next) {
		if (action->kind == ACTION_REDIRECT || action->kind == ACTION_PIPE ||
		    copies_is_stored(action) || (is_sent(action) && !action->stays_beside_refusal))
			return true;
	}
	return false;
}

/* Is anything sent that may stand beside a refusal, as a notification? */
static bool has_letters(const struct action_list *actions)
{
	const struct action *action = actions->first;
	while (action != NULL && !is_sent(action))
		action = action->next;
	return action != NULL;
}

/* At most `max` bytes, cut between characters. */
static struct span first_characters(struct span text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max > 0 && ((unsigned char)text.data[max] & 0xC0) == 0x80)
		max--;
	return span_first(text, max);
}

static bool refuse(const struct delivery *delivery, struct span reason, struct status *status)
{
	char text[STATUS_TEXT_SIZE];
	reason = span_trim(reason);
	if (reason.len == 0)
		return status_set(status, CAUSE_REJECTED, NULL);
	if (!utf8_is_ascii(reason) && (!delivery->envelope->smtputf8 || !utf8_is_valid(reason)))
		return status_set(status, CAUSE_REJECTED, unspeakable);
	reason = first_characters(reason, sizeof(text) - 1);
	size_t len = 0;
	for (size_t i = 0; i < reason.len; i++) {
		char byte = reason.data[i];
		bool ends_line = byte == '\r' && i + 1 < reason.len && reason.data[i + 1] == '\n';
		if (!ends_line)
			text[len++] = byte == '\0' ? ' ' : byte;
	}
	text[len] = '\0';
	return status_set(status, CAUSE_REJECTED, text);
}

bool refusal_judge(struct delivery *delivery, struct status *status)
{
	const struct action *refusal = find_refusal(&delivery->actions);
	if (refusal == NULL)
		return true;
	bool can_mail = delivery->envelope->sender.text.len > 0;
	if (is_mixed(&delivery->actions)) {
		delivery_note(delivery, "refused beside other actions: %s",
		    can_mail ? "the notice is mailed" : "it has no sender to be told, and is kept");
		/* Nobody is told, so nothing may be lost. */
		delivery->implicit_keep = !can_mail;
		return true;
	}
	if (can_mail && delivery->settings->sieve.reject == REJECT_BY_MAIL)
		return true;
	refuse(delivery, refusal->text, status);
	delivery->is_refused = has_letters(&delivery->actions);
	delivery->refusal = *status;
	return delivery->is_refused;
}
