/* repeats.c - the same message, redirected to the same address again.
 *
 * The same is what has the same Message-ID; when somebody or a mailing list has sent it again,
 * that makes it another one. A message without is always new: what stands in its place in what we
 * send (sending.c) tells the next one. */
#include "deliver/repeats.h"

#include "mail/header.h"

/* Nothing of it may run into the next piece: header values have no LF. */
static struct span id_of(const struct delivery *delivery, struct span target)
{
	static const char *const names[] = {
	    "Message-ID", "Resent-Message-ID", "Resent-From", "List-Id"};
	struct span recipient = delivery->recipient->envelope.address.text;
	struct header_field field;
	struct bytes id = {0};
	bytes_appendf(&id, "redirect\n%.*s\n%.*s", (int)recipient.len, recipient.data,
	    (int)target.len, target.data);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bytes_append_byte(&id, '\n');
		if (header_find(delivery->message.head, names[i], &field))
			bytes_append_span(&id, header_unfold(delivery->arena, field.value));
	}
	struct span copy = arena_span(delivery->arena, bytes_span(&id));
	bytes_clear(&id);
	return copy;
}

static void append(struct action_list *list, struct action *action)
{
	if (list->last == NULL)
		list->first = action;
	else
		list->last->next = action;
	list->last = action;
	list->count++;
	action->next = NULL;
}

/* Takes the action over into `left`, unless it is a repetition. */
static bool judge(struct seen_room *room, struct delivery *delivery, struct action *action,
    struct action_list *left, struct status *status)
{
	uint64_t period_s = delivery->settings->sieve.redirect_duplicate_period_s;
	enum seen_answer answer = SEEN_NO;
	if (action->kind == ACTION_REDIRECT)
		answer = seen_ask(
		    room, delivery, id_of(delivery, action->address), period_s, false, status);
	if (answer == SEEN_YES)
		delivery_note(delivery,
		    "not redirected to <%.*s>: the same message was, not long ago",
		    (int)action->address.len, action->address.data);
	else
		append(left, action);
	return answer != SEEN_CANNOT_TELL;
}

bool repeats_judge(struct seen_room *room, struct delivery *delivery, struct status *status)
{
	struct action_list left = {0};
	struct header_field field;
	bool is_disposed_of = false;
	if (delivery->settings->sieve.redirect_duplicate_period_s == 0 ||
	    !header_find(delivery->message.head, "Message-ID", &field))
		return true;
	for (struct action *action = delivery->actions.first; action != NULL;) {
		struct action *next = action->next;
		if (!judge(room, delivery, action, &left, status))
			return false;
		action = next;
	}
	bool is_shorter = left.count < delivery->actions.count;
	delivery->actions = left;
	for (const struct action *action = left.first; action != NULL; action = action->next)
		is_disposed_of = is_disposed_of || copies_is_stored(action) ||
		                 action->kind == ACTION_REDIRECT || action->kind == ACTION_REJECT;
	if (is_shorter && !is_disposed_of)
		delivery->implicit_keep = true;
	return true;
}
