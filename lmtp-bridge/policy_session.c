#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "lmtp-bridge/access.h"
#include "lmtp-bridge/caller.h"
#include "lmtp-bridge/connection.h"
#include "lmtp-bridge/dispatch.h"
#include "lmtp-bridge/enclosure.h"
#include "lmtp-bridge/policy.h"
#include "lmtp-bridge/session.h"

#include <inttypes.h>
#include <stdio.h>

static void ask(const struct session_start *start, struct caller *caller, struct policy *policy)
{
	char id[24];
	snprintf(id, sizeof(id), "%016" PRIx64, random_u64());
	/* Never a probe: this is asked for mail that is coming, and Postfix forgets the answer. */
	struct dispatch dispatch = {
	    .caller = caller,
	    .settings = start->settings,
	    .id = id,
	    .envelope = policy_envelope(policy),
	};
	struct status status;
	dispatch_admit(&dispatch, policy_recipient(policy), &status);
	struct span to = policy_recipient(policy)->address.text;
	log_write(LOG_LEVEL_DEBUG, "id=%s policy: to=<%.*s> cause=%s %s", id, (int)to.len, to.data,
	    cause_name(status.cause), status.detail);
	policy_answer(policy, &status);
	caller_rest(caller);
}

static enum policy_event take_input(const struct session_start *start, struct caller *caller,
    struct policy *policy, const char *in, size_t len)
{
	enum policy_event event;
	do {
		size_t taken = policy_step(policy, in, len, &event);
		in += taken;
		len -= taken;
		if (event == POLICY_EVENT_ASK)
			ask(start, caller, policy);
	} while (event == POLICY_EVENT_ASK);
	return event;
}

void policy_session_run(const struct session_start *start)
{
	struct connection connection;
	struct policy *policy =
	    policy_new(start->settings->policy.unknown == POLICY_UNKNOWN_REFUSE);
	struct bytes *output = policy_output(policy);
	int64_t end_ms = session_end_ms(start->settings);
	int64_t timeout_ms = (int64_t)start->settings->policy.timeout_s * 1000;
	enum policy_event event = POLICY_EVENT_NONE;
	bool is_trusted;
	struct caller caller;
	connection_init(&connection, start->in_fd, start->out_fd);
	caller_init(&caller, start->calling, start->is_per_recipient, start->board, start->slot);
	if (!access_meet(start->listen, &connection, &is_trusted) ||
	    !enclosure_enter(start->settings))
		event = POLICY_EVENT_CLOSE;
	while (event != POLICY_EVENT_CLOSE) {
		char in[16384];
		size_t got = 0;
		/* A client that is told to go comes again: Postfix reconnects. */
		if (connection_read(&connection, in, sizeof(in), timeout_ms, true, &got) !=
		    CONNECTION_FINE)
			break;
		event = take_input(start, &caller, policy, in, got);
		if (event == POLICY_EVENT_CLOSE)
			log_write(LOG_LEVEL_WARNING,
			    "policy service: a client that speaks something else");
		if (connection_write(&connection, bytes_span(output), timeout_ms) !=
		    CONNECTION_FINE)
			break;
		if (output->len > 0 && clock_left_ms(end_ms) == 0)
			break;
		bytes_reset(output);
	}
	caller_close(&caller);
	policy_free(&policy);
}
