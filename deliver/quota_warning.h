#ifndef DELIVER_QUOTA_WARNING_H
#define DELIVER_QUOTA_WARNING_H

#include "deliver/delivery.h"
#include "quota/quota.h"

/* Starts the command of a warning (for /bin/sh) that a delivery's change makes due, as the
 * delivery's user, with USER, HOME and the figures in its environment. It has a minute; nobody
 * waits for it, and what becomes of it is its own affair. */
void quota_warning_run(const struct delivery *delivery, const struct warning_settings *warning,
    const struct quota_change *change);

#endif
