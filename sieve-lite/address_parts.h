#ifndef SIEVE_LITE_ADDRESS_PARTS_H
#define SIEVE_LITE_ADDRESS_PARTS_H

#include "sieve-lite/run.h"

/* The part of an address that a test wants (RFC 5228 2.7.4); all of it when nothing was said.
 * False: this address has no such part, and nothing is to be compared. */
bool address_part_take(struct run *run, const struct node *node, const struct address *address,
    bool is_valid, struct span *part_out);

#endif
