/* script_rules.c - settings to what the engine understands.
 *
 * A list of extensions is read from left to right. It begins with the default, everything but
 * what lets users run programs, and "+name" and "-name" change that; a name without a sign
 * begins with nothing, so that a list of bare names is the whole truth. */
#include "deliver/script_rules.h"

#include "sieve-lite/registry.h"

#include <string.h>

#ifdef HAVE_SQLITE
#define CAN_REMEMBER SIEVE_CAN_REMEMBER
#else
#define CAN_REMEMBER 0
#endif

/* What a delivery does beside storing and discarding; the rest are extensions nobody may require.
 */
#define ABILITIES                                                                               \
	(SIEVE_CAN_FLAG | SIEVE_CAN_LOAD | SIEVE_CAN_REJECT | SIEVE_CAN_EDIT | SIEVE_CAN_SEND | \
	    CAN_REMEMBER | SIEVE_CAN_ANNOTATE | SIEVE_CAN_SPECIAL_USE | SIEVE_CAN_LOOK_UP |     \
	    SIEVE_CAN_FIND_BY_ID)

static bool is_on_by_default(const struct extension *extension, bool is_global)
{
	return is_global || (extension->needs & SIEVE_CAN_RUN_PROGRAMS) == 0;
}

static void set_all(bool is_on[REGISTRY_MAX], bool value)
{
	for (size_t i = 0; i < REGISTRY_MAX; i++)
		is_on[i] = value;
}

static bool apply(const char *setting, const struct text_list *list, bool is_on[REGISTRY_MAX],
    struct status *status)
{
	bool has_bare = false;
	for (size_t i = 0; i < list->count; i++) {
		struct span name = span_of(list->items[i]);
		char sign = name.len > 0 ? name.data[0] : '\0';
		if (sign == '+' || sign == '-')
			name = span_from(name, 1);
		else if (!has_bare)
			set_all(is_on, false);
		has_bare = has_bare || (sign != '+' && sign != '-');
		size_t index = registry_find(name);
		if (index < registry_count())
			is_on[index] = sign != '-';
		else if (sign != '-') /* what is not there is off anyway */
			return status_fail(status, CAUSE_CONFIGURATION,
			    "%s: there is no extension \"%.*s\"; sieve-lite extensions lists them",
			    setting, (int)name.len, name.data);
	}
	return true;
}

/* The extensions that are off, as the engine wants them. */
static bool make_list(struct arena *arena, const char *setting, const struct text_list *list,
    bool is_global, const char **off_out, struct status *status)
{
	bool is_on[REGISTRY_MAX] = {false};
	struct bytes off = {0};
	for (size_t i = 0; i < registry_count(); i++)
		is_on[i] = is_on_by_default(registry_extension(i), is_global);
	if (!apply(setting, list, is_on, status))
		return false;
	for (size_t i = 0; i < registry_count(); i++) {
		const char *name = registry_extension(i)->name;
		if (name != NULL && !is_on[i])
			bytes_appendf(&off, "%s%s", off.len > 0 ? "," : "", name);
	}
	*off_out = arena_text(arena, bytes_span(&off));
	bytes_clear(&off);
	return true;
}

/* -- what extensions leave to the site --------------------------------------------------------- */

/* Empty means: as the language has it. */
static const char *text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void set_limits(struct sieve_options *options, const struct sieve_settings *settings)
{
	options->max_steps = settings->max_steps;
	options->max_actions = settings->max_actions;
	options->max_redirects = settings->max_redirects;
	options->max_variables = settings->max_variables;
	options->max_variable_bytes = settings->max_variable_bytes;
	options->max_header_bytes = settings->max_header_bytes;
	options->max_includes = settings->max_includes;
	options->max_include_depth = settings->max_include_depth;
	options->duplicate_default_seconds = settings->duplicate_default_s;
	options->duplicate_max_seconds = settings->duplicate_max_s;
}

/* What scripts send of their own. */
static void set_sending(struct sieve_options *options, const struct sieve_settings *settings)
{
	options->vacation_min_seconds = settings->vacation_min_s;
	options->vacation_min_short_seconds = settings->vacation_min_short_s;
	options->vacation_max_seconds = settings->vacation_max_s;
	options->vacation_default_seconds = settings->vacation_default_s;
	options->vacation_subject_template = settings->vacation_subject;
	options->vacation_default_subject = settings->vacation_no_subject;
	options->vacation_uses_original = settings->vacation_original_recipient;
	options->vacation_checks_recipient = settings->vacation_check_recipient;
	options->vacation_sends_from_recipient = settings->vacation_from_recipient;
	options->max_notifications = settings->max_notifications;
	options->notify_envelope_from = settings->notify_sender;
	options->vacation_to_ignores_envelope = settings->vacation_to_author;
	options->notify_from = text_or_null(settings->notify_from);
	options->notify_max_recipients = settings->notify_max_recipients;
	options->notify_max_fields = settings->notify_max_fields;
	options->report_from = settings->report_sender;
}

