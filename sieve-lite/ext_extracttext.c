/* ext_extracttext.c - the text of a part into a variable (RFC 5703 section 7).
 *
 *	extracttext [MODIFIER] [":first" <number>] <varname: string>
 *
 * Of HTML what a person reads, of what is no text nothing. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/parts.h"
#include "sieve-lite/variables.h"

#include "base/utf8.h"
#include "mail/mime_text.h"

static bool check_extracttext(struct checker *checker, struct node *node)
{
	const struct enclosing *outer = checker->enclosing;
	while (outer != NULL && !span_is_nocase(outer->node->name, "foreverypart"))
		outer = outer->outer;
	if (outer == NULL) {
		problem_error(
		    checker->problems, node->at, "'extracttext' must stand within 'foreverypart'");
		return false;
	}
	node->data = variable_target(checker, &node->positionals[0]->texts[0], true);
	return node->data != NULL;
}

/* In characters; a byte that begins none counts as one. */
static struct span first_characters(struct span text, uint64_t count)
{
	struct span rest = text;
	uint32_t character;
	for (; rest.len > 0 && count > 0; count--) {
		if (!utf8_next(&rest, &character))
			rest = span_from(rest, 1);
	}
	return span_first(text, text.len - rest.len);
}

static void run_extracttext(struct run *run, const struct node *node)
{
	const struct mime_tree *tree = parts_tree(run);
	const struct argument *first = node_tag(node, "first");
	struct bytes scratch = {0};
	struct span text = SPAN("");
	size_t index = parts_current(run);
	if (tree == NULL || index >= tree->count)
		return;
	const struct mime_part *part = &tree->parts[index];
	if (part->kind == MIME_LEAF && mime_text_is_text(part))
		text = parts_text(run, index, PART_VISIBLE, &scratch);
	if (first != NULL)
		text = first_characters(text, first->value->number);
	/* More than that no variable holds. */
	run_spend_bytes(run, text.len);
	text = arena_span(run->arena, text);
	bytes_clear(&scratch);
	text = variable_modify(run, node, text);
	run_tell_value(run, node->positionals[0]->texts[0].literal, text, SPAN(""), true);
	variable_set(run, node->data, text);
}

static const struct tag tags[] = {{.name = "first", .wants = WANTS_NUMBER}, {.name = NULL}};

static const struct command commands[] = {
    {.name = "extracttext",
        .positionals = {{.name = "the name", .type = WANTS_TEXT, .is_constant = true}},
        .tags = tags,
        .check = check_extracttext,
        .run = run_extracttext},
    {.name = NULL},
};

const struct extension ext_extracttext = {
    .name = "extracttext", .document = "RFC 5703", .commands = commands};
