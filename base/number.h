#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers as people and protocols write them. All refuse empty text, signs, blanks, anything
 * behind the number, and what does not fit; then false, and the output is untouched. */

/* Decimal digits only, at most `max`. */
bool number_parse(struct span text, uint64_t max, uint64_t *value_out);

/* "10M": a byte count with an optional B, K, M, G or T (powers of 1024). */
bool number_parse_bytes(struct span text, uint64_t *bytes_out);

/* "240s": a time with a mandatory unit s, m, h or d; in seconds. "0" needs none. */
bool number_parse_seconds(struct span text, uint64_t *seconds_out);

/* a + b and a * b that stop at UINT64_MAX. */
uint64_t number_add(uint64_t a, uint64_t b);
uint64_t number_multiply(uint64_t a, uint64_t b);

#endif
