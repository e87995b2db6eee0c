/* field.c - what a user source says of quota, in the forms that Dovecot and Courier sites have
 * in their tables, as one of our rules.
 *
 *	Dovecot 2.3   rule = mask ":" ("ignore" / limit *(":" limit))
 *	              limit = ("storage" / "bytes" / "messages") "=" ["+" / "-"] number [unit / "%"]
 *	Courier       definition = "NOQUOTA" / part *("," part); part = number ("S" / "C")
 *
 * A 2.3 storage without a unit is in KiB, and a limit for a single folder is relative also
 * without a sign: that is what Dovecot makes of them. */
#include "quota/rule.h"

#include "base/number.h"

static const char *limit_text(
    struct arena *arena, struct span value, bool is_base, const char *default_unit)
{
	bool has_sign = value.data[0] == '+' || value.data[0] == '-';
	char last = value.data[value.len - 1];
	return arena_textf(arena, "%s%.*s%s", has_sign || is_base ? "" : "+", (int)value.len,
	    value.data, last >= '0' && last <= '9' ? default_unit : "");
}

static bool parse_limit(
    struct arena *arena, struct span limit, bool is_base, struct quota_rule *out)
{
	size_t equals = span_find(limit, '=');
	struct span key = span_first(limit, equals);
	struct span value = span_trim(span_from(limit, equals + 1));
	if (value.len == 0)
		return false;
	if (span_is(key, "storage"))
		out->storage = limit_text(arena, value, is_base, "K");
	else if (span_is(key, "bytes"))
		out->storage = limit_text(arena, value, is_base, "B");
	else if (span_is(key, "messages"))
		out->messages = limit_text(arena, value, is_base, "");
	else
		return false;
	return true;
}

static bool parse_courier(struct arena *arena, struct span text, struct quota_rule *out)
{
	struct span piece;
	out->folder = "*";
	out->storage = out->messages = "unlimited";
	if (span_is(text, "NOQUOTA"))
		return true;
	while (span_next_piece(&text, ',', &piece)) {
		uint64_t value;
		piece = span_trim(piece);
		if (piece.len == 0 ||
		    !number_parse(span_first(piece, piece.len - 1), UINT64_MAX, &value))
			return false;
		const char *number = arena_text(arena, span_first(piece, piece.len - 1));
		switch (piece.data[piece.len - 1]) {
		case 'S':
			out->storage = number;
			break;
		case 'C':
			out->messages = number;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool parse_dovecot(struct arena *arena, struct span text, struct quota_rule *out)
{
	size_t colon = span_find(text, ':');
	struct span mask = span_first(text, colon);
	struct span limits = span_from(text, colon + 1);
	struct span limit;
	if (colon == text.len || limits.len == 0)
		return false;
	/* "?" is a "*" that gives way to the limits that stand in maildirsize; we have none. */
	bool is_base = mask.len == 0 || span_is(mask, "*") || span_is(mask, "?");
	out->folder = is_base ? "*" : arena_text(arena, mask);
	if (span_is(limits, "ignore")) {
		out->storage = "ignore";
		return true;
	}
	if (span_starts_with(limits, "backend=")) {
		const char *folder = out->folder;
		bool is_fine = parse_courier(arena, span_from(limits, 8), out);
		out->folder = folder;
		return is_fine;
	}
	while (span_next_piece(&limits, ':', &limit)) {
		if (!parse_limit(arena, limit, is_base, out))
			return false;
	}
	return true;
}

static bool is_numbered(struct span name, const char *prefix)
{
	struct span number = span_from(name, span_of(prefix).len);
	uint64_t value;
	return span_starts_with(name, prefix) &&
	       (number.len == 0 || number_parse(number, UINT64_MAX, &value));
}

enum quota_field quota_rule_from_field(struct arena *arena, struct span name, struct span value,
    struct quota_rule *rule_out, struct status *status)
{
	struct quota_rule rule = {.folder = "*"};
	struct quota_rules known;
	bool is_fine = true;
	value = span_trim(value);
	if (value.len == 0)
		return QUOTA_FIELD_OTHER;
	if (span_is(name, "quota_storage") || span_is(name, "quota_storage_size"))
		rule.storage = arena_text(arena, value);
	else if (span_is(name, "quota_messages") || span_is(name, "quota_message_count"))
		rule.messages = arena_text(arena, value);
	else if (is_numbered(name, "quota_rule"))
		is_fine = parse_dovecot(arena, value, &rule);
	else if (span_is(name, "quota") && span_find(value, ':') == value.len)
		is_fine = parse_courier(arena, value, &rule);
	else
		return QUOTA_FIELD_OTHER; /* also Dovecot's quota=maildir:User quota */
	if (is_fine && quota_rules_parse(arena, &rule, 1, &known, status)) {
		*rule_out = rule;
		return QUOTA_FIELD_RULE;
	}
	status_fail(status, CAUSE_CONFIGURATION, "user field %.*s: \"%.*s\" is no quota",
	    (int)name.len, name.data, (int)value.len, value.data);
	return QUOTA_FIELD_NONSENSE;
}
