/* fuzz_lmtp.c - raw bytes against the LMTP protocol machine; cut differently they must mean the
 * same. tests/fuzz/run.sh fuzz_lmtp SECONDS */
#include <stdlib.h>

#define ck_assert(condition)      \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)
#include "lmtp-bridge/proxy_header.h"
#include "tests/unit/lmtp_client.h"

#include <stdint.h>

static void run(struct talk *talk, const char *in, size_t len, size_t step)
{
	static struct lmtp_options options;
	options = talk_options();
	options.has_dsn = true;
	options.is_trusted = true;
	options.offers_tls = true;
	options.mechanisms = "PLAIN LOGIN";
	options.max_message_bytes = 100;
	talk_start(talk, &options);
	for (size_t at = 0; at < len && !talk->is_closed; at += step)
		talk_feed(talk, in + at, step < len - at ? step : len - at);
}

/* As a connection reads it: only what is asked for. */
static void read_proxy_header(struct span all)
{
	struct span so_far = {all.data, 0};
	struct proxy_header header;
	size_t wanted;
	while ((wanted = proxy_header_wants(so_far)) > 0 && so_far.len < all.len)
		so_far.len += wanted < all.len - so_far.len ? wanted : all.len - so_far.len;
	ck_assert(so_far.len < PROXY_HEADER_MAX + 1);
	(void)proxy_header_parse(so_far, &header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk whole, cut;
	struct span line;
	if (size < 2)
		return 0;
	const char *in = (const char *)data + 1;
	read_proxy_header((struct span){in, size - 1});
	run(&whole, in, size - 1, size);
	run(&cut, in, size - 1, (size_t)data[0] % 32 + 1);
	ck_assert(span_equals(bytes_span(&whole.replies), bytes_span(&cut.replies)));
	ck_assert(span_equals(bytes_span(&whole.events), bytes_span(&cut.events)));
	struct span replies = bytes_span(&whole.replies);
	while (span_next_line(&replies, &line))
		ck_assert(line.len >= 5 && line.len < 512 && line.data[line.len - 1] == '\r');
	talk_clear(&whole);
	talk_clear(&cut);
	return 0;
}
