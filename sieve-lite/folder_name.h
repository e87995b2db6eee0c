#ifndef SIEVE_LITE_FOLDER_NAME_H
#define SIEVE_LITE_FOLDER_NAME_H

#include "base/bytes.h"

#include <stdbool.h>

/* True for what a mailbox can be called: UTF-8 without control characters, of sensible length.
 * What else a store does not like is its own business. */
bool folder_name_is_valid(struct span name);

#endif
