/* script_rules.c - settings to what the engine understands.
 *
 * A list of extensions is read from left to right. It begins with the default, everything but
 * what lets users run programs, and "+name" and "-name" change that; a name without a sign
 * begins with nothing, so that a list of bare names is the whole truth. */
#include "deliver/script_rules.h"

#include "sieve-lite/registry.h"

#include <stdio.h>

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
	options->report_from = settings->report_sender;
}

bool script_rules_set(struct arena *arena, const struct sieve_settings *settings,
    struct script_rules *rules_out, struct status *status)
{
	*rules_out = (struct script_rules){
	    .abilities = ABILITIES,
	    .options = sieve_options_default,
	};
	rules_out->options.max_steps = settings->max_steps;
	rules_out->options.max_actions = settings->max_actions;
	rules_out->options.max_redirects = settings->max_redirects;
	rules_out->options.max_variable_bytes = settings->max_variable_bytes;
	rules_out->options.max_includes = settings->max_includes;
	rules_out->options.max_include_depth = settings->max_include_depth;
	rules_out->options.duplicate_default_seconds = settings->duplicate_default_s;
	rules_out->options.duplicate_max_seconds = settings->duplicate_max_s;
	set_sending(&rules_out->options, settings);
	return make_list(arena, "sieve.extensions", &settings->extensions, false,
	           &rules_out->personal_off, status) &&
	       make_list(arena, "sieve.global_extensions", &settings->global_extensions, true,
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

void script_rules_list(const struct script_rules *rules, bool is_global, struct bytes *to)
{
	struct sieve_compile_options options = script_rules_compile_options(rules, is_global);
	for (size_t i = 0; i < registry_count(); i++) {
		const struct extension *extension = registry_extension(i);
		if (extension->name != NULL && registry_is_available(extension, &options))
			bytes_appendf(to, " %s", extension->name);
	}
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
