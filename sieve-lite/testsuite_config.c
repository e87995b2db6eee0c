/* testsuite_config.c - settings by the names that Pigeonhole's tests use. What is set counts from
 * the next reload on; a name that nothing here knows is remembered all the same. */
#include "sieve-lite/testsuite.h"

#include "base/number.h"

#include <string.h>
#include <unistd.h>

static struct testsuite_setting *find(struct testsuite_setting *setting, struct span name)
{
	while (setting != NULL && !span_equals(setting->name, name))
		setting = setting->next;
	return setting;
}

static void set(struct testsuite *suite, struct testsuite_setting **settings, struct span name,
    struct span value)
{
	struct testsuite_setting *setting = find(*settings, name);
	if (setting == NULL) {
		setting = ARENA_NEW(suite->arena, struct testsuite_setting);
		setting->name = name;
		setting->next = *settings;
		*settings = setting;
	}
	setting->value = value;
}

void testsuite_config_set(struct testsuite *suite, struct span name, struct span value)
{
	set(suite, &suite->settings, name, value);
}

struct span testsuite_config(const struct testsuite *suite, const char *name)
{
	const struct testsuite_setting *setting = find(suite->in_force, span_of(name));
	return setting != NULL ? setting->value : (struct span){NULL, 0};
}

bool testsuite_config_is_on(const struct testsuite *suite, const char *name)
{
	return span_is_nocase(testsuite_config(suite, name), "yes");
}

static const char *text_or(struct testsuite *suite, const char *name, const char *otherwise)
{
	struct span value = testsuite_config(suite, name);
	return value.data != NULL ? arena_text(suite->arena, value) : otherwise;
}

static void read_score(
    struct testsuite *suite, const char *prefix, struct sieve_score_options *options)
{
	struct arena *arena = suite->arena;
	const char *type = text_or(suite, arena_textf(arena, "%sstatus_type", prefix), "");
	options->status_header =
	    text_or(suite, arena_textf(arena, "%sstatus_header", prefix), NULL);
	options->status_type = SIEVE_SCORE_NUMBER;
	if (span_is_nocase(span_of(type), "strlen"))
		options->status_type = SIEVE_SCORE_LENGTH;
	if (span_is_nocase(span_of(type), "text"))
		options->status_type = SIEVE_SCORE_TEXT;
	options->max_header =
	    text_or(suite, arena_textf(arena, "%sscore_max_header", prefix), NULL);
	options->max_value = text_or(suite, arena_textf(arena, "%sscore_max_value", prefix), NULL);
	for (unsigned i = 0; i < SIEVE_SCORE_TEXTS; i++)
		options->texts[i] =
		    text_or(suite, arena_textf(arena, "%stext_value/%u", prefix, i), NULL);
}

/* -- What the engine is told ------------------------------------------------------------------- */

/* Dovecot's times: "7d", "30 mins", "0". */
static bool parse_seconds(struct span text, uint64_t *seconds_out)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	size_t digits = 0;
	while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
		digits++;
	struct span unit = span_trim(span_from(text, digits));
	if (!number_parse(span_first(text, digits), INT64_MAX, seconds_out))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (unit.len > 0 && unit.data[0] == units[i].letter)
			*seconds_out = number_multiply(*seconds_out, units[i].seconds);
	}
	return true;
}

enum option_type { IS_TIME, IS_NUMBER, IS_SIZE, IS_BOOL, IS_TEXT };

#define OPTION(field) offsetof(struct sieve_options, field)

