/* ext_special_use.c - mailboxes by what they are for (RFC 8579).
 *
 *	specialuse_exists [<mailbox: string>] <special-use-attrs: string-list>
 *	fileinto [":specialuse" <special-use-attr: string>] <mailbox: string>
 *
 * The mailbox with the attribute is taken where there is one; else the one that is named. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/folder_name.h"
#include "sieve-lite/run.h"

/* "\" atom */
static bool is_attribute(struct span text)
{
	for (size_t i = 1; i < text.len; i++) {
		char byte = ascii_lower(text.data[i]);
		if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') && byte != '-' &&
		    byte != '_' && byte != '.')
			return false;
	}
	return text.len > 1 && text.data[0] == '\\';
}

static bool check_attributes(struct checker *checker, const struct argument *attributes)
{
	bool is_sound = true;
	for (size_t i = 0; i < attributes->count; i++) {
		const struct text *text = &attributes->texts[i];
		if (!text_is_constant(text) || is_attribute(text->literal))
			continue;
		problem_error(checker->problems, text->at,
		    "'%s' is no special use: expected \"\\\\Junk\" or the like",
		    problem_quote(checker->problems, text->literal));
		is_sound = false;
	}
	return is_sound;
}

static bool check_specialuse_exists(struct checker *checker, struct node *node)
{
	return check_attributes(checker, node->positionals[1]);
}

static bool check_tag(struct checker *checker, struct node *node, struct argument *use)
{
	(void)node;
	return check_attributes(checker, use->value);
}

static bool test_specialuse_exists(struct run *run, const struct node *node)
{
	const struct sieve_host *host = run->input->host;
	const struct argument *attributes = node->positionals[1];
	struct span mailbox = {NULL, 0};
	if (node->positionals[0] != NULL) {
		mailbox = run_text(run, &node->positionals[0]->texts[0]);
		if (!folder_name_is_valid(mailbox))
			return false;
	}
	for (size_t i = 0; i < attributes->count; i++) {
		struct span attribute = run_text(run, &attributes->texts[i]);
		bool exists =
		    host != NULL && host->special_use_exists != NULL && is_attribute(attribute) &&
		    run_answer(run, host->special_use_exists(host->context, mailbox, attribute),
		        "what a mailbox is for");
		run_spend(run, 1);
		run_tell_value(run, SPAN("special use"), attribute, mailbox, exists);
		if (!exists)
			return false;
	}
	return true;
}

static void apply_specialuse(struct run *run, const struct argument *use, struct action *action)
{
	struct span attribute = run_text(run, &use->value->texts[0]);
	if (is_attribute(attribute))
		action->special_use = attribute;
	else
		run_fail(run, "this is no special use");
}

static const struct command commands[] = {
    {.name = "specialuse_exists",
        .positionals = {{.name = "the mailbox", .type = WANTS_TEXT, .is_optional = true},
            {.name = "the special uses", .type = WANTS_TEXTS}},
        .check = check_specialuse_exists,
        .test = test_specialuse_exists},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "specialuse",
        .on = "fileinto vacation notify",
        .wants = WANTS_TEXT,
        .group = "by another name",
        .check = check_tag,
        .apply = apply_specialuse},
    {.name = NULL},
};

const struct extension ext_special_use = {
    .name = "special-use",
    .document = "RFC 8579",
    .needs = SIEVE_CAN_SPECIAL_USE,
    .commands = commands,
    .tags = tags,
};
