/* ext_mailboxid.c - mailboxes by the identifier that outlives a rename (RFC 9042).
 *
 *	mailboxidexists <mailbox-objectids: string-list>	true when all exist
 *	fileinto [":mailboxid" <mailbox-objectid: string>] <mailbox: string>
 *
 * The mailbox with the identifier is taken where there is one; else the one that is named. */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

/* False: there is none. */
static bool find_mailbox(struct run *run, struct span id, struct span *folder_out)
{
	const struct sieve_host *host = run->input->host;
	bool is_found =
	    host != NULL && host->mailbox_by_id != NULL && id.len > 0 &&
	    run_answer(run, host->mailbox_by_id(host->context, run->arena, id, folder_out),
	        "which mailbox has an identifier");
	run_spend(run, 10);
	run_tell_value(run, SPAN("mailboxid"), id, is_found ? *folder_out : SPAN(""), is_found);
	return is_found;
}

static bool test_mailboxidexists(struct run *run, const struct node *node)
{
	const struct argument *ids = node->positionals[0];
	struct span folder;
	for (size_t i = 0; i < ids->count; i++) {
		if (!find_mailbox(run, run_text(run, &ids->texts[i]), &folder))
			return false;
	}
	return true;
}

static struct span redirect_by_id(struct run *run, const struct argument *use, struct span folder)
{
	struct span found;
	struct span id = run_text(run, &use->value->texts[0]);
	return find_mailbox(run, id, &found) ? found : folder;
}

static const struct command commands[] = {
    {.name = "mailboxidexists",
        .positionals = {{.name = "the identifiers", .type = WANTS_TEXTS}},
        .test = test_mailboxidexists},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "mailboxid",
        .on = "fileinto vacation notify",
        .wants = WANTS_TEXT,
        .group = "by another name", /* not with :specialuse (4.2) */
        .redirect = redirect_by_id},
    {.name = NULL},
};

const struct extension ext_mailboxid = {
    .name = "mailboxid",
    .document = "RFC 9042",
    .needs = SIEVE_CAN_FIND_BY_ID,
    .commands = commands,
    .tags = tags,
};
