#ifndef SIEVE_LITE_HEADER_TEXT_H
#define SIEVE_LITE_HEADER_TEXT_H

#include "base/arena.h"
#include "base/bytes.h"

/* A header value as a person sees it (RFC 2047): encoded words are decoded into UTF-8 whatever
 * their charset, white space between two of them goes. One of an unknown charset stays as it stands
 * there, broken bytes in others are told as charset.h has it; bytes outside of encoded words, raw
 * UTF-8 or broken, are never touched. `value` is unfolded; borrows it where there is nothing to
 * decode. */
struct span header_text_decode(struct arena *arena, struct span value);

#endif
