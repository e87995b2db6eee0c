#ifndef DELIVER_SCRIPT_RULES_H
#define DELIVER_SCRIPT_RULES_H

#include "deliver/settings.h"
#include "sieve-lite/options.h"
#include "sieve-lite/sieve.h"

/* What the configuration says about the language itself, in the form that the engine takes:
 * which extensions are on, for scripts of users and for those of the site, and its limits. */
struct script_rules {
	unsigned abilities;       /* of enum sieve_ability: what a delivery can do */
	const char *personal_off; /* extensions that are off, comma-separated; "" none */
	const char *global_off;
	struct sieve_options options;
};

/* Memory: `arena`; texts of the settings are borrowed. False with a status where the settings
 * cannot be meant: an extension that nobody has, a pattern that is none. */
bool script_rules_set(struct arena *arena, const struct settings *settings,
    struct script_rules *rules_out, struct status *status);

/* What a script of this kind is compiled with, but its name and its loader. */
struct sieve_compile_options script_rules_compile_options(
    const struct script_rules *rules, bool is_global);

/* One line for each extension: its name, where it is on, its document. */
void script_rules_table(const struct script_rules *rules, struct bytes *to);

#endif
