/* ext_copy.c - :copy, an action beside the implicit keep (RFC 3894). */
#include "sieve-lite/features.h"

static const struct tag tags[] = {
    {.name = "copy", .on = "fileinto redirect pipe", .leaves_keep = true},
    {.name = NULL},
};

const struct extension ext_copy = {.name = "copy", .document = "RFC 3894", .tags = tags};
