/* ext_vnd_dovecot_debug.c - debug_log <message: string> */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static const struct command commands[] = {
    {.name = "debug_log",
        .positionals = {{.name = "the message", .type = WANTS_TEXT}},
        .run = run_log},
    {.name = NULL},
};

const struct extension ext_vnd_dovecot_debug = {
    .name = "vnd.dovecot.debug",
    .document = "spec-bosch-sieve-debug",
    .commands = commands,
};
