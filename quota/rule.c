/* rule.c - limits as people write them, and which of them is in force for a folder.
 *
 *	amount = "unlimited" / "ignore" / number [unit] / ("+" / "-") number [unit / "%"]
 *
 * Only what is not for "*" may have a sign: it is relative to the limit of "*", as in Dovecot.
 * The forms of user fields are in field.c, which turns them into these. */
#include "quota/rule.h"

#include "base/number.h"

#include <string.h>

#define PERCENT_MAX 1000000

bool quota_mask_fits(struct span mask, struct span name)
{
	/* Where to go on after the latest * or %, and how much of the name it has taken. Going back
	 * to the latest of each is enough: what an earlier one could reach, a later one can. */
	size_t star = SIZE_MAX;
	size_t star_taken = 0;
	size_t percent = SIZE_MAX;
	size_t percent_taken = 0;
	size_t m = 0;
	size_t n = 0;
	while (n < name.len || m < mask.len) {
		if (m < mask.len && mask.data[m] == '*') {
			star = ++m;
			star_taken = n;
			percent = SIZE_MAX;
		} else if (m < mask.len && mask.data[m] == '%') {
			percent = ++m;
			percent_taken = n;
		} else if (m < mask.len && n < name.len && mask.data[m] == name.data[n]) {
			m++;
			n++;
		} else if (percent != SIZE_MAX && percent_taken < name.len &&
		           name.data[percent_taken] != '.') {
			m = percent;
			n = ++percent_taken;
		} else if (star != SIZE_MAX && star_taken < name.len) {
			m = star;
			n = ++star_taken;
			percent = SIZE_MAX;
		} else {
			return false;
		}
	}
	return true;
}

static bool parse_number(struct span text, bool is_count, uint64_t *value_out)
{
	uint64_t value;
	if (!(is_count ? number_parse(text, UINT64_MAX, &value) : number_parse_bytes(text, &value)))
		return false;
	*value_out = value > INT64_MAX ? INT64_MAX : value;
	return true;
}

static bool parse_relative(struct span text, bool is_count, struct quota_amount *out)
{
	bool is_more = text.data[0] == '+';
	text = span_from(text, 1);
	if (text.len > 0 && text.data[text.len - 1] == '%') {
		out->kind = is_more ? QUOTA_AMOUNT_MORE_PERCENT : QUOTA_AMOUNT_LESS_PERCENT;
		return number_parse(span_first(text, text.len - 1), PERCENT_MAX, &out->value);
	}
	out->kind = is_more ? QUOTA_AMOUNT_MORE : QUOTA_AMOUNT_LESS;
	return parse_number(text, is_count, &out->value);
}

static bool parse_amount(struct span text, bool is_base, bool is_count, struct quota_amount *out)
{
	text = span_trim(text);
	*out = (struct quota_amount){.kind = QUOTA_AMOUNT_UNSAID};
	if (text.len == 0)
		return true;
	if (!is_base && (text.data[0] == '+' || text.data[0] == '-'))
		return parse_relative(text, is_count, out);
	if (!is_count && span_is_nocase(text, "ignore")) {
		out->kind = QUOTA_AMOUNT_IGNORE;
		return true;
	}
	out->kind = QUOTA_AMOUNT_ABSOLUTE;
	return span_is_nocase(text, "unlimited") || parse_number(text, is_count, &out->value);
}

/* INBOX in any case is the inbox, before a separator a namespace that is none for us. */
static void parse_mask(struct arena *arena, struct span folder, struct quota_known_rule *out)
{
	out->is_base = folder.len == 0 || span_is(folder, "*");
	if (span_is_nocase(folder, "INBOX")) {
		out->mask = SPAN("INBOX");
		return;
	}
	char *bytes = arena_text(arena, folder);
	for (size_t i = 0; i < folder.len; i++) {
		if (bytes[i] == '/')
			bytes[i] = '.';
	}
	struct span mask = {bytes, folder.len};
	if (span_starts_with_nocase(mask, "INBOX.")) {
		mask = span_from(mask, strlen("INBOX."));
		out->is_below_inbox = true;
	}
	out->mask = mask;
}

static bool parse_rule(struct arena *arena, const struct quota_rule *rule,
    struct quota_known_rule *out, struct status *status)
{
	parse_mask(arena, span_of(rule->folder), out);
	if (!parse_amount(span_of(rule->storage), out->is_base, false, &out->storage))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "quota rule \"%s\": storage \"%s\" is no limit: write 1G, unlimited%s",
		    rule->folder, rule->storage, out->is_base ? "" : ", +100M, +10% or ignore");
	if (!parse_amount(span_of(rule->messages), out->is_base, true, &out->messages))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "quota rule \"%s\": messages \"%s\" is no limit: write 1000, unlimited%s",
		    rule->folder, rule->messages, out->is_base ? "" : ", +10 or +10%");
	return true;
}

