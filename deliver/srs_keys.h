#ifndef DELIVER_SRS_KEYS_H
#define DELIVER_SRS_KEYS_H

#include "base/arena.h"
#include "deliver/settings.h"
#include "mail/srs.h"

#include <stdbool.h>

/* Reads srs.key_file and loads the hash; what `srs_out` borrows is in the arena. False with a
 * status: no such file is set, it cannot be read, or has no keys. Only who sends or takes mail
 * back needs it: nobody else shall ask. */
bool srs_keys_load(struct arena *arena, const struct srs_settings *settings, struct srs *srs_out,
    struct status *status);

/* Overwrites the keys, for a process that does not need them. */
void srs_keys_forget(struct srs *srs);

#endif
