#include "mail/action.h"

void action_append(struct action_list *list, struct action *action)
{
	if (list->last == NULL)
		list->first = action;
	else
		list->last->next = action;
	list->last = action;
	list->count++;
	action->next = NULL;
}

struct action *action_add(struct arena *arena, struct action_list *list, enum action_kind kind)
{
	struct action *action = ARENA_NEW(arena, struct action);
	action->kind = kind;
	action_append(list, action);
	return action;
}

bool action_has_keep(const struct action_list *list)
{
	const struct action *action = list->first;
	while (action != NULL && action->kind != ACTION_KEEP)
		action = action->next;
	return action != NULL;
}

void action_drop_keeps(struct action_list *list)
{
	action_drop(list, ACTION_KEEP);
}

void action_drop(struct action_list *list, enum action_kind kind)
{
	struct action_list kept = {0};
	struct action **end = &kept.first;
	for (struct action *action = list->first; action != NULL; action = action->next) {
		if (action->kind == kind)
			continue;
		*end = action;
		end = &action->next;
		kept.last = action;
		kept.count++;
	}
	*end = NULL;
	*list = kept;
}

const char *action_name(const struct action *action)
{
	switch (action->kind) {
	case ACTION_KEEP:
		return "keep";
	case ACTION_FILEINTO:
		return "fileinto";
	case ACTION_DISCARD:
		return "discard";
	case ACTION_REDIRECT:
		return "redirect";
	case ACTION_REJECT:
		return "reject";
	case ACTION_SEND:
		return action->letter != NULL ? action->letter->name : "send";
	case ACTION_PIPE:
		return "pipe";
	}
	return "unknown";
}