static const struct {
	const char *setting;
	enum option_type type;
	size_t offset;
} options[] = {
    {"sieve_max_actions", IS_NUMBER, OPTION(max_actions)},
    {"sieve_max_redirects", IS_NUMBER, OPTION(max_redirects)},
    {"sieve_variables_max_scope_count", IS_NUMBER, OPTION(max_variables)},
    {"sieve_variables_max_value_size", IS_SIZE, OPTION(max_variable_bytes)},
    {"sieve_editheader_max_header_size", IS_SIZE, OPTION(max_header_bytes)},
    {"sieve_include_max_includes", IS_NUMBER, OPTION(max_includes)},
    {"sieve_include_max_nesting_depth", IS_NUMBER, OPTION(max_include_depth)},
    {"sieve_vacation_min_period", IS_TIME, OPTION(vacation_min_seconds)},
    {"sieve_vacation_min_period", IS_TIME, OPTION(vacation_min_short_seconds)},
    {"sieve_vacation_max_period", IS_TIME, OPTION(vacation_max_seconds)},
    {"sieve_vacation_default_period", IS_TIME, OPTION(vacation_default_seconds)},
    {"sieve_vacation_default_subject", IS_TEXT, OPTION(vacation_default_subject)},
    {"sieve_vacation_default_subject_template", IS_TEXT, OPTION(vacation_subject_template)},
    {"sieve_vacation_use_original_recipient", IS_BOOL, OPTION(vacation_uses_original)},
    {"sieve_vacation_check_recipient", IS_BOOL, OPTION(vacation_checks_recipient)},
    {"sieve_vacation_send_from_recipient", IS_BOOL, OPTION(vacation_sends_from_recipient)},
    {"sieve_vacation_to_header_ignore_envelope", IS_BOOL, OPTION(vacation_to_ignores_envelope)},
    {"sieve_notify_max_notifications", IS_NUMBER, OPTION(max_notifications)},
    {"sieve_report_from", IS_TEXT, OPTION(report_from)},
    {"sieve_notify_mailto_envelope_from", IS_TEXT, OPTION(notify_envelope_from)},
};

/* Values that cannot be read leave the default. */
static void set_option(
    struct testsuite *suite, enum option_type type, size_t offset, struct span value)
{
	char *field = (char *)&suite->options + offset;
	bool is_on = span_is_nocase(value, "yes");
	uint64_t number;
	const char *text = arena_text(suite->arena, value);
	switch (type) {
	case IS_TIME:
		if (parse_seconds(value, &number))
			memcpy(field, &number, sizeof(number));
		break;
	case IS_NUMBER:
		if (number_parse(value, UINT64_MAX, &number))
			memcpy(field, &number, sizeof(number));
		break;
	case IS_SIZE:
		if (number_parse_bytes(value, &number))
			memcpy(field, &number, sizeof(number));
		break;
	case IS_BOOL:
		memcpy(field, &is_on, sizeof(is_on));
		break;
	case IS_TEXT:
		/* Empty is Dovecot's way to say: the default. */
		if (value.len > 0)
			memcpy(field, &text, sizeof(text));
		break;
	}
}

/* -- Lists of named things: "list" = "a b", "list/a/key" = "value" ------------------------------
 */

/* What Dovecot writes for bytes that would end a name. */
static struct span unescape(struct arena *arena, struct span name)
{
	static const char codes[] = "s_+\\";
	static const char bytes[] = "/ ,\\";
	char *copy = arena_text(arena, name);
	size_t len = 0;
	for (size_t i = 0; i < name.len; i++) {
		const char *code = NULL;
		if (name.data[i] == '\\' && i + 1 < name.len && name.data[i + 1] != '\0')
			code = strchr(codes, name.data[i + 1]);
		copy[len++] = code != NULL ? bytes[code - codes] : name.data[i];
		i += code != NULL ? 1 : 0;
	}
	return (struct span){copy, len};
}

bool testsuite_config_next(struct testsuite *suite, struct span *rest, struct span *name_out)
{
	size_t start = 0;
	size_t len = 0;
	while (start < rest->len && strchr(" ,\t", rest->data[start]) != NULL)
		start++;
	*rest = span_from(*rest, start);
	while (len < rest->len && strchr(" ,\t", rest->data[len]) == NULL)
		len++;
	*name_out = unescape(suite->arena, span_first(*rest, len));
	*rest = span_from(*rest, len);
	return len > 0;
}

static bool ends_with(struct span text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && span_is(span_from(text, text.len - len), end);
}

struct span testsuite_config_of(
    const struct testsuite *suite, const char *list, struct span name, const char *key)
{
	const size_t list_len = strlen(list);
	const struct testsuite_setting *setting = suite->in_force;
	for (; setting != NULL; setting = setting->next) {
		if (!span_starts_with(setting->name, list) || setting->value.data == NULL)
			continue;
		struct span rest = span_from(setting->name, list_len);
		struct span empty;
		struct span named;
		span_next_piece(&rest, '/', &empty);
		if (empty.len > 0 || rest.data == NULL || !span_next_piece(&rest, '/', &named))
			continue;
		/* The key may be told with the list's name in front. */
		if (span_starts_with(rest, list) && rest.len > list_len &&
		    rest.data[list_len] == '_')
			rest = span_from(rest, list_len + 1);
		bool is_it = key[0] == '/' ? ends_with(rest, key) : span_is(rest, key);
		if (is_it && span_equals_nocase(unescape(suite->arena, named), name))
			return setting->value;
	}
	return (struct span){NULL, 0};
}

