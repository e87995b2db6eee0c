#include "mail/srs.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* 2026-11-21, day 298 of its 1024, "JK". The hashes were made with another implementation. */
#define NOW ((time_t)1795255200)
#define DAY ((time_t)86400)

static void hmac_sha1(const void *key, size_t key_len, const void *text, size_t len,
    unsigned char hash_out[SRS_HASH_BYTES])
{
	unsigned int hash_len = SRS_HASH_BYTES;
	HMAC(EVP_sha1(), key, (int)key_len, text, len, hash_out, &hash_len);
}

static struct srs srs_of(const char *keys)
{
	struct srs srs = {.hmac = hmac_sha1, .valid_days = 21};
	ck_assert(srs_take_keys(&srs, span_of(keys)));
	return srs;
}

static struct address parse(struct arena *arena, const char *text)
{
	struct address address;
	ck_assert_msg(address_parse(arena, span_of(text), &address, NULL), "%s", text);
	return address;
}

START_TEST(keys_are_lines)
{
	struct srs srs = srs_of("# ours\n\n  first key \nsecond\n");
	char many[100] = "";
	ck_assert_uint_eq(srs.key_count, 2);
	ck_assert(span_is(srs.keys[0], "first key"));
	ck_assert(!srs_take_keys(&srs, SPAN("\n#x\n")));
	for (int i = 0; i < SRS_KEYS_MAX + 1; i++)
		strcat(many, "k\n");
	ck_assert(!srs_take_keys(&srs, span_of(many)));
}
END_TEST

START_TEST(senders_are_rewritten)
{
	static const struct {
		const char *keys, *sender, *rewritten;
	} rows[] = {
	    {"first key\nsecond", "bert@example.net", "SRS0=/sJU=JK=example.net=bert@ours.test"},
	    {"second", "Bert.X@example.net", "SRS0=0gbm=JK=example.net=Bert.X@ours.test"},
	    {"first key", "\"odd user\"@example.net",
	        "\"SRS0=geXf=JK=example.net=odd user\"@ours.test"},
	    {"first key", "SRS0=QtFd=CO=example.net=bert@first.test",
	        "SRS1=z4UV=first.test==QtFd=CO=example.net=bert@ours.test"},
	    {"first key", "SRS1=XXXX=first.test==QtFd=CO=example.net=bert@second.test",
	        "SRS1=z4UV=first.test==QtFd=CO=example.net=bert@ours.test"},
	    {"first key", "anna@OURS.test", "anna@OURS.test"},
	    {"first key", "anna", "anna"},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct srs srs = srs_of(rows[i].keys);
		struct address sender = parse(arena, rows[i].sender);
		struct span got = srs_forward(arena, &srs, &sender, SPAN("ours.test"), NOW);
		ck_assert_str_eq(arena_text(arena, got), rows[i].rewritten);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(they_are_turned_back)
{
	static const struct {
		const char *keys, *address;
		time_t now;
		enum srs_answer answer;
		const char *original;
	} rows[] = {
	    {"first key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW, SRS_REVERSED,
	        "bert@example.net"},
	    {"new\nfirst key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW, SRS_REVERSED,
	        "bert@example.net"},
	    {"first key", "srs0=/sju=jk=example.net=bert@ours.test", NOW, SRS_REVERSED,
	        "bert@example.net"},
	    {"first key", "SRS0+/sJU=JK=example.net=bert@ours.test", NOW, SRS_REVERSED,
	        "bert@example.net"},
	    {"first key", "\"SRS0=geXf=JK=example.net=odd user\"@ours.test", NOW, SRS_REVERSED,
	        "\"odd user\"@example.net"},
	    {"first key", "SRS1=z4UV=first.test==QtFd=CO=example.net=bert@ours.test", NOW,
	        SRS_REVERSED, "SRS0=QtFd=CO=example.net=bert@first.test"},
	    {"first key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW + 21 * DAY, SRS_REVERSED,
	        "bert@example.net"},
	    {"first key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW - DAY, SRS_REVERSED,
	        "bert@example.net"},
	    {"first key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW + 22 * DAY, SRS_EXPIRED,
	        NULL},
	    {"first key", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW - 2 * DAY, SRS_EXPIRED,
	        NULL},
	    {"other", "SRS0=/sJU=JK=example.net=bert@ours.test", NOW, SRS_FORGED, NULL},
	    {"first key", "SRS0=/sJU=JK=example.net=carl@ours.test", NOW, SRS_FORGED, NULL},
	    {"first key", "SRS0=/sJU=JL=example.net=bert@ours.test", NOW, SRS_FORGED, NULL},
	    {"first key", "SRS1=z4UV=other.test==QtFd=CO=example.net=bert@ours.test", NOW,
	        SRS_FORGED, NULL},
	    {"first key", "bert@example.net", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS0@ours.test", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS0=@ours.test", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS0=/sJU=JK=example.net@ours.test", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS0=/sJU==example.net=bert@ours.test", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS1=z4UV=first.test@ours.test", NOW, SRS_NO_SRS, NULL},
	    {"first key", "SRS01=x=y=z@ours.test", NOW, SRS_NO_SRS, NULL},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct srs srs = srs_of(rows[i].keys);
		struct address address = parse(arena, rows[i].address);
		struct span original;
		enum srs_answer answer = srs_reverse(arena, &srs, &address, rows[i].now, &original);
		ck_assert_msg(answer == rows[i].answer, "row %zu: %d", i, (int)answer);
		if (answer == SRS_REVERSED)
			ck_assert_str_eq(arena_text(arena, original), rows[i].original);
	}
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("srs", keys_are_lines, senders_are_rewritten, they_are_turned_back)
