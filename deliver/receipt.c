#include "deliver/receipt.h"

#include "base/clock.h"
#include "base/file.h"
#include "mail/dsn.h"

#include <string.h>
#include <unistd.h>

/* Of a header that is sent back. */
#define HEAD_MAX ((size_t)64 * 1024)

static struct span postmaster(const struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	if (strchr(settings->postmaster, '@') != NULL)
		return span_of(settings->postmaster);
	return arena_spanf(delivery->arena, "%s@%s", settings->postmaster, settings->hostname);
}

bool receipt_is_due(const struct delivery *delivery)
{
	bool is_sent_on = false;
	bool is_stored = false;
	if ((delivery->recipient->envelope.notify & ENVELOPE_NOTIFY_SUCCESS) == 0 ||
	    delivery->envelope->sender.text.len == 0 || delivery->is_refused)
		return false;
	for (const struct action *action = delivery->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind == ACTION_REJECT)
			return false;
		is_sent_on = is_sent_on || action->kind == ACTION_REDIRECT;
		is_stored = is_stored || copies_is_stored(action);
	}
	return is_stored || !is_sent_on;
}

unsigned receipt_notify_others(unsigned notify)
{
	notify &= ~(unsigned)ENVELOPE_NOTIFY_SUCCESS;
	/* Nothing else was wanted, not even what is told unasked. */
	return notify == ENVELOPE_NOTIFY_UNSAID ? ENVELOPE_NOTIFY_NEVER : notify;
}

/* At most so much of it, cut between lines. */
static struct span first_lines(struct span head)
{
	if (head.len <= HEAD_MAX)
		return head;
	head = span_first(head, HEAD_MAX);
	return span_first(head, span_find_last(head, '\n') + 1);
}

struct message *receipt_compose(const struct delivery *delivery)
{
	const struct envelope_recipient *recipient = &delivery->recipient->envelope;
	time_t now = clock_now().tv_sec;
	struct dsn dsn = {
	    .action = store_takes_one_copy(delivery->store) ? DSN_RELAYED : DSN_DELIVERED,
	    .reporting_host = delivery->settings->hostname,
	    .postmaster = postmaster(delivery),
	    .sender = delivery->envelope->sender.text,
	    .recipient = recipient->address.text,
	    .orcpt = recipient->orcpt,
	    .envid = delivery->envelope->envid,
	    .delivery_id = span_of(delivery->call->id),
	    .arrived = now - (clock_monotonic_ms() - delivery->started_ms) / 1000,
	    .now = now,
	    .head = first_lines(span_from(delivery->message.head, delivery->top_bytes)),
	};
	return dsn_compose(delivery->arena, &dsn);
}

static struct span read_head(const struct delivery *delivery, int fd)
{
	char *data = arena_new_items(delivery->arena, HEAD_MAX, 1);
	off_t start = lseek(fd, 0, SEEK_CUR);
	ssize_t got = start < 0 ? -1 : file_read_at(fd, data, HEAD_MAX, (uint64_t)start);
	struct span text = {data, got > 0 ? (size_t)got : 0};
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.data[i] == '\n' && text.data[i + 1] == '\n')
			return span_first(text, i + 1);
	}
	return span_first(text, span_find_last(text, '\n') + 1);
}

/* The recipient it tells of is the one the sender knows: where filters send mail is not told. */
struct message *receipt_relayed(
    const struct delivery *delivery, const struct outbox_item *item, int fd)
{
	if ((item->notify & ENVELOPE_NOTIFY_SUCCESS) == 0 || item->sender.len == 0)
		return NULL;
	struct dsn dsn = {
	    .action = DSN_RELAYED,
	    .reporting_host = delivery->settings->hostname,
	    .postmaster = postmaster(delivery),
	    .sender = item->sender,
	    .recipient = item->owner,
	    .orcpt = item->orcpt,
	    .envid = item->envid,
	    .delivery_id = item->delivery_id,
	    .arrived = item->made,
	    .now = clock_now().tv_sec,
	    .head = read_head(delivery, fd),
	};
	return dsn_compose(delivery->arena, &dsn);
}
