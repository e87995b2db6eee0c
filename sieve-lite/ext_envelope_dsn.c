/* ext_envelope_dsn.c - what the DSN extension of the protocol said (RFC 6009 section 3): envelope
 * parts "notify", "orcpt", "ret" and "envid". What was not said is not there. */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static bool part_notify(struct run *run, struct span *text_out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
	    {ENVELOPE_NOTIFY_NEVER, "NEVER"},
	    {ENVELOPE_NOTIFY_SUCCESS, "SUCCESS"},
	    {ENVELOPE_NOTIFY_FAILURE, "FAILURE"},
	    {ENVELOPE_NOTIFY_DELAY, "DELAY"},
	};
	struct bytes list = {0};
	unsigned notify = run->input->recipient != NULL ? run->input->recipient->notify : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((notify & names[i].bit) != 0)
			bytes_appendf(&list, "%s%s", list.len > 0 ? "," : "", names[i].name);
	}
	run_spend_bytes(run, list.len);
	*text_out = arena_span(run->arena, bytes_span(&list));
	bytes_clear(&list);
	return text_out->len > 0;
}

static bool part_orcpt(struct run *run, struct span *text_out)
{
	if (run->input->recipient == NULL || run->input->recipient->orcpt.data == NULL)
		return false;
	*text_out = run->input->recipient->orcpt;
	return true;
}

static bool part_ret(struct run *run, struct span *text_out)
{
	if (run->input->envelope == NULL || run->input->envelope->ret == ENVELOPE_RET_UNSAID)
		return false;
	*text_out = span_of(run->input->envelope->ret == ENVELOPE_RET_FULL ? "FULL" : "HDRS");
	return true;
}

static bool part_envid(struct run *run, struct span *text_out)
{
	if (run->input->envelope == NULL || run->input->envelope->envid.data == NULL)
		return false;
	*text_out = run->input->envelope->envid;
	return true;
}

static const struct envelope_part parts[] = {
    {.name = "notify", .text = part_notify},
    {.name = "orcpt", .text = part_orcpt},
    {.name = "ret", .text = part_ret},
    {.name = "envid", .text = part_envid},
    {.name = NULL},
};

const struct extension ext_envelope_dsn = {
    .name = "envelope-dsn",
    .document = "RFC 6009",
    .envelope_parts = parts,
};
