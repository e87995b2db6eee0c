/* ext_environment.c - where a script runs (RFC 5183).
 *
 *	environment [COMPARATOR] [MATCH-TYPE] <name: string> <key-list: string-list>
 *
 * An item that does not exist matches nothing, the empty key included. */
#include "sieve-lite/environment.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"

/* Who brought the mail to the MTA, where that tells; else the MTA itself. */
static struct span client_name(struct run *run)
{
	const struct envelope *envelope = run->input->envelope;
	if (envelope == NULL)
		return SPAN("");
	return envelope->origin_name.data != NULL ? envelope->origin_name : envelope->client_name;
}

static struct span client_address(struct run *run)
{
	const struct envelope *envelope = run->input->envelope;
	if (envelope == NULL)
		return SPAN("");
	return envelope->origin_address.data != NULL ? envelope->origin_address
	                                             : envelope->client_address;
}

static const struct {
	const char *name;
	const char *value; /* the same for everybody, or */
	struct span (*of)(struct run *run);
} items[] = {
    {"location", "MDA", NULL},
    {"name", "Ladle", NULL},
    {"phase", "during", NULL},
    {"remote-host", NULL, client_name},
    {"remote-ip", NULL, client_address},
    {"version", PACKAGE_VERSION, NULL},
};

bool environment_item(struct run *run, struct span name, struct span *value_out)
{
	const struct sieve_host *host = run->input->host;
	/* The host first: a script may run elsewhere than at delivery. */
	if (host != NULL && host->environment != NULL &&
	    run_answer(run, host->environment(host->context, run->arena, name, value_out),
	        "an item of the environment"))
		return true;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (!span_is_nocase(name, items[i].name))
			continue;
		*value_out = items[i].of != NULL ? items[i].of(run) : span_of(items[i].value);
		return true;
	}
	return false;
}

static bool test_environment(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct span name = run_text(run, &node->positionals[0]->texts[0]);
	struct span value;
	if (!environment_item(run, name, &value))
		return false;
	/* The count of an empty item is 0. */
	if (value.len > 0 || !node->matching->type->is_counting)
		match_value(&match, name, value);
	return match_end(&match);
}

static const struct command commands[] = {
    {.name = "environment",
        .positionals = {{.name = "the item", .type = WANTS_TEXT},
            {.name = "the keys", .type = WANTS_TEXTS}},
        .is_comparing = true,
        .test = test_environment},
    {.name = NULL},
};

const struct extension ext_environment = {
    .name = "environment",
    .document = "RFC 5183",
    .commands = commands,
};
