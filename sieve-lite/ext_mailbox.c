/* ext_mailbox.c - mailboxexists and fileinto :create (RFC 5490 section 3). */
#include "sieve-lite/features.h"
#include "sieve-lite/folder_name.h"
#include "sieve-lite/run.h"

/*	mailboxexists <mailbox-names: string-list>	true when all exist */
static bool test_mailboxexists(struct run *run, const struct node *node)
{
	const struct argument *names = node->positionals[0];
	const struct sieve_host *host = run->input->host;
	for (size_t i = 0; i < names->count; i++) {
		struct span name = run_text(run, &names->texts[i]);
		bool exists = folder_name_is_valid(name) && host != NULL &&
		              host->mailbox_exists != NULL &&
		              run_answer(run, host->mailbox_exists(host->context, name),
		                  "whether a mailbox exists");
		run_spend(run, 1);
		run_tell_value(run, SPAN("mailbox"), name, SPAN(""), exists);
		if (!exists)
			return false;
	}
	return true;
}

static void apply_create(struct run *run, const struct argument *use, struct action *action)
{
	(void)run;
	(void)use;
	action->may_create = true;
}

static const struct command commands[] = {
    {.name = "mailboxexists",
        .positionals = {{.name = "the mailboxes", .type = WANTS_TEXTS}},
        .test = test_mailboxexists},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "create", .on = "fileinto vacation notify", .apply = apply_create},
    {.name = NULL},
};

const struct extension ext_mailbox = {
    .name = "mailbox",
    .document = "RFC 5490",
    .commands = commands,
    .tags = tags,
};
