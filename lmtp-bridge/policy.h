#ifndef LMTP_BRIDGE_POLICY_H
#define LMTP_BRIDGE_POLICY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/envelope.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Postfix's SMTP access policy delegation protocol: requests of "name=value" lines (LF) that an
 * empty line ends; each is answered "action=...". Pure. */
struct policy;

/* A line, and the attributes of one request; more ends the connection. Postfix sends some forty,
 * the longest from certificates. */
#define POLICY_LINE_MAX 8192
#define POLICY_ATTRIBUTES_MAX 1000

enum policy_event {
	POLICY_EVENT_NONE,
	POLICY_EVENT_ASK,   /* may mail come to policy_recipient()? One policy_answer() is due */
	POLICY_EVENT_CLOSE, /* this is no policy client */
};

/* With `refuses_unknown` a recipient who does not exist, or is disabled, is refused too: for sites
 * whose policy service is asked for addresses that no alias changes any more. */
struct policy *policy_new(bool refuses_unknown);
void policy_free(struct policy **policy);

/* Judged are the states RCPT and, where the message had one recipient only (Postfix leaves the
 * attribute empty otherwise), END-OF-MESSAGE, when `size` is what really came. */

/* Takes bytes up to the first event and returns how many; none while an answer is due. What is
 * not for us to judge (another state, no recipient, an address that is none) is answered DUNNO
 * without an event. */
size_t policy_step(struct policy *policy, const char *in, size_t len, enum policy_event *event_out);

/* Valid while an answer is due. */
const struct envelope *policy_envelope(const struct policy *policy);
const struct envelope_recipient *policy_recipient(const struct policy *policy);

/* A mailbox that is full, or that the message can never fit, is refused with the reply LMTP would
 * give at RCPT. Everything else is DUNNO: "unknown", unless it was asked for, because the address
 * is the one before aliases, trouble because the delivery itself will tell it. */
void policy_answer(struct policy *policy, const struct status *status);

/* What has to be written to the client; the caller takes it off. */
struct bytes *policy_output(struct policy *policy);

#endif
