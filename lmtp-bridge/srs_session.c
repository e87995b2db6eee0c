/* srs_session.c - tells an MTA whom mail to a rewritten sender is for. It knows the keys and
 * nothing of mailboxes. */
#include "base/clock.h"
#include "base/log.h"
#include "lmtp-bridge/access.h"
#include "lmtp-bridge/connection.h"
#include "lmtp-bridge/enclosure.h"
#include "lmtp-bridge/session.h"
#include "lmtp-bridge/socketmap.h"
#include "mail/srs.h"

/* What is forged or too old is an address that nobody has. */
static struct span reverse(struct arena *arena, const struct srs *srs, struct span key)
{
	static const char *const words[] = {"reversed", "no SRS", "forged", "expired"};
	struct address address;
	struct span original = SPAN("");
	if (!address_parse(arena, key, &address, NULL))
		return SPAN("");
	enum srs_answer answer = srs_reverse(arena, srs, &address, clock_now().tv_sec, &original);
	if (answer != SRS_NO_SRS)
		log_write(LOG_LEVEL_INFO, "srs: <%.*s>: %s <%.*s>", (int)key.len, key.data,
		    words[answer], (int)original.len, original.data);
	return answer == SRS_REVERSED ? original : SPAN("");
}

/* False: the client speaks something else. */
static bool answer_all(const struct srs *srs, struct bytes *in, struct bytes *out)
{
	struct arena *arena = arena_new();
	enum socketmap_answer answer;
	struct span key;
	size_t used;
	while ((answer = socketmap_take(bytes_span(in), &key, &used)) == SOCKETMAP_ASK) {
		socketmap_reply(out, reverse(arena, srs, key));
		bytes_drop(in, used);
		arena_reset(arena);
	}
	arena_free(&arena);
	return answer != SOCKETMAP_WRONG;
}

void srs_session_run(const struct session_start *start, const struct srs *srs)
{
	struct connection connection;
	struct bytes in = {0};
	struct bytes out = {0};
	int64_t end_ms = session_end_ms(start->settings);
	int64_t timeout_ms = (int64_t)start->settings->policy.timeout_s * 1000;
	bool is_trusted;
	connection_init(&connection, start->in_fd, start->out_fd);
	bool goes_on = access_meet(start->listen, &connection, &is_trusted) &&
	               enclosure_enter(start->settings);
	while (goes_on) {
		char data[4096];
		size_t got = 0;
		if (connection_read(&connection, data, sizeof(data), timeout_ms, true, &got) !=
		    CONNECTION_FINE)
			break;
		bytes_append(&in, data, got);
		goes_on = answer_all(srs, &in, &out);
		if (connection_write(&connection, bytes_span(&out), timeout_ms) != CONNECTION_FINE)
			break;
		if (out.len > 0 && clock_left_ms(end_ms) == 0)
			break;
		bytes_reset(&out);
	}
	if (!goes_on)
		log_write(LOG_LEVEL_WARNING, "srs: a client that speaks something else");
	bytes_clear(&in);
	bytes_clear(&out);
}