static void set_headers(
    struct arena *arena, struct sieve_options *options, const struct sieve_settings *settings)
{
	struct sieve_header_rule *rules =
	    arena_new_items(arena, settings->header_count + 1, sizeof(*rules));
	for (size_t i = 0; i < settings->header_count; i++) {
		const struct header_settings *from = &settings->headers[i];
		rules[i] =
		    (struct sieve_header_rule){from->title, from->forbid_add, from->forbid_delete};
	}
	options->header_rules = rules;
	options->header_rule_count = settings->header_count;
}

static bool set_score(struct sieve_score_options *score, const char *section,
    const struct score_settings *settings, struct status *status)
{
	static const enum sieve_score_type types[] = {
	    [SCORE_NUMBER] = SIEVE_SCORE_NUMBER,
	    [SCORE_LENGTH] = SIEVE_SCORE_LENGTH,
	    [SCORE_TEXT] = SIEVE_SCORE_TEXT,
	};
	char why[200];
	*score = (struct sieve_score_options){
	    .status_header = text_or_null(settings->header),
	    .status_type = types[settings->type],
	    .max_header = text_or_null(settings->max_header),
	    .max_value = text_or_null(settings->max_value),
	};
	for (size_t i = 0; i < settings->texts.count && i < SIEVE_SCORE_TEXTS; i++)
		score->texts[i] = text_or_null(settings->texts.items[i]);
	if (score->status_header == NULL)
		return true;
	const char *fault = sieve_score_fault(score, why, sizeof(why));
	return fault == NULL ||
	       status_fail(status, CAUSE_CONFIGURATION, "sieve.%s: %s", section, fault);
}

static bool is_named(const char *directory)
{
	return directory != NULL && directory[0] != '\0';
}

/* What is offered by naming a directory. */
static unsigned program_abilities(const struct programs_settings *programs)
{
	unsigned abilities = 0;
	if (is_named(programs->pipe_directory))
		abilities |= SIEVE_CAN_PIPE;
	if (is_named(programs->filter_directory))
		abilities |= SIEVE_CAN_FILTER;
	if (is_named(programs->execute_directory))
		abilities |= SIEVE_CAN_EXECUTE;
	return abilities;
}

bool script_rules_set(struct arena *arena, const struct settings *settings,
    struct script_rules *rules_out, struct status *status)
{
	const struct sieve_settings *sieve = &settings->sieve;
	struct sieve_options *options = &rules_out->options;
	*rules_out = (struct script_rules){
	    .abilities = ABILITIES | program_abilities(&sieve->programs),
	    .options = sieve_options_default,
	};
	set_limits(options, sieve);
	set_sending(options, sieve);
	set_headers(arena, options, sieve);
	if (strchr(settings->postmaster, '@') != NULL)
		options->postmaster = settings->postmaster;
	return set_score(&options->spamtest, "spamtest", &sieve->spamtest, status) &&
	       set_score(&options->virustest, "virustest", &sieve->virustest, status) &&
	       make_list(arena, "sieve.extensions", &sieve->extensions, false,
	           &rules_out->personal_off, status) &&
	       make_list(arena, "sieve.global_extensions", &sieve->global_extensions, true,
	           &rules_out->global_off, status);
}

struct sieve_compile_options script_rules_compile_options(
    const struct script_rules *rules, bool is_global)
{
	return (struct sieve_compile_options){
	    .disabled_extensions = is_global ? rules->global_off : rules->personal_off,
	    .disabled_in_personal = rules->personal_off,
	    .disabled_in_global = rules->global_off,
	    .abilities = rules->abilities,
	    .options = &rules->options,
	};
}

void script_rules_table(const struct script_rules *rules, struct bytes *to)
{
	struct sieve_compile_options personal = script_rules_compile_options(rules, false);
	struct sieve_compile_options global = script_rules_compile_options(rules, true);
	for (size_t i = 0; i < registry_count(); i++) {
		const struct extension *extension = registry_extension(i);
		if (extension->name == NULL)
			continue;
		bytes_appendf(to, "%-28s %-9s %-7s %s\n", extension->name,
		    registry_is_available(extension, &personal) ? "personal" : "-",
		    registry_is_available(extension, &global) ? "global" : "-",
		    extension->document);
	}
}
