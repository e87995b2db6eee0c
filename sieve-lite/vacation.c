/* vacation.c - who is answered, and why not.
 *
 * An answer to the wrong message is worse than none: to a list it goes to thousands, to a program
 * it may start a loop. So every doubt is a reason, and each reason has words of its own. */
#include "sieve-lite/vacation.h"

#include "sieve-lite/address_list.h"
#include "sieve-lite/fields.h"

static bool is_one_of(struct span value, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (span_is_nocase(value, *words))
			return true;
	}
	return false;
}

/* -- By the header ----------------------------------------------------------------------------- */

/* The token a structured value begins with; parameters and comments are not looked at. */
static struct span first_token(struct span value)
{
	value = span_trim(value);
	while (value.len > 0 && value.data[0] == '(')
		value = span_trim(span_from(value, span_find(value, ')') + 1));
	value = span_first(value, span_find(value, ';'));
	return span_trim(span_first(value, span_find(value, '(')));
}

static const char *auto_submitted(struct span value)
{
	return span_is_nocase(first_token(value), "no") ? NULL : "it was sent automatically";
}

static const char *precedence(struct span value)
{
	static const char *const words[] = {"bulk", "junk", "list", NULL};
	return is_one_of(first_token(value), words) ? "its precedence is that of bulk mail" : NULL;
}

static const char *suppress(struct span value)
{
	static const char *const words[] = {"All", "OOF", "AutoReply", NULL};
	struct span word;
	while (span_next_piece(&value, ',', &word)) {
		if (is_one_of(span_trim(word), words))
			return "it asks for no automatic answer";
	}
	return NULL;
}

static const char *report(struct span value)
{
	return span_is_nocase(first_token(value), "multipart/report")
	           ? "it is a report of what became of a message"
	           : NULL;
}

static const char *list(struct span value)
{
	(void)value;
	return "it came through a mailing list";
}

static const struct {
	const char *name;
	const char *(*why)(struct span value);
} telling_fields[] = {
    {"Auto-Submitted", auto_submitted},
    {"Precedence", precedence},
    {"X-Auto-Response-Suppress", suppress},
    {"Content-Type", report},
    {"List-Id", list},
    {"List-Help", list},
    {"List-Subscribe", list},
    {"List-Unsubscribe", list},
    {"List-Post", list},
    {"List-Owner", list},
    {"List-Archive", list},
};

static const char *why_automatic(struct run *run)
{
	for (struct field *field = fields_first(run); field != NULL; field = field->next) {
		for (size_t i = 0; i < sizeof(telling_fields) / sizeof(telling_fields[0]); i++) {
			if (!span_is_nocase(field->name, telling_fields[i].name))
				continue;
			const char *why = telling_fields[i].why(field_text(run, field));
			if (why != NULL)
				return why;
		}
	}
	return NULL;
}

bool vacation_is_auto_submitted(struct run *run)
{
	for (struct field *field = fields_first(run); field != NULL; field = field->next) {
		if (span_is_nocase(field->name, "Auto-Submitted") &&
		    auto_submitted(field_text(run, field)) != NULL)
			return true;
	}
	return false;
}

/* -- By the sender ----------------------------------------------------------------------------- */

static bool ends_with(struct span text, const char *end)
{
	size_t len = span_of(end).len;
	return text.len >= len && span_is_nocase(span_from(text, text.len - len), end);
}

/* Local parts that no person reads (RFC 5230 4.6). "postmaster" is a person. */
static bool is_machine(struct span local)
{
	static const char *const whole[] = {"LISTSERV", "majordomo", "mdaemon", "noreply",
	    "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "bounce",
	    "bounces", NULL};
	static const char *const starts[] = {"MAILER-DAEMON", "owner-", "bounce-", "bounces-",
	    "bounce+", "bounces+", "noreply-", "no-reply-", "noreply+", "no-reply+", NULL};
	static const char *const ends[] = {
	    "-request", "-owner", "-bounce", "-bounces", "-noreply", "-no-reply", NULL};
	if (is_one_of(local, whole))
		return true;
	for (size_t i = 0; starts[i] != NULL; i++) {
		if (span_starts_with_nocase(local, starts[i]))
			return true;
	}
	for (size_t i = 0; ends[i] != NULL; i++) {
		if (ends_with(local, ends[i]))
			return true;
	}
	return false;
}

