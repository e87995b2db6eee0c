/* warning.c - when it is time to tell a user that the mailbox fills up. */
#include "quota/quota.h"

#include "base/number.h"
#include "quota/rule.h"

bool quota_warning_parse(struct span text, struct quota_warning *out)
{
	uint64_t percent;
	if (text.len == 0 || text.data[text.len - 1] != '%' ||
	    !number_parse(span_first(text, text.len - 1), 100, &percent) || percent == 0)
		return false;
	out->percent = (unsigned)percent;
	return true;
}

static bool is_reached(uint64_t limit, uint64_t before, uint64_t after, unsigned percent)
{
	uint64_t mark = quota_percent_of(limit, percent);
	return mark != 0 && before < mark && after >= mark;
}

size_t quota_warning_due(
    const struct quota_warning *warnings, size_t count, const struct quota_change *change)
{
	size_t due = count;
	for (size_t i = 0; i < count; i++) {
		unsigned percent = warnings[i].percent;
		bool is_it = is_reached(change->limit.storage_bytes, change->before.storage_bytes,
		                 change->after.storage_bytes, percent) ||
		             is_reached(change->limit.message_count, change->before.message_count,
		                 change->after.message_count, percent);
		if (is_it && (due == count || percent > warnings[due].percent))
			due = i;
	}
	return due;
}
