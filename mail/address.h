#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>

/* An envelope address (RFC 5321 4.1.2, with UTF-8 as RFC 6531 allows): a Mailbox, whose domain
 * may be missing as local delivery has it. Spans borrow from the arena it was parsed into. */
struct address {
	struct span text;   /* as written, without angle brackets and source route; "" is null */
	struct span local;  /* local part, quotes and backslashes removed */
	struct span domain; /* without "@"; "" when there is none; as written, brackets included */
};

/* RFC 5321 4.5.3.1 has 64 + 1 + 255; UTF-8 and old systems send more. */
#define ADDRESS_MAX 1024

/* Parses a Path as MAIL and RCPT have it, without the brackets: "user@example.org",
 * "\"odd user\"@example.org", "@relay:user@example.org" (the route is dropped, RFC 5321
 * appendix C), "user", "" (null sender). 8-bit bytes must be valid UTF-8. False: not an
 * address; `*why_out` is a short constant sentence. */
bool address_parse(
    struct arena *arena, struct span text, struct address *address_out, const char **why_out);

/* The same for an address from a command line, where its quotes may be gone (pipe(8) without its
 * flag q): "odd user@example.org" is taken as "\"odd user\"@example.org". */
bool address_parse_unquoted(
    struct arena *arena, struct span text, struct address *address_out, const char **why_out);

/* True for what stands for the null reverse-path on a command line: "", "<>" and a bare
 * "MAILER-DAEMON" in any case (pipe(8) writes it for the empty sender). */
bool address_is_null_sender(struct span text);

/* Splits a local part at its first delimiter byte that is not the first byte ("user+detail",
 * RFC 5233). `delimiters` are single ASCII bytes; "" switches it off. Without a delimiter in it
 * `detail_out` is the empty span with null data. */
void address_split_detail(
    struct span local, const char *delimiters, struct span *user_out, struct span *detail_out);

/* Equal as envelope addresses of one system: domains compare without case, local parts too,
 * because no system that delivers locally tells them apart. */
bool address_equals(const struct address *a, const struct address *b);

/* ASCII letters in lower case; other bytes as they are. */
struct span address_lower(struct arena *arena, struct span text);

/* Quotes a local part where RFC 5321 wants it: what address_parse() took off. */
struct span address_quote_local(struct arena *arena, struct span local);

#endif
