#ifndef SIEVE_LITE_HEADER_TEXT_H
#define SIEVE_LITE_HEADER_TEXT_H

#include "base/arena.h"
#include "base/bytes.h"

/* A header value as a person sees it (RFC 2047): encoded words are decoded into UTF-8 whatever
 * their charset, white space between two of them goes. What cannot be decoded stays as it stands
 * there; bytes outside of encoded words, raw UTF-8 or broken, are never touched. `value` is
 * unfolded; borrows it where there is nothing to decode. */
struct span header_text_decode(struct arena *arena, struct span value);

#endif
