/* quota.c - may it come, and the reservations.
 *
 * The common case costs one reading of maildirsize, and one line appended by who stores. Only an
 * answer that would refuse mail, or a file that is of no use, is worth counting the mailbox.
 * Knows nothing of messages and of what is answered to whom. */
#include "quota/quota.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/number.h"
#include "quota/book.h"
#include "quota/rule.h"

#include <errno.h>
#include <unistd.h>

#define COUNT_BUDGET_MS 1000

struct quota {
	struct arena *arena;
	const char *root;
	struct quota_options options;
	struct quota_rules rules;
	bool has_limit;
	bool has_reservation;
	int reservation_fd; /* maildirsize with BOOK_UNDER_WAY locked; -1: it cannot be written */
	struct quota_usage reserved;
	struct quota_change change;
};

struct quota *quota_open(struct arena *arena, const char *maildir_root,
    const struct quota_options *options, struct status *status)
{
	struct quota *quota = ARENA_NEW(arena, struct quota);
	quota->arena = arena;
	quota->root = arena_text(arena, span_of(maildir_root));
	quota->options = *options;
	quota->reservation_fd = -1;
	if (!quota_rules_parse(arena, options->rules, options->rule_count, &quota->rules, status))
		return NULL;
	quota->has_limit = quota_rules_has_limit(&quota->rules);
	return quota;
}

void quota_close(struct quota **quota)
{
	if (*quota != NULL)
		file_close(&(*quota)->reservation_fd);
	*quota = NULL;
}

/* -- judging ----------------------------------------------------------------------------- */

/* Copies that are judged together, each with the limit of its folder. */
struct bundle {
	struct quota_item *items;
	struct quota_limit *limits;
	size_t count;
	struct quota_usage total; /* of what counts */
};

static struct quota_usage add(struct quota_usage a, struct quota_usage b)
{
	return (struct quota_usage){number_add(a.storage_bytes, b.storage_bytes),
	    number_add(a.message_count, b.message_count)};
}

static struct bundle bundle_of(const struct quota *quota, struct quota_item *items, size_t count)
{
	struct bundle bundle = {.items = items, .count = count};
	bundle.limits = arena_new_items(quota->arena, count, sizeof(*bundle.limits));
	for (size_t i = 0; i < count; i++) {
		bundle.limits[i] = quota_rules_limit(&quota->rules, items[i].folder);
		items[i].is_ignored =
		    !quota->has_limit || quota_rules_ignores(&quota->rules, items[i].folder);
		if (items[i].is_ignored)
			continue;
		bundle.total = add(bundle.total, (struct quota_usage){items[i].bytes, 1});
	}
	return bundle;
}

/* 0 is none: higher than any. */
static bool is_higher(uint64_t limit, uint64_t than)
{
	return limit - 1 > than - 1;
}

/* A folder may have a higher limit than others, but all share one usage. So a copy must fit
 * together with all those that go where the limit is as high or lower: were these stored first,
 * each would find the room it is promised. */
static struct quota_usage sum_up_to(const struct bundle *bundle, const struct quota_limit *limit)
{
	struct quota_usage sum = {0};
	for (size_t i = 0; i < bundle->count; i++) {
		if (bundle->items[i].is_ignored)
			continue;
		if (!is_higher(bundle->limits[i].storage_bytes, limit->storage_bytes))
			sum.storage_bytes = number_add(sum.storage_bytes, bundle->items[i].bytes);
		if (!is_higher(bundle->limits[i].message_count, limit->message_count))
			sum.message_count++;
	}
	return sum;
}

static enum quota_answer judge_bundle(
    const struct quota *quota, const struct bundle *bundle, const struct quota_usage *usage)
{
	enum quota_answer worst = QUOTA_FITS;
	for (size_t i = 0; i < bundle->count; i++) {
		if (bundle->items[i].is_ignored)
			continue;
		struct quota_usage more = sum_up_to(bundle, &bundle->limits[i]);
		enum quota_answer answer =
		    quota_judge(&bundle->limits[i], usage, &more, quota->options.grace_bytes);
		if (answer > worst)
			worst = answer;
	}
	return worst;
}

