/* ext_envelope_deliverby.c - until when the sender wants the message delivered (RFC 6009 section 4,
 * RFC 2852), as parts for the test "envelope". Where the client said nothing the part is not
 * there. */
#include "sieve-lite/date_text.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

#define WRITTEN_BYTES 512

static const struct envelope_by *by_of(const struct run *run)
{
	const struct envelope *envelope = run->input->envelope;
	return envelope != NULL && envelope->by.is_said ? &envelope->by : NULL;
}

/* In seconds; less than 0 when it is over. */
static bool part_relative(struct run *run, struct span *text_out)
{
	const struct envelope_by *by = by_of(run);
	run_spend_bytes(run, WRITTEN_BYTES);
	if (by != NULL)
		*text_out = arena_spanf(run->arena, "%lld",
		    (long long)by->deadline - (long long)run->input->now.tv_sec);
	return by != NULL;
}

static bool part_absolute(struct run *run, struct span *text_out)
{
	const struct envelope_by *by = by_of(run);
	run_spend_bytes(run, WRITTEN_BYTES);
	if (by == NULL)
		return false;
	struct date_text date = date_text_local(by->deadline);
	return date_text_part(run->arena, &date, SPAN("iso8601"), text_out);
}

static bool part_mode(struct run *run, struct span *text_out)
{
	const struct envelope_by *by = by_of(run);
	*text_out = by != NULL && by->is_notify ? SPAN("NOTIFY") : SPAN("RETURN");
	return by != NULL;
}

static bool part_trace(struct run *run, struct span *text_out)
{
	const struct envelope_by *by = by_of(run);
	*text_out = SPAN("TRACE");
	return by != NULL && by->is_traced;
}

static const struct envelope_part parts[] = {
    {.name = "bytimerelative", .text = part_relative},
    {.name = "bytimeabsolute", .text = part_absolute},
    {.name = "bymode", .text = part_mode},
    {.name = "bytrace", .text = part_trace},
    {.name = NULL},
};

const struct extension ext_envelope_deliverby = {
    .name = "envelope-deliverby",
    .document = "RFC 6009",
    .envelope_parts = parts,
};
