/* ext_metadata.c - annotations of mailboxes and of the server (RFC 5490 sections 4 and 5).
 *
 *	metadata [MATCH-TYPE] [COMPARATOR] <mailbox> <annotation-name> <key-list>
 *	metadataexists <mailbox> <annotation-names>
 *	servermetadata [MATCH-TYPE] [COMPARATOR] <annotation-name> <key-list>
 *	servermetadataexists <annotation-names> */
#include "sieve-lite/features.h"
#include "sieve-lite/folder_name.h"
#include "sieve-lite/match.h"

/* entries begin with "/private/" or "/shared/" (RFC 5464 4.1) */
static bool is_annotation(struct span name)
{
	return (span_starts_with_nocase(name, "/private/") ||
	           span_starts_with_nocase(name, "/shared/")) &&
	       name.data[name.len - 1] != '/';
}

/* `mailbox` with null data is the server. */
static bool find(struct run *run, struct span mailbox, struct span name, struct span *value_out)
{
	const struct sieve_host *host = run->input->host;
	if (host == NULL || host->metadata == NULL || !is_annotation(name) ||
	    (mailbox.data != NULL && !folder_name_is_valid(mailbox)))
		return false;
	run_spend(run, 1);
	return run_answer(run, host->metadata(host->context, run->arena, mailbox, name, value_out),
	    "an annotation");
}

static bool compare(
    struct run *run, const struct node *node, struct span mailbox, const struct argument *names)
{
	struct match match = match_begin(run, node);
	struct span name = run_text(run, &names->texts[0]);
	struct span value;
	if (find(run, mailbox, name, &value))
		match_value(&match, name, value);
	return match_end(&match);
}

static bool all_exist(struct run *run, struct span mailbox, const struct argument *names)
{
	for (size_t i = 0; i < names->count; i++) {
		struct span name = run_text(run, &names->texts[i]);
		struct span value = SPAN("");
		bool exists = find(run, mailbox, name, &value);
		run_tell_value(run, name, value, SPAN(""), exists);
		if (!exists)
			return false;
	}
	return true;
}

static const struct span server = {NULL, 0};

static struct span mailbox_of(struct run *run, const struct node *node)
{
	return run_text(run, &node->positionals[0]->texts[0]);
}

static bool test_metadata(struct run *run, const struct node *node)
{
	return compare(run, node, mailbox_of(run, node), node->positionals[1]);
}

static bool test_metadataexists(struct run *run, const struct node *node)
{
	return all_exist(run, mailbox_of(run, node), node->positionals[1]);
}

static bool test_servermetadata(struct run *run, const struct node *node)
{
	return compare(run, node, server, node->positionals[0]);
}

static bool test_servermetadataexists(struct run *run, const struct node *node)
{
	return all_exist(run, server, node->positionals[0]);
}

#define MAILBOX                                           \
	{                                                 \
		.name = "the mailbox", .type = WANTS_TEXT \
	}
#define ANNOTATION                                           \
	{                                                    \
		.name = "the annotation", .type = WANTS_TEXT \
	}
#define ANNOTATIONS                                            \
	{                                                      \
		.name = "the annotations", .type = WANTS_TEXTS \
	}
#define KEYS                                            \
	{                                               \
		.name = "the keys", .type = WANTS_TEXTS \
	}

static const struct command of_mailboxes[] = {
    {.name = "metadata",
        .positionals = {MAILBOX, ANNOTATION, KEYS},
        .is_comparing = true,
        .test = test_metadata},
    {.name = "metadataexists", .positionals = {MAILBOX, ANNOTATIONS}, .test = test_metadataexists},
    {.name = NULL},
};

static const struct command of_server[] = {
    {.name = "servermetadata",
        .positionals = {ANNOTATION, KEYS},
        .is_comparing = true,
        .test = test_servermetadata},
    {.name = "servermetadataexists",
        .positionals = {ANNOTATIONS},
        .test = test_servermetadataexists},
    {.name = NULL},
};

const struct extension ext_mboxmetadata = {
    .name = "mboxmetadata",
    .document = "RFC 5490",
    .needs = SIEVE_CAN_ANNOTATE,
    .commands = of_mailboxes,
};

const struct extension ext_servermetadata = {
    .name = "servermetadata",
    .document = "RFC 5490",
    .needs = SIEVE_CAN_ANNOTATE,
    .commands = of_server,
};
