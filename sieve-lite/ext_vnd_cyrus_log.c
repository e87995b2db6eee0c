/* ext_vnd_cyrus_log.c - log <message: string> */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static const struct command commands[] = {
    {.name = "log", .positionals = {{.name = "the message", .type = WANTS_TEXT}}, .run = run_log},
    {.name = NULL},
};

const struct extension ext_vnd_cyrus_log = {
    .name = "vnd.cyrus.log",
    .document = "Cyrus",
    .commands = commands,
};
