#ifndef DELIVER_PLUGIN_SIEVE_H
#define DELIVER_PLUGIN_SIEVE_H

#include "deliver/delivery.h"

/* Runs scripts for a delivery that is a rehearsal (pipeline_errands.h), whose user is known: adds
 * their actions. False with a temporary status. */
bool plugin_sieve_rehearse(struct delivery *delivery, struct status *status);

#endif
