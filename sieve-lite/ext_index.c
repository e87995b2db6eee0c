/* ext_index.c - which field of a name is looked at (RFC 5260 section 6).
 *
 *	":index" <fieldno: number> [":last"]	on header, address and date */
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"

#define TESTS "header address date"

static const struct tag tags[] = {
    {.name = "index", .on = TESTS, .wants = WANTS_NUMBER, .check = fields_check_index},
    {.name = "last", .on = TESTS, .check = fields_check_last},
    {.name = NULL},
};

const struct extension ext_index = {.name = "index", .document = "RFC 5260", .tags = tags};
