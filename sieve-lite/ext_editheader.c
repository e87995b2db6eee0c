/* ext_editheader.c - another header for what is decided from here on (RFC 5293).
 *
 *	addheader [":last"] <field-name: string> <value: string>
 *	deleteheader [":index" <fieldno: number> [":last"]] [COMPARATOR] [MATCH-TYPE]
 *	             <field-name: string> [<value-patterns: string-list>]
 *
 * Each change makes a new version of the message; actions before it keep theirs. What a site or
 * we forbid is not done, which is no error (6): Received and Auto-Submitted are not deleted and
 * X-Sieve-Redirected-From not touched, because loops are found by them; Subject may always be.
 * What the mail system wrote on top when the message arrived stays, and stays on top. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "mail/header_write.h"
#include "sieve-lite/match.h"

#include "mail/header.h"

enum change { CHANGE_ADD, CHANGE_DELETE };

static bool is_forbidden(const struct sieve_options *options, struct span name, enum change change)
{
	if (span_is_nocase(name, "X-Sieve-Redirected-From"))
		return true;
	if (change == CHANGE_DELETE &&
	    (span_is_nocase(name, "Received") || span_is_nocase(name, "Auto-Submitted")))
		return true;
	if (span_is_nocase(name, "Subject"))
		return false;
	for (size_t i = 0; i < options->header_rule_count; i++) {
		const struct sieve_header_rule *rule = &options->header_rules[i];
		if (span_is_nocase(name, rule->name))
			return change == CHANGE_ADD ? rule->forbids_add : rule->forbids_delete;
	}
	return false;
}

static void warn(struct checker *checker, const struct text *name, enum change change)
{
	if (!text_is_constant(name) ||
	    !is_forbidden(checker->options->options, name->literal, change))
		return;
	problem_warning(checker->problems, name->at,
	    change == CHANGE_ADD ? "adding '%s' is forbidden; this does nothing"
	                         : "'%s' cannot be deleted; this does nothing",
	    problem_quote(checker->problems, name->literal));
}

static bool check_name(struct checker *checker, struct node *node)
{
	const struct text *name = &node->positionals[0]->texts[0];
	if (!text_is_constant(name) || header_name_is_valid(name->literal))
		return true;
	problem_error(checker->problems, name->at, "no header can be named '%s'",
	    problem_quote(checker->problems, name->literal));
	return false;
}

/* The name of the field, or null data with the run failed. */
static struct span name_of(struct run *run, const struct node *node)
{
	struct span name = run_text(run, &node->positionals[0]->texts[0]);
	if (header_name_is_valid(name))
		return name;
	run_fail(run, "no header can have this name");
	return (struct span){NULL, 0};
}

static bool check_addheader(struct checker *checker, struct node *node)
{
	const struct text *value = &node->positionals[1]->texts[0];
	const char *why = NULL;
	warn(checker, &node->positionals[0]->texts[0], CHANGE_ADD);
	if (!check_name(checker, node))
		return false;
	if (!text_is_constant(value))
		return true;
	if (value->literal.len > checker->options->options->max_header_bytes)
		why = "this value is too large for a header";
	else if (!header_value_is_valid(value->literal))
		why = "this value is invalid in a header";
	if (why != NULL)
		problem_error(checker->problems, value->at, "%s", why);
	return why == NULL;
}

/* The head of the message is replaced by what is in `head`, which is freed. */
static void replace_head(struct run *run, struct bytes *head)
{
	run_spend_bytes(run, head->len);
	if (run->unwind == UNWIND_NONE)
		fields_replace(run, arena_span(run->arena, bytes_span(head)));
	bytes_clear(head);
}

/* Where the last field ends in the head. */
static size_t end_of_fields(struct run *run)
{
	struct span head = run->message->head;
	size_t end = 0;
	for (const struct field *field = fields_first(run); field != NULL; field = field->next)
		end = (size_t)(field->whole.data - head.data) + field->whole.len;
	return end;
}

static void run_addheader(struct run *run, const struct node *node)
{
	struct span name = name_of(run, node);
	struct span value = run_text(run, &node->positionals[1]->texts[0]);
	struct span head = run->message->head;
	size_t at = node_tag(node, "last") != NULL ? end_of_fields(run) : run->input->top_bytes;
	struct bytes edited = {0};
	if (name.data == NULL || is_forbidden(run->script->options, name, CHANGE_ADD))
		return;
	if (value.len > run->script->options->max_header_bytes) {
		run_fail(run, "this value is too large for a header: more than %llu bytes",
		    (unsigned long long)run->script->options->max_header_bytes);
		return;
	}
	bytes_append_span(&edited, span_first(head, at));
	/* The last line of a header without a body may lack its end. */
	if (edited.len > 0 && edited.data[edited.len - 1] != '\n')
		bytes_append_byte(&edited, '\n');
	if (!header_write(&edited, name, value))
		run_fail(run, "this value is invalid in a header");
	bytes_append_span(&edited, span_from(head, at));
	replace_head(run, &edited);
}

static bool check_deleteheader(struct checker *checker, struct node *node)
{
	warn(checker, &node->positionals[0]->texts[0], CHANGE_DELETE);
	return check_name(checker, node);
}

static bool is_to_go(
    struct run *run, const struct node *node, struct span name, struct field *field)
{
	struct match match = match_begin(run, node);
	return node->positionals[1] == NULL || match_value(&match, name, field_text(run, field));
}

static void run_deleteheader(struct run *run, const struct node *node)
{
	struct span name = name_of(run, node);
	struct span head = run->message->head;
	struct bytes edited = {0};
	size_t done = 0;
	if (name.data == NULL || is_forbidden(run->script->options, name, CHANGE_DELETE))
		return;
	struct field_walk walk = field_walk(run, node, node->positionals[0]);
	for (struct field *field; (field = field_walk_next(&walk)) != NULL;) {
		size_t start = (size_t)(field->whole.data - head.data);
		if (start < run->input->top_bytes || !is_to_go(run, node, name, field) ||
		    run->unwind != UNWIND_NONE)
			continue;
		bytes_append_span(&edited, span_from(span_first(head, start), done));
		done = start + field->whole.len;
	}
	if (done == 0)
		return;
	bytes_append_span(&edited, span_from(head, done));
	replace_head(run, &edited);
}

static const struct tag add_tags[] = {{.name = "last"}, {.name = NULL}};

static const struct tag delete_tags[] = {
    {.name = "index", .wants = WANTS_NUMBER, .check = fields_check_index},
    {.name = "last", .check = fields_check_last},
    {.name = NULL},
};

#define NAME                                                  \
	{                                                     \
		.name = "the header name", .type = WANTS_TEXT \
	}

static const struct command commands[] = {
    {.name = "addheader",
        .positionals = {NAME, {.name = "the value", .type = WANTS_TEXT}},
        .tags = add_tags,
        .check = check_addheader,
        .run = run_addheader},
    {.name = "deleteheader",
        .positionals = {NAME, {.name = "the patterns", .type = WANTS_TEXTS, .is_optional = true}},
        .tags = delete_tags,
        .is_comparing = true,
        .check = check_deleteheader,
        .run = run_deleteheader},
    {.name = NULL},
};

const struct extension ext_editheader = {
    .name = "editheader",
    .document = "RFC 5293",
    .needs = SIEVE_CAN_EDIT,
    .commands = commands,
};
