#include "mail/srs.h"

#include <string.h>

#define DAY_S 86400
#define DAYS 1024 /* what two base32 digits can tell apart */
#define HASH_LEN 4
#define STAMP_LEN 2

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -- keys and hashes --------------------------------------------------------------------------- */

bool srs_take_keys(struct srs *srs, struct span text)
{
	struct span line;
	srs->key_count = 0;
	while (span_next_line(&text, &line)) {
		line = span_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (srs->key_count == SRS_KEYS_MAX)
			return false;
		srs->keys[srs->key_count++] = line;
	}
	return srs->key_count > 0;
}

/* Of the pieces one after the other, in lower case: what lies between must not matter, because
 * others' implementations do not count it. */
static void make_hash(const struct srs *srs, struct span key, const struct span *pieces,
    size_t count, char hash_out[HASH_LEN])
{
	unsigned char digest[SRS_HASH_BYTES];
	struct bytes text = {0};
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].len; k++)
			bytes_append_byte(&text, ascii_lower(pieces[i].data[k]));
	}
	srs->hmac(key.data, key.len, text.data, text.len, digest);
	bytes_clear(&text);
	unsigned bits = (unsigned)digest[0] << 16 | (unsigned)digest[1] << 8 | digest[2];
	for (int i = 0; i < HASH_LEN; i++)
		hash_out[i] = base64[bits >> (18 - 6 * i) & 63];
}

static bool is_ours(
    const struct srs *srs, struct span hash, const struct span *pieces, size_t count)
{
	for (size_t i = 0; i < srs->key_count; i++) {
		char wanted[HASH_LEN];
		make_hash(srs, srs->keys[i], pieces, count, wanted);
		if (span_equals_nocase(hash, (struct span){wanted, HASH_LEN}))
			return true;
	}
	return false;
}

static unsigned today(time_t now)
{
	return (unsigned)((now / DAY_S) % DAYS);
}

static bool is_valid_day(const struct srs *srs, struct span stamp, time_t now)
{
	unsigned day = 0;
	for (size_t i = 0; i < stamp.len; i++) {
		char upper = stamp.data[i];
		if (upper >= 'a' && upper <= 'z')
			upper = (char)(upper - 'a' + 'A');
		const char *at = upper == '\0' ? NULL : strchr(base32, upper);
		if (at == NULL)
			return false;
		day = day * 32 + (unsigned)(at - base32);
	}
	/* One from tomorrow is of a clock that goes a little wrong. */
	unsigned age = (today(now) + DAYS - day) % DAYS;
	return age <= srs->valid_days || age == DAYS - 1;
}

/* -- what an address is ------------------------------------------------------------------------ */

/* "SRS0=", also with the other separators some use. */
static bool has_tag(struct span local, const char *tag)
{
	return span_starts_with_nocase(local, tag) && local.len > 4 &&
	       strchr("=-+", local.data[4]) != NULL && local.data[4] != '\0';
}

/* Takes what stands before the next "=" off `rest`; false where there is none. */
static bool take_piece(struct span *rest, struct span *piece_out)
{
	size_t end = span_find(*rest, '=');
	if (end == rest->len || end == 0)
		return false;
	*piece_out = span_first(*rest, end);
	*rest = span_from(*rest, end + 1);
	return true;
}

/* -- forward ----------------------------------------------------------------------------------- */

static struct span join(struct arena *arena, struct bytes *local, struct span domain)
{
	struct span quoted = address_quote_local(arena, bytes_span(local));
	struct span whole = arena_spanf(
	    arena, "%.*s@%.*s", (int)quoted.len, quoted.data, (int)domain.len, domain.data);
	bytes_clear(local);
	return whole;
}

