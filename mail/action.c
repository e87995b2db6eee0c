#include "mail/action.h"

struct action *action_add(struct arena *arena, struct action_list *list, enum action_kind kind)
{
	struct action *action = ARENA_NEW(arena, struct action);
	action->kind = kind;
	if (list->last == NULL)
		list->first = action;
	else
		list->last->next = action;
	list->last = action;
	list->count++;
	return action;
}

const char *action_name(enum action_kind kind)
{
	switch (kind) {
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
	}
	return "unknown";
}
