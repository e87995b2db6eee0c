/* fuzz_smtp_client.c - any bytes as the server's side: the transaction ends, every recipient has a
 * status that can be told, we say whole lines only, and it makes no difference how the server's
 * bytes are cut. Build and run: tests/fuzz/run.sh fuzz_smtp_client 60 */
#include "mail/smtp_client.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { IS_LMTP = 1, IS_UTF8 = 2, HAS_DSN = 4, RECIPIENTS = 3 };

static struct smtp_client *play(
    struct arena *arena, unsigned flags, struct span server, size_t step, struct bytes *said)
{
	struct envelope *envelope = ARENA_NEW(arena, struct envelope);
	struct envelope_recipient *to = arena_new_items(arena, RECIPIENTS, sizeof(*to));
	assert(address_parse(arena, SPAN("s@x"), &envelope->sender, NULL));
	envelope->smtputf8 = (flags & IS_UTF8) != 0;
	envelope->ret = (flags & HAS_DSN) != 0 ? ENVELOPE_RET_FULL : ENVELOPE_RET_UNSAID;
	if ((flags & HAS_DSN) != 0)
		envelope->envid = SPAN("a b\n+=");
	for (size_t i = 0; i < RECIPIENTS; i++) {
		assert(address_parse(arena, SPAN("r@x"), &to[i].address, NULL));
		to[i].notify = ENVELOPE_NOTIFY_FAILURE | ENVELOPE_NOTIFY_DELAY;
	}
	struct smtp_client_options options = {.is_lmtp = (flags & IS_LMTP) != 0,
	    .hello = "us",
	    .envelope = envelope,
	    .recipients = to,
	    .recipient_count = RECIPIENTS};
	struct smtp_client *client = smtp_client_new(arena, &options);
	for (unsigned turns = 0;; turns++) {
		assert(turns < 3 * server.len + 100);
		struct span out = smtp_client_output(client);
		switch (smtp_client_want(client)) {
		case SMTP_CLIENT_SEND:
			bytes_append_span(said, out);
			smtp_client_sent(client, out.len);
			break;
		case SMTP_CLIENT_READ:
			if (server.len == 0) {
				smtp_client_fail(client, "connection lost");
				break;
			}
			smtp_client_receive(client, server.data, span_first(server, step).len);
			server = span_from(server, step);
			turns = 0;
			break;
		case SMTP_CLIENT_TEXT:
			smtp_client_text(client, ".a\n.\n\n..b", 9);
			smtp_client_text(client, "\n", 1);
			smtp_client_text(client, ".", 1);
			smtp_client_text_end(client);
			break;
		case SMTP_CLIENT_DONE:
			return client;
		}
	}
}

static void check_said(struct span said)
{
	struct span line;
	while (span_next_line(&said, &line)) {
		assert(line.len > 0 && line.data[line.len - 1] == '\r');
		assert(span_find(line, '\r') == line.len - 1);
	}
}

static void check_status(const struct status *status)
{
	int reply = status_reply(status);
	int kind = reply / 100;
	assert(kind == 2 || kind == 4 || kind == 5);
	assert(status_enhanced(status)[0] == '0' + kind);
	assert(status_is_success(status) == (kind == 2));
	assert((status_exit(status) == 75) == (kind == 4));
	assert(memchr(status->text, '\r', strlen(status->text)) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	struct span server = {(const char *)data + 2, len - 2};
	struct arena *arena = arena_new();
	struct bytes said = {0};
	struct bytes said_cut = {0};
	struct smtp_client *whole = play(arena, data[0], server, len, &said);
	struct smtp_client *cut = play(arena, data[0], server, data[1] % 32 + 1u, &said_cut);
	check_said(bytes_span(&said));
	check_said(bytes_span(&said_cut));
	/* What was not sent yet when the server's bytes made no sense is not said at all. */
	assert(said.len <= said_cut.len);
	assert(span_equals(bytes_span(&said), span_first(bytes_span(&said_cut), said.len)));
	for (size_t i = 0; i < RECIPIENTS; i++) {
		check_status(smtp_client_status(whole, i));
		assert(smtp_client_status(whole, i)->cause == smtp_client_status(cut, i)->cause);
	}
	smtp_client_clear(whole);
	smtp_client_clear(cut);
	bytes_clear(&said);
	bytes_clear(&said_cut);
	arena_free(&arena);
	return 0;
}