/* What can be said without knowing what is stored already; QUOTA_FULL: nothing. */
static enum quota_answer judge_blindly(const struct quota *quota, const struct bundle *bundle)
{
	static const struct quota_usage nothing = {0};
	uint64_t max = quota->options.message_max_bytes;
	for (size_t i = 0; i < bundle->count; i++) {
		if (max != 0 && bundle->items[i].bytes > max)
			return QUOTA_NEVER_FITS;
	}
	if (bundle->total.message_count == 0)
		return QUOTA_FITS;
	return judge_bundle(quota, bundle, &nothing) == QUOTA_NEVER_FITS ? QUOTA_NEVER_FITS
	                                                                 : QUOTA_FULL;
}

/* -- asking ------------------------------------------------------------------------------ */

static bool open_book(const struct quota *quota, struct quota_book *book, struct status *status)
{
	*book = (struct quota_book){.rules = &quota->rules,
	    .utf8_names = quota->options.utf8_names,
	    .budget_ms = quota->options.count_budget_ms != 0 ? (int)quota->options.count_budget_ms
	                                                     : COUNT_BUDGET_MS};
	return quota_book_open(book, quota->root, status);
}

/* Judges by the shut file, counting where that is needed. */
static enum quota_answer judge_shut(const struct quota *quota, struct quota_book *book,
    const struct bundle *bundle, struct status *status)
{
	enum quota_book_answer figures = quota_book_read(book);
	if (figures == QUOTA_BOOK_LONG && !quota_book_count(book, QUOTA_COUNT_LIGHTLY, status))
		return QUOTA_CANNOT_TELL;
	if (figures != QUOTA_BOOK_BAD) {
		enum quota_answer answer = judge_bundle(quota, bundle, &book->usage);
		if (answer == QUOTA_FULL && !book->is_certain)
			quota_book_check(book);
		if (answer != QUOTA_FULL || book->is_certain)
			return answer;
	}
	if (!quota_book_count(book, QUOTA_COUNT_QUICKLY, status))
		return QUOTA_CANNOT_TELL;
	return judge_bundle(quota, bundle, &book->usage);
}

enum quota_answer quota_ask(
    struct quota *quota, struct span folder, uint64_t bytes, struct status *status)
{
	/* A message of unknown size has one byte at least: none fits where the limit is reached. */
	struct quota_item item = {.folder = folder, .bytes = bytes == 0 ? 1 : bytes};
	struct bundle bundle = bundle_of(quota, &item, 1);
	enum quota_answer answer = judge_blindly(quota, &bundle);
	struct quota_book book;
	if (answer != QUOTA_FULL)
		return answer;
	if (!open_book(quota, &book, status))
		return QUOTA_CANNOT_TELL;
	enum quota_book_answer figures = quota_book_look(&book);
	if (figures == QUOTA_BOOK_GOOD) {
		answer = judge_bundle(quota, &bundle, &book.usage);
		if (answer == QUOTA_FULL)
			quota_book_check(&book);
	}
	if (figures != QUOTA_BOOK_GOOD || (answer == QUOTA_FULL && !book.is_certain))
		answer = quota_book_shut(&book, status) ? judge_shut(quota, &book, &bundle, status)
		                                        : QUOTA_CANNOT_TELL;
	quota_book_close(&book);
	return answer;
}

/* -- reserving --------------------------------------------------------------------------- */

static int64_t signed_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Takes maildirsize over from the book. Not being able to write it is no reason to refuse. */
static void reserve(struct quota *quota, struct quota_book *book, const struct bundle *bundle)
{
	quota->change.before = book->usage;
	quota->reserved = bundle->total;
	quota->has_reservation = true;
	if (book->fd < 0)
		return;
	(void)lock_take_byte(book->fd, BOOK_UNDER_WAY, LOCK_MODE_SHARED, 0);
	if (maildirsize_append(book->fd, signed_of(bundle->total.storage_bytes),
	        signed_of(bundle->total.message_count)) != 0) {
		quota->reserved = (struct quota_usage){0};
		return;
	}
	lock_drop_byte(book->fd, BOOK_SHUT);
	quota->reservation_fd = book->fd;
	book->fd = -1;
}

