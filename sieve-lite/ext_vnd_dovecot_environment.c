/* ext_vnd_dovecot_environment.c - items of the environment as variables: "${env.item.name}". A name
 * of a variable has no "-"; a "_" in it may stand for one. */
#include "sieve-lite/environment.h"
#include "sieve-lite/features.h"

static struct span env_value(struct run *run, const struct text_part *part)
{
	struct span value;
	if (environment_item(run, part->literal, &value))
		return value;
	char *name = arena_text(run->arena, part->literal);
	for (size_t i = 0; i < part->literal.len; i++) {
		if (name[i] == '_')
			name[i] = '-';
	}
	bool is_found = environment_item(run, (struct span){name, part->literal.len}, &value);
	return is_found ? value : SPAN("");
}

static bool check_env(
    struct checker *checker, struct place at, struct span rest, struct text_part *part)
{
	(void)checker;
	(void)at;
	(void)rest;
	part->value = env_value;
	return true;
}

static const struct variable_space spaces[] = {
    {.name = "env", .check = check_env},
    {.name = NULL},
};

const struct extension ext_vnd_dovecot_environment = {
    .name = "vnd.dovecot.environment",
    .document = "spec-bosch-sieve-dovecot-environment",
    .implies = "environment",
    .variable_spaces = spaces,
};