static struct span forward_first(struct arena *arena, const struct srs *srs,
    const struct address *sender, struct span domain, time_t now)
{
	unsigned day = today(now);
	char stamp[STAMP_LEN] = {base32[day / 32], base32[day % 32]};
	char hash[HASH_LEN];
	struct bytes local = {0};
	const struct span pieces[] = {{stamp, STAMP_LEN}, sender->domain, sender->local};
	make_hash(srs, srs->keys[0], pieces, 3, hash);
	bytes_appendf(&local, "SRS0=%.*s=%.*s=%.*s=", HASH_LEN, hash, STAMP_LEN, stamp,
	    (int)sender->domain.len, sender->domain.data);
	bytes_append_span(&local, sender->local);
	return join(arena, &local, domain);
}

/* `host` is who made the SRS0 address, `rest` what follows its tag, with the separator. */
static struct span forward_again(struct arena *arena, const struct srs *srs, struct span host,
    struct span rest, struct span domain)
{
	char hash[HASH_LEN];
	struct bytes local = {0};
	const struct span pieces[] = {host, rest};
	make_hash(srs, srs->keys[0], pieces, 2, hash);
	bytes_appendf(&local, "SRS1=%.*s=%.*s=", HASH_LEN, hash, (int)host.len, host.data);
	bytes_append_span(&local, rest);
	return join(arena, &local, domain);
}

struct span srs_forward(struct arena *arena, const struct srs *srs, const struct address *sender,
    struct span domain, time_t now)
{
	struct span rest = span_from(sender->local, 5);
	struct span hash;
	struct span host;
	if (sender->domain.len == 0 || span_equals_nocase(sender->domain, domain))
		return sender->text;
	if (has_tag(sender->local, "SRS0"))
		return forward_again(
		    arena, srs, sender->domain, span_from(sender->local, 4), domain);
	/* Only the first host can check its own address: so those between are left out. */
	if (has_tag(sender->local, "SRS1") && take_piece(&rest, &hash) && take_piece(&rest, &host))
		return forward_again(arena, srs, host, rest, domain);
	return forward_first(arena, srs, sender, domain, now);
}

/* -- back -------------------------------------------------------------------------------------- */

static enum srs_answer reverse_first(struct arena *arena, const struct srs *srs, struct span rest,
    time_t now, struct span *original_out)
{
	struct span hash;
	struct span stamp;
	struct span host;
	if (!take_piece(&rest, &hash) || !take_piece(&rest, &stamp) || !take_piece(&rest, &host) ||
	    hash.len != HASH_LEN || stamp.len != STAMP_LEN || rest.len == 0)
		return SRS_NO_SRS;
	const struct span pieces[] = {stamp, host, rest};
	if (!is_ours(srs, hash, pieces, 3))
		return SRS_FORGED;
	if (!is_valid_day(srs, stamp, now))
		return SRS_EXPIRED;
	struct bytes local = {0};
	bytes_append_span(&local, rest);
	*original_out = join(arena, &local, host);
	return SRS_REVERSED;
}

static enum srs_answer reverse_again(
    struct arena *arena, const struct srs *srs, struct span rest, struct span *original_out)
{
	struct span hash;
	struct span host;
	if (!take_piece(&rest, &hash) || !take_piece(&rest, &host) || hash.len != HASH_LEN ||
	    rest.len < 2)
		return SRS_NO_SRS;
	const struct span pieces[] = {host, rest};
	if (!is_ours(srs, hash, pieces, 2))
		return SRS_FORGED;
	struct bytes local = {0};
	bytes_append_text(&local, "SRS0");
	bytes_append_span(&local, rest);
	*original_out = join(arena, &local, host);
	return SRS_REVERSED;
}

enum srs_answer srs_reverse(struct arena *arena, const struct srs *srs,
    const struct address *recipient, time_t now, struct span *original_out)
{
	enum srs_answer answer = SRS_NO_SRS;
	struct address original;
	struct span rest = span_from(recipient->local, 5);
	if (has_tag(recipient->local, "SRS0"))
		answer = reverse_first(arena, srs, rest, now, original_out);
	else if (has_tag(recipient->local, "SRS1"))
		answer = reverse_again(arena, srs, rest, original_out);
	/* Even what we signed is only believed to be an address when it is one. */
	if (answer == SRS_REVERSED && !address_parse(arena, *original_out, &original, NULL))
		answer = SRS_FORGED;
	return answer;
}