/* Two first messages of a new mailbox must meet at one file, so there has to be a directory. */
static bool make_root(const struct quota *quota, struct quota_book *book, struct status *status)
{
	const char *sentinel = quota->options.sentinel;
	bool has_sentinel = sentinel == NULL || *sentinel == '\0' || access(sentinel, F_OK) == 0;
	if (book->root_fd >= 0 || !has_sentinel)
		return true;
	if (file_make_dirs(quota->root, 0700) != 0)
		return status_errno(status, CAUSE_MAILBOX, errno, "make %s", quota->root);
	return open_book(quota, book, status);
}

static enum quota_answer judge_and_reserve(struct quota *quota, struct quota_book *book,
    const struct bundle *bundle, struct status *status)
{
	if (!open_book(quota, book, status) || !make_root(quota, book, status))
		return QUOTA_CANNOT_TELL;
	if (book->root_fd < 0) /* its mark is missing: the store will say so */
		return judge_bundle(quota, bundle, &book->usage);
	if (!quota_book_shut(book, status))
		return QUOTA_CANNOT_TELL;
	enum quota_answer answer = judge_shut(quota, book, bundle, status);
	if (answer == QUOTA_FITS || answer == QUOTA_FITS_IN_GRACE)
		reserve(quota, book, bundle);
	return answer;
}

enum quota_answer quota_reserve(
    struct quota *quota, struct quota_item *items, size_t count, struct status *status)
{
	struct bundle bundle = bundle_of(quota, items, count);
	enum quota_answer answer = judge_blindly(quota, &bundle);
	struct quota_book book;
	quota->change = (struct quota_change){.limit = quota->rules.base};
	if (answer != QUOTA_FULL)
		return answer;
	answer = judge_and_reserve(quota, &book, &bundle, status);
	quota_book_close(&book);
	return answer;
}

/* No lock: who replaces the file waits for us, and appending is one write. Where another program
 * has replaced it meanwhile, the line goes to a file without a name, and that program's count
 * stands. */
void quota_settle(struct quota *quota, const struct quota_item *stored, size_t count,
    struct quota_change *change_out)
{
	struct quota_usage kept = {0};
	if (!quota->has_reservation)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (quota_rules_ignores(&quota->rules, stored[i].folder))
			continue;
		kept = add(kept, (struct quota_usage){stored[i].bytes, 1});
	}
	int64_t bytes = signed_of(kept.storage_bytes) - signed_of(quota->reserved.storage_bytes);
	int64_t messages = signed_of(kept.message_count) - signed_of(quota->reserved.message_count);
	if (quota->reservation_fd >= 0 && (bytes != 0 || messages != 0))
		(void)maildirsize_append(quota->reservation_fd, bytes, messages);
	file_close(&quota->reservation_fd);
	quota->change.after = add(quota->change.before, kept);
	quota->reserved = (struct quota_usage){0};
	quota->has_reservation = false;
	if (change_out != NULL)
		*change_out = quota->change;
}

/* -- for people -------------------------------------------------------------------------- */

static bool figures(
    struct quota *quota, bool is_anew, struct quota_usage *usage_out, struct status *status)
{
	struct quota_book book;
	bool is_fine = open_book(quota, &book, status);
	if (is_fine && book.root_fd >= 0 && (is_anew || quota_book_look(&book) == QUOTA_BOOK_BAD))
		is_fine = quota_book_count_openly(&book, quota->has_limit, status);
	*usage_out = book.usage;
	quota_book_close(&book);
	return is_fine;
}

bool quota_show(struct quota *quota, struct quota_usage *usage_out, struct quota_limit *limit_out,
    struct status *status)
{
	*limit_out = quota->rules.base;
	return figures(quota, !quota->has_limit, usage_out, status);
}

bool quota_recalculate(struct quota *quota, struct quota_usage *usage_out, struct status *status)
{
	return figures(quota, true, usage_out, status);
}
