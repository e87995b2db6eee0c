/* copies.c - what was decided, as copies on their way to disk.
 *
 * A delivery's copies go through each step together. What fails takes all of them back: unlinked
 * where we put it if it is visible already, abandoned if not. */
#include "deliver/delivery.h"
#include "deliver/pending.h"

#include "base/log.h"
#include "deliver/special_use.h"

static bool is_planned(const struct delivery *delivery, const struct delivery_copy *copy)
{
	for (size_t i = 0; i < delivery->copy_count; i++) {
		const struct delivery_copy *other = &delivery->copies[i];
		if (span_equals(other->folder, copy->folder) && other->message == copy->message)
			return true;
	}
	return false;
}

/* The folder with the special use the action wants (RFC 8579), or none: then the named one. */
static bool find_special(
    struct delivery *delivery, struct delivery_copy *copy, bool *is_found, struct status *status)
{
	struct span use = copy->action->special_use;
	enum store_answer answer =
	    use.len > 0 ? special_use_find(delivery, use, &copy->folder, status) : STORE_NO;
	*is_found = answer == STORE_YES;
	return answer != STORE_CANNOT_TELL;
}

/* A folder that cannot be used never costs the mail: it goes where keep goes. False: a folder
 * that may exist could not be looked at. */
static bool resolve_folder(
    struct delivery *delivery, struct delivery_copy *copy, struct status *status)
{
	const struct action *action = copy->action;
	struct status why;
	bool is_special;
	if (!find_special(delivery, copy, &is_special, status))
		return false;
	if (is_special)
		return true;
	if (action->kind == ACTION_FILEINTO && action->folder.len > 0) {
		copy->may_create = action->may_create || delivery->settings->store.autocreate;
		if (!store_folder_name(
		        delivery->arena, delivery->store, action->folder, &copy->folder, &why)) {
			delivery_note(delivery, "%s; stored where keep goes", why.detail);
			copy->folder = delivery->folder;
		}
	} else {
		copy->folder = delivery->folder;
		copy->may_create = delivery->folder_may_create;
	}
	if (copy->may_create || copy->folder.len == 0)
		return true;
	switch (store_has_folder(delivery->store, copy->folder, status)) {
	case STORE_YES:
		return true;
	case STORE_NO:
		copy->folder = SPAN("");
		return true;
	case STORE_CANNOT_TELL:
		break;
	}
	return false;
}

bool copies_is_stored(const struct action *action)
{
	return action->kind == ACTION_KEEP || action->kind == ACTION_FILEINTO;
}

bool copies_plan(struct delivery *delivery, struct status *status)
{
	delivery->copies = arena_new_items(
	    delivery->arena, delivery->actions.count + 1, sizeof(*delivery->copies));
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		struct delivery_copy copy = {.action = action, .store = delivery->store};
		if (!copies_is_stored(action))
			continue;
		copy.message = action->message != NULL ? action->message : &delivery->message;
		if (!resolve_folder(delivery, &copy, status))
			return false;
		if (delivery->copy_count > 0 && store_takes_one_copy(delivery->store))
			delivery_note(delivery, "%s is not done: mail is handed on once only",
			    action_name(action));
		else if (!is_planned(delivery, &copy))
			delivery->copies[delivery->copy_count++] = copy;
	}
	return true;
}

/* The mailbox comes first, the outbox last: what is sent cannot be taken back. */
static size_t all_copies(const struct delivery *delivery)
{
	return delivery->copy_count + delivery->outgoing_count;
}

/* Mail that is handed on to a server that reports to the sender itself needs no word of ours. */
static void drop_receipt(struct delivery *delivery)
{
	if (!delivery->has_receipt || delivery->copy_count == 0 ||
	    !store_copy_tells_sender(delivery->copies[0].stored))
		return;
	delivery->has_receipt = false;
	delivery->outgoing_count--;
}

bool copies_write(struct delivery *delivery, bool is_one_of_many, struct status *status)
{
	for (size_t i = 0; i < all_copies(delivery); i++) {
		struct delivery_copy *copy = &delivery->copies[i];
		struct store_request request = {
		    .message = copy->message,
		    .folder = copy->folder,
		    .may_create = copy->may_create,
		    .flags = copy->store == delivery->store ? copy->action->flags : NULL,
		    .flag_count = copy->store == delivery->store ? copy->action->flag_count : 0,
		    .is_one_of_many = is_one_of_many || all_copies(delivery) > 1,
		};
		copy->stored = store_write(copy->store, &request, status);
		if (copy->stored == NULL)
			return false;
		/* Here, because between publish and the answer nothing is allocated: no memory
		 * there would make a retry of stored mail. */
		copy->name = arena_span(delivery->arena, store_copy_name(copy->stored));
		if (store_copy_lacks_flags(copy->stored))
			delivery_note(delivery, "a keyword has no place in the mailbox: left out");
		if (i == 0)
			drop_receipt(delivery);
	}
	return true;
}

void copies_sync_ahead(struct delivery *deliveries, size_t count)
{
	/* No arena: see copies_write(). */
	struct store_copy *copies[STORE_SYNC_AHEAD_MAX];
	size_t copy_count = 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < all_copies(&deliveries[i]) && !deliveries[i].is_over; k++) {
			if (copy_count == STORE_SYNC_AHEAD_MAX) {
				store_sync_ahead(copies, copy_count);
				copy_count = 0;
			}
			copies[copy_count++] = deliveries[i].copies[k].stored;
		}
	}
	store_sync_ahead(copies, copy_count);
}

bool copies_sync(struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < all_copies(delivery); i++) {
		if (!store_sync(delivery->copies[i].stored, status))
			return false;
	}
	return true;
}

bool copies_publish(struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < all_copies(delivery); i++) {
		struct delivery_copy *copy = &delivery->copies[i];
		if (!store_publish(copy->stored, status))
			return false;
		copy->is_published = true;
	}
	return true;
}

bool copies_commit(struct delivery *delivery, struct status *status)
{
	for (size_t i = 0; i < all_copies(delivery); i++) {
		if (!store_commit(delivery->copies[i].stored, status))
			return false;
	}
	for (size_t i = 0; i < all_copies(delivery); i++)
		delivery->copies[i].is_kept = true;
	if (delivery->outgoing_count > 0 && !pending_announce(&delivery->pending))
		log_write(LOG_LEVEL_INFO, "%s: cannot announce outgoing mail in %s",
		    delivery->call->id, delivery->pending.directory);
	return true;
}

void copies_end(struct delivery *delivery)
{
	for (size_t i = 0; i < all_copies(delivery); i++) {
		struct delivery_copy *copy = &delivery->copies[i];
		if (copy->is_published && !copy->is_kept && !store_withdraw(copy->stored))
			/* It stays; the retry makes a second one. */
			log_write(LOG_LEVEL_WARNING,
			    "%s: a copy that had to be taken back was read already",
			    delivery->call->id);
		store_abandon(&copy->stored);
	}
}
