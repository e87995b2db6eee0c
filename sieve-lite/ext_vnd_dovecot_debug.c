/* ext_vnd_dovecot_debug.c - debug_log <message: string> */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static void run_debug_log(struct run *run, const struct node *node)
{
	const struct sieve_host *host = run->input->host;
	struct span text = run_text(run, &node->positionals[0]->texts[0]);
	run_tell_value(run, SPAN("debug_log"), text, SPAN(""), true);
	if (host != NULL && host->log != NULL)
		host->log(host->context, run->script->name, node->at.line, text);
}

static const struct command commands[] = {
    {.name = "debug_log",
        .positionals = {{.name = "the message", .type = WANTS_TEXT}},
        .run = run_debug_log},
    {.name = NULL},
};

const struct extension ext_vnd_dovecot_debug = {
    .name = "vnd.dovecot.debug",
    .document = "spec-bosch-sieve-debug",
    .commands = commands,
};
