#include "deliver/special_use.h"

#include <string.h>

static bool is_listed(const struct text_list *list, struct span use)
{
	for (size_t i = 0; i < list->count; i++) {
		if (span_is_nocase(use, list->items[i]))
			return true;
	}
	return false;
}

/* The next folder of the settings that is for `use` and that the user has. */
static enum store_answer find_configured(struct delivery *delivery, size_t *index, struct span use,
    struct span *folder_out, struct status *status)
{
	const struct store_settings *settings = &delivery->settings->store;
	struct status why;
	for (; *index < settings->mailbox_count; ++*index) {
		const struct mailbox_settings *mailbox = &settings->mailboxes[*index];
		if (!is_listed(&mailbox->special_use, use) ||
		    !store_folder_name(delivery->arena, delivery->store, span_of(mailbox->title),
		        folder_out, &why))
			continue;
		enum store_answer answer = store_has_folder(delivery->store, *folder_out, status);
		if (answer != STORE_NO)
			return answer;
	}
	return STORE_NO;
}

enum store_answer special_use_find(
    struct delivery *delivery, struct span use, struct span *folder_out, struct status *status)
{
	size_t index = 0;
	enum store_answer answer = store_folder_by_use(delivery->store, use, folder_out, status);
	return answer != STORE_NO ? answer
	                          : find_configured(delivery, &index, use, folder_out, status);
}

static bool has_word(struct span words, struct span wanted)
{
	struct span word;
	while (words.data != NULL && span_next_piece(&words, ' ', &word)) {
		if (span_equals_nocase(word, wanted))
			return true;
	}
	return false;
}

enum store_answer special_use_has(
    struct delivery *delivery, struct span folder, struct span use, struct status *status)
{
	struct span value = {NULL, 0};
	struct span found;
	enum store_answer answer = store_annotation(
	    delivery->store, delivery->arena, folder, SPAN("/private/specialuse"), &value, status);
	if (answer == STORE_CANNOT_TELL || (answer == STORE_YES && has_word(value, use)))
		return answer;
	for (size_t index = 0;; index++) {
		answer = find_configured(delivery, &index, use, &found, status);
		if (answer != STORE_YES || span_equals(found, folder))
			return answer;
	}
}