static void read_header_rules(struct testsuite *suite)
{
	static const char list[] = "sieve_editheader_header";
	struct span names = testsuite_config(suite, list);
	struct span name;
	struct sieve_header_rule *rules =
	    arena_new_items(suite->arena, names.len + 1, sizeof(*rules));
	size_t count = 0;
	while (testsuite_config_next(suite, &names, &name)) {
		rules[count++] = (struct sieve_header_rule){
		    .name = arena_text(suite->arena, name),
		    .forbids_add =
		        span_is_nocase(testsuite_config_of(suite, list, name, "forbid_add"), "yes"),
		    .forbids_delete = span_is_nocase(
		        testsuite_config_of(suite, list, name, "forbid_delete"), "yes"),
		};
	}
	suite->options.header_rules = rules;
	suite->options.header_rule_count = count;
}

int64_t testsuite_cpu_limit_ms(const struct testsuite *suite)
{
	uint64_t seconds = 30;
	parse_seconds(testsuite_config(suite, "sieve_max_cpu_time"), &seconds);
	return seconds > 0 && seconds < 100000 ? (int64_t)seconds * 1000 : INT64_MAX / 2;
}

void testsuite_config_reload(struct testsuite *suite)
{
	const struct testsuite_setting *setting = suite->settings;
	for (; setting != NULL; setting = setting->next)
		set(suite, &suite->in_force, setting->name, setting->value);
	/* With Dovecot's defaults, where these are others than ours. */
	suite->input.recipient_delimiter = text_or(suite, "recipient_delimiter", "+");
	suite->options = sieve_options_default;
	read_score(suite, "sieve_spamtest_", &suite->options.spamtest);
	read_score(suite, "sieve_virustest_", &suite->options.virustest);
	suite->options.postmaster = "postmaster@example.com";
	suite->options.max_variable_bytes = 4096;
	suite->options.vacation_uses_original = false;
	suite->options.vacation_min_short_seconds = suite->options.vacation_min_seconds;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct span value = testsuite_config(suite, options[i].setting);
		if (value.data != NULL)
			set_option(suite, options[i].type, options[i].offset, value);
	}
	/* There the setting of the envelope is that of From as well. */
	suite->options.notify_from = suite->options.notify_envelope_from != NULL
	                                 ? suite->options.notify_envelope_from
	                                 : suite->options.postmaster;
	read_header_rules(suite);
	struct span email = testsuite_config(suite, "sieve_user_email");
	bool is_address =
	    email.len > 0 && address_parse(suite->arena, email, &suite->user_email, NULL);
	suite->input.user_email = is_address ? &suite->user_email : NULL;
}

enum sieve_answer testsuite_environment(
    void *context, struct arena *arena, struct span name, struct span *value_out)
{
	static const char prefix[] = "vnd.dovecot.config.";
	static const struct {
		const char *name;
		const char *value;
	} items[] = {
	    {"location", "MS"},
	    {"phase", "post"},
	    {"vnd.dovecot.default-mailbox", "INBOX"},
	    {"vnd.dovecot.username", "testsuite-mail-user@example.org"},
	};
	char host[256] = "";
	if (gethostname(host, sizeof(host) - 1) == 0 && span_is_nocase(name, "host")) {
		*value_out = arena_span(arena, span_of(host));
		return SIEVE_YES;
	}
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (!span_is_nocase(name, items[i].name))
			continue;
		*value_out = span_of(items[i].value);
		return SIEVE_YES;
	}
	if (!span_starts_with_nocase(name, prefix))
		return SIEVE_NO;
	const char *setting = arena_text(arena, span_from(name, sizeof(prefix) - 1));
	*value_out = testsuite_config(context, arena_textf(arena, "sieve_environment/%s", setting));
	return value_out->data != NULL ? SIEVE_YES : SIEVE_NO;
}