/* -- By the recipient -------------------------------------------------------------------------- */

/* The same address, a detail ("user+detail") left aside. */
static bool is_same(const struct run *run, const struct address *a, const struct address *b)
{
	const char *delimiter = run->input->recipient_delimiter;
	struct span detail;
	struct span a_user = a->local;
	struct span b_user = b->local;
	if (delimiter != NULL) {
		address_split_detail(a->local, delimiter, &a_user, &detail);
		address_split_detail(b->local, delimiter, &b_user, &detail);
	}
	return span_equals_nocase(a->domain, b->domain) && span_equals_nocase(a_user, b_user);
}

struct own {
	struct run *run;
	const struct address *addresses; /* of the script */
	size_t count;
};

static size_t own_count(const struct own *own)
{
	return 2 + own->count + 1;
}

/* The user's addresses, best first; null: that one is not known. */
static const struct address *own_address(const struct own *own, size_t index)
{
	const struct sieve_input *input = own->run->input;
	const struct address *address = NULL;
	if (index == 0)
		address = &input->recipient->address;
	else if (index == 1 && own->run->script->options->vacation_uses_original)
		address = &input->recipient->original;
	else if (index >= 2 && index < 2 + own->count)
		address = &own->addresses[index - 2];
	else if (index >= 2)
		address = input->user_email;
	return address != NULL && address->text.len > 0 ? address : NULL;
}

/* Whether the fields of that name have it. */
static bool is_addressed(struct run *run, const char *name, const struct address *address)
{
	for (struct field *field = fields_first(run); field != NULL; field = field->next) {
		if (!span_is_nocase(field->name, name))
			continue;
		const struct listed_address *listed = field_addresses(run, field);
		for (; listed != NULL && run->unwind == UNWIND_NONE; listed = listed->next) {
			run_spend(run, 1);
			if (listed->is_valid && is_same(run, &listed->address, address))
				return true;
		}
	}
	return false;
}

/* Which of the user's addresses the message came for by its header; null: none. */
static const struct address *find_addressed(const struct own *own)
{
	static const char *const names[] = {
	    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", NULL};
	for (size_t i = 0; names[i] != NULL; i++) {
		for (size_t j = 0; j < own_count(own); j++) {
			const struct address *address = own_address(own, j);
			if (address != NULL && is_addressed(own->run, names[i], address))
				return address;
		}
	}
	return NULL;
}

const char *vacation_why_not(struct run *run, const struct address *addresses, size_t address_count,
    const struct address **own_out)
{
	const struct sieve_input *input = run->input;
	const struct own own = {run, addresses, address_count};
	const char *why;
	if (input->recipient == NULL || input->recipient->address.text.len == 0)
		return "the recipient is not known";
	if (input->envelope == NULL || input->envelope->sender.text.len == 0)
		return "it has no sender to answer to";
	const struct address *sender = &input->envelope->sender;
	for (size_t i = 0; i < own_count(&own); i++) {
		const struct address *mine = own_address(&own, i);
		if (mine != NULL && is_same(run, mine, sender))
			return "its sender is the user";
	}
	if (is_machine(sender->local))
		return "its sender is a program";
	if ((why = why_automatic(run)) != NULL)
		return why;
	*own_out = find_addressed(&own);
	if (*own_out != NULL)
		return NULL;
	if (run->script->options->vacation_checks_recipient)
		return "no address of the user is among its recipients";
	*own_out = input->user_email != NULL ? input->user_email : &input->recipient->address;
	return NULL;
}
