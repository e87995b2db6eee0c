#ifndef MAIL_SRS_H
#define MAIL_SRS_H

#include "mail/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* The Sender Rewriting Scheme (Shevek, 2004): a sender at somebody else's domain becomes an address
 * at ours that only we can make and that tells whose it is, so that the next hop's SPF check passes
 * and bounces still find their way.
 *
 *	bert@example.net		SRS0=HHHH=TT=example.net=bert@ours
 *	SRS0=HHHH=TT=...@theirs		SRS1=HHHH=theirs==HHHH=TT=...@ours
 *	SRS1=HHHH=first==...@theirs	SRS1=HHHH=first==...@ours
 *
 * HHHH are the first 24 bits of an HMAC-SHA1 in base64, TT the day in base32, modulo 1024. Pure;
 * the hash is the caller's. */

#define SRS_HASH_BYTES 20
typedef void srs_hmac_sha1(const void *key, size_t key_len, const void *text, size_t len,
    unsigned char hash_out[SRS_HASH_BYTES]);

#define SRS_KEYS_MAX 16

struct srs {
	srs_hmac_sha1 *hmac;
	struct span keys[SRS_KEYS_MAX]; /* the first signs, all are believed */
	size_t key_count;               /* at least 1 */
	unsigned valid_days;
};

/* Keys from the text of a file, one a line; blanks around them, empty lines and those that begin
 * with "#" do not count. False: there is none, or too many. The keys borrow from `text`. */
bool srs_take_keys(struct srs *srs, struct span text);

/* `sender` as an address at `domain`; as it is where it has no domain or that domain already. */
struct span srs_forward(struct arena *arena, const struct srs *srs, const struct address *sender,
    struct span domain, time_t now);

enum srs_answer {
	SRS_REVERSED, /* `original_out` is set */
	SRS_NO_SRS,   /* an address like any other */
	SRS_FORGED,   /* no key of ours made it */
	SRS_EXPIRED,
};

/* Whom mail to `recipient` is for. Mail systems that made the letters small are forgiven. */
enum srs_answer srs_reverse(struct arena *arena, const struct srs *srs,
    const struct address *recipient, time_t now, struct span *original_out);

#endif