static const struct quota_amount *amount_of(const struct quota_known_rule *rule, bool is_count)
{
	return is_count ? &rule->messages : &rule->storage;
}

static bool fits(const struct quota_known_rule *rule, struct span folder)
{
	if (folder.len == 0)
		return !rule->is_below_inbox && quota_mask_fits(rule->mask, SPAN("INBOX"));
	return quota_mask_fits(rule->mask, folder);
}

/* What the first rule that has something to say about the folder says; "*" is asked last. */
static struct quota_amount find(const struct quota_rules *rules, struct span folder, bool is_count)
{
	for (int is_base = 0; is_base <= 1; is_base++) {
		for (size_t i = 0; i < rules->count; i++) {
			const struct quota_known_rule *rule = &rules->items[i];
			const struct quota_amount *amount = amount_of(rule, is_count);
			if (rule->is_base == (is_base == 1) &&
			    amount->kind != QUOTA_AMOUNT_UNSAID &&
			    (rule->is_base || fits(rule, folder)))
				return *amount;
		}
	}
	return (struct quota_amount){.kind = QUOTA_AMOUNT_UNSAID};
}

uint64_t quota_percent_of(uint64_t limit, uint64_t percent)
{
	return number_add(number_multiply(limit / 100, percent), limit % 100 * percent / 100);
}

/* An unlimited base stays so. Never 0 where a limit was meant: 0 would be none. */
static uint64_t amount_apply(struct quota_amount amount, uint64_t base)
{
	uint64_t change = amount.value;
	if (amount.kind == QUOTA_AMOUNT_MORE_PERCENT || amount.kind == QUOTA_AMOUNT_LESS_PERCENT)
		change = quota_percent_of(base, amount.value);
	switch (amount.kind) {
	case QUOTA_AMOUNT_ABSOLUTE:
		return amount.value;
	case QUOTA_AMOUNT_MORE:
	case QUOTA_AMOUNT_MORE_PERCENT:
		return base == 0 ? 0 : number_add(base, change);
	case QUOTA_AMOUNT_LESS:
	case QUOTA_AMOUNT_LESS_PERCENT:
		return base == 0 ? 0 : base > change ? base - change : 1;
	case QUOTA_AMOUNT_UNSAID:
	case QUOTA_AMOUNT_IGNORE:
		break;
	}
	return base;
}

static uint64_t base_of(const struct quota_rules *rules, bool is_count)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct quota_amount *amount = amount_of(&rules->items[i], is_count);
		if (rules->items[i].is_base && amount->kind == QUOTA_AMOUNT_ABSOLUTE)
			return amount->value;
	}
	return 0;
}

bool quota_rules_parse(struct arena *arena, const struct quota_rule *rules, size_t count,
    struct quota_rules *rules_out, struct status *status)
{
	struct quota_known_rule *items = arena_new_items(arena, count, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		if (!parse_rule(arena, &rules[i], &items[i], status))
			return false;
	}
	*rules_out = (struct quota_rules){.items = items, .count = count};
	rules_out->base.storage_bytes = base_of(rules_out, false);
	rules_out->base.message_count = base_of(rules_out, true);
	return true;
}

static bool is_a_limit(const struct quota_amount *amount)
{
	return amount->kind == QUOTA_AMOUNT_ABSOLUTE && amount->value != 0;
}

bool quota_rules_has_limit(const struct quota_rules *rules)
{
	if (rules->base.storage_bytes != 0 || rules->base.message_count != 0)
		return true;
	for (size_t i = 0; i < rules->count; i++) {
		const struct quota_known_rule *rule = &rules->items[i];
		if (!rule->is_base && (is_a_limit(&rule->storage) || is_a_limit(&rule->messages)))
			return true;
	}
	return false;
}

bool quota_rules_ignores(const struct quota_rules *rules, struct span folder)
{
	return find(rules, folder, false).kind == QUOTA_AMOUNT_IGNORE;
}

struct quota_limit quota_rules_limit(const struct quota_rules *rules, struct span folder)
{
	return (struct quota_limit){
	    .storage_bytes = amount_apply(find(rules, folder, false), rules->base.storage_bytes),
	    .message_count = amount_apply(find(rules, folder, true), rules->base.message_count),
	};
}
