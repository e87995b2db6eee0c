/* lmtp_text.c - the text of a message, as DATA or as chunks (RFC 5321 4.1.1.4, RFC 3030). */
#include "lmtp-bridge/lmtp_machine.h"

/* What is over the limit is counted and dropped: the client's dot must be found all the same. */
static void limit_text(struct lmtp *lmtp, struct lmtp_event *event)
{
	uint64_t max = lmtp->options->max_message_bytes;
	uint64_t room = max > lmtp->text_bytes ? max - lmtp->text_bytes : 0;
	lmtp->text_bytes += event->text.len;
	if (max != 0 && event->text.len > room)
		event->text.len = (size_t)room;
	if (event->text.len > 0)
		event->kind = LMTP_EVENT_TEXT;
}

static bool is_too_large(const struct lmtp *lmtp)
{
	uint64_t max = lmtp->options->max_message_bytes;
	return max != 0 && lmtp->text_bytes > max;
}

static void end_text(struct lmtp *lmtp, struct lmtp_event *event)
{
	lmtp->state = LMTP_STATE_DONE;
	event->kind = LMTP_EVENT_END;
	event->is_too_large = is_too_large(lmtp);
}

size_t lmtp_text_step(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event)
{
	size_t taken = lmtp_data_step(&lmtp->data, in, len, &event->text);
	limit_text(lmtp, event);
	if (lmtp->data.state == LMTP_DATA_END)
		end_text(lmtp, event);
	return taken;
}

size_t lmtp_text_step_chunk(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event)
{
	struct chunk *chunk = &lmtp->chunk;
	size_t part = chunk->left < len ? (size_t)chunk->left : len;
	chunk->left -= part;
	if (!chunk->is_refused) {
		event->text = (struct span){in, part};
		limit_text(lmtp, event);
	}
	return part;
}

/* RFC 2033 4.3: to a chunk there is one reply, to the last one for each accepted RCPT, whatever
 * was said to those before it. */
void lmtp_text_end_chunk(struct lmtp *lmtp, struct lmtp_event *event)
{
	struct lmtp_reply why;
	lmtp->chunk.is_open = false;
	if (lmtp->chunk.is_refused) {
		lmtp_command_refuse_now(LMTP_VERB_BDAT, lmtp->state, &why);
		lmtp_refuse(lmtp, &why, event);
	} else if (lmtp->chunk.is_last) {
		end_text(lmtp, event);
	} else if (is_too_large(lmtp)) {
		lmtp_say(lmtp, 552, "5.2.3", "Message size exceeds administrative limit");
	} else {
		lmtp_say(lmtp, 250, "2.0.0", "OK");
	}
}
