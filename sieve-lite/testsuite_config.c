/* testsuite_config.c - settings by the names that Pigeonhole's tests use. What is set counts from
 * the next reload on; a name that nothing here knows is remembered all the same. */
#include "sieve-lite/testsuite.h"

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

static void read_options(struct testsuite *suite)
{
	suite->options = sieve_options_default;
	read_score(suite, "sieve_spamtest_", &suite->options.spamtest);
	read_score(suite, "sieve_virustest_", &suite->options.virustest);
}

void testsuite_config_reload(struct testsuite *suite)
{
	const struct testsuite_setting *setting = suite->settings;
	for (; setting != NULL; setting = setting->next)
		set(suite, &suite->in_force, setting->name, setting->value);
	/* What the engine knows, with Dovecot's defaults. */
	suite->input.recipient_delimiter = text_or(suite, "recipient_delimiter", "+");
	read_options(suite);
}

enum sieve_answer testsuite_environment(
    void *context, struct arena *arena, struct span name, struct span *value_out)
{
	static const char prefix[] = "vnd.dovecot.config.";
	if (span_is_nocase(name, "vnd.dovecot.default-mailbox")) {
		*value_out = SPAN("INBOX");
		return SIEVE_YES;
	}
	if (span_is_nocase(name, "vnd.dovecot.username")) {
		*value_out = SPAN("testsuite-mail-user@example.org");
		return SIEVE_YES;
	}
	if (!span_starts_with_nocase(name, prefix))
		return SIEVE_NO;
	const char *setting = arena_text(arena, span_from(name, sizeof(prefix) - 1));
	*value_out = testsuite_config(context, arena_textf(arena, "sieve_environment/%s", setting));
	return value_out->data != NULL ? SIEVE_YES : SIEVE_NO;
}
