/* ext_fileinto.c - fileinto <mailbox: string> (RFC 5228 4.1). */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/folder_name.h"
#include "sieve-lite/run.h"

static bool check_fileinto(struct checker *checker, struct node *node)
{
	const struct text *folder = &node->positionals[0]->texts[0];
	if (!text_is_constant(folder) || folder_name_is_valid(folder->literal))
		return true;
	problem_error(checker->problems, folder->at, "'%s' is no name for a mailbox",
	    problem_quote(checker->problems, folder->literal));
	return false;
}

static void run_fileinto(struct run *run, const struct node *node)
{
	struct span folder = run_text(run, &node->positionals[0]->texts[0]);
	if (!folder_name_is_valid(folder)) {
		run_fail(run, "the mailbox has an invalid name");
		return;
	}
	run_store(run, node, folder);
	run_cancel_keep(run, node);
}

static const struct command commands[] = {
    {.name = "fileinto",
        .positionals = {{.name = "the mailbox", .type = WANTS_TEXT}},
        .check = check_fileinto,
        .run = run_fileinto},
    {.name = NULL},
};

const struct extension ext_fileinto = {
    .name = "fileinto",
    .document = "RFC 5228",
    .commands = commands,
};
