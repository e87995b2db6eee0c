/* check_arguments.c - the arguments of one command or test.
 *
 * Tags come first, in any order, each once, each perhaps with a value behind it; then the
 * positional arguments in theirs. A tag may be the command's own, one that a feature adds to it,
 * a match type, ":comparator", or an address part. Optional positional arguments are left
 * out from the front when there are too few for all (RFC 5232 has those). */
#include "sieve-lite/check_arguments.h"

#include "sieve-lite/limits.h"

#include <string.h>

static const char *type_name(enum argument_type type)
{
	static const char *const names[] = {
	    [WANTS_NOTHING] = "nothing",
	    [WANTS_NUMBER] = "a number",
	    [WANTS_TEXT] = "a string",
	    [WANTS_TEXTS] = "a string or a list of strings",
	};
	return names[type];
}

static const char *argument_name(const struct argument *argument)
{
	switch (argument->kind) {
	case ARGUMENT_NUMBER:
		return "a number";
	case ARGUMENT_TAG:
		return "a tag";
	case ARGUMENT_TEXTS:
		return argument->is_list ? "a list" : "a string";
	}
	return "something else";
}

static bool has_type(const struct argument *argument, enum argument_type type)
{
	switch (type) {
	case WANTS_NUMBER:
		return argument->kind == ARGUMENT_NUMBER;
	case WANTS_TEXT:
		return argument->kind == ARGUMENT_TEXTS && !argument->is_list;
	case WANTS_TEXTS:
		return argument->kind == ARGUMENT_TEXTS;
	default:
		return false;
	}
}

static bool has_dollar(const struct argument *argument)
{
	for (size_t i = 0; i < argument->count; i++) {
		struct span text = argument->texts[i].literal;
		if (span_find(text, '$') < text.len)
			return true;
	}
	return false;
}

/* What the features in effect make of the strings of an argument; the first mistake ends it. */
static bool check_texts(struct checker *checker, struct argument *argument)
{
	const struct feature_set *features = &checker->features;
	if (!has_dollar(argument))
		return true;
	for (size_t i = 0; i < features->on_count; i++) {
		if (features->on[i]->check_text == NULL)
			continue;
		for (size_t j = 0; j < argument->count; j++) {
			if (!features->on[i]->check_text(checker, &argument->texts[j]))
				return false;
		}
	}
	return true;
}

/* Takes the value of a tag from behind it. */
static bool take_value(struct checker *checker, struct argument *use, enum argument_type type)
{
	if (type == WANTS_NOTHING)
		return true;
	if (use->next != NULL && has_type(use->next, type)) {
		use->value = use->next;
		return true;
	}
	problem_error(checker->problems, use->next != NULL ? use->next->at : use->at,
	    "tag ':%s' must be followed by %s, not by %s", arena_text(checker->arena, use->tag),
	    type_name(type), use->next != NULL ? argument_name(use->next) : "nothing");
	return false;
}

static bool report_conflict(
    struct checker *checker, const struct argument *a, const struct argument *b)
{
	const char *later = arena_text(checker->arena, b->tag);
	if (span_equals_nocase(a->tag, b->tag))
		problem_error(checker->problems, b->at, "tag ':%s' is given twice", later);
	else
		problem_error(checker->problems, b->at, "tags ':%s' and ':%s' exclude each other",
		    arena_text(checker->arena, a->tag), later);
	return false;
}

static bool bind_tag(
    struct checker *checker, struct node *node, struct argument *use, const struct tag *tag)
{
	for (struct argument *other = node->arguments; other != NULL && other != use;
	     other = other->next) {
		if (other->meaning == tag || (other->meaning != NULL && tag->group != NULL &&
		                                 other->meaning->group != NULL &&
		                                 strcmp(other->meaning->group, tag->group) == 0))
			return report_conflict(checker, other, use);
	}
	use->meaning = tag;
	return take_value(checker, use, tag->wants);
}

static bool bind_match_type(
    struct checker *checker, struct node *node, struct argument *use, const struct match_type *type)
{
	if (node->matching->use != NULL)
		return report_conflict(checker, node->matching->use, use);
	node->matching->type = type;
	node->matching->use = use;
	return take_value(checker, use, type->wants);
}

static bool report_comparator(
    struct checker *checker, const struct text *name, const struct extension *from)
{
	const char *quoted = problem_quote(checker->problems, name->literal);
	if (from != NULL && registry_is_available(from, checker->options))
		problem_error(checker->problems, name->at, "comparator '%s' needs: require \"%s\";",
		    quoted, from->name);
	else
		problem_error(checker->problems, name->at, "unknown comparator '%s'", quoted);
	return false;
}

static bool bind_comparator(struct checker *checker, struct node *node, struct argument *use)
{
	const struct extension *from = NULL;
	if (node->matching->comparator_use != NULL)
		return report_conflict(checker, node->matching->comparator_use, use);
	node->matching->comparator_use = use;
	if (!take_value(checker, use, WANTS_TEXT) ||
	    !checker_want_constant(checker, use->value, "the name of a comparator"))
		return false;
	const struct text *name = &use->value->texts[0];
	node->matching->comparator =
	    registry_look_up(&checker->features, FEATURE_COMPARATOR, name->literal, &from);
	return node->matching->comparator != NULL || report_comparator(checker, name, from);
}

static bool bind_address_part(struct checker *checker, struct node *node, struct argument *use,
    const struct address_part *part)
{
	if (node->address_part_use != NULL)
		return report_conflict(checker, node->address_part_use, use);
	node->address_part = part;
	node->address_part_use = use;
	return true;
}

static bool report_unknown_tag(struct checker *checker, const struct node *node,
    const struct argument *use, const struct extension *from)
{
	const char *tag = problem_quote(checker->problems, use->tag);
	if (!checker_is_news(
	        checker, arena_spanf(checker->arena, "%s :%s", node->command->name, tag)))
		return false;
	if (from != NULL && from->name != NULL && registry_is_available(from, checker->options))
		problem_error(checker->problems, use->at, "tag ':%s' needs: require \"%s\";", tag,
		    from->name);
	else
		problem_error(checker->problems, use->at,
		    "unknown tag ':%s' for '%s' (reported once)", tag, node->command->name);
	return false;
}

/* What a tag means here: the record of one of four kinds, the others null. */
struct tag_meaning {
	const struct tag *tag;
	const struct match_type *match_type;
	const struct address_part *address_part;
	bool is_comparator;
};

static bool is_known(const struct tag_meaning *meaning)
{
	return meaning->tag != NULL || meaning->match_type != NULL ||
	       meaning->address_part != NULL || meaning->is_comparator;
}

static struct tag_meaning find_meaning(
    struct checker *checker, const struct node *node, struct span name)
{
	struct tag_meaning meaning = {.tag = NULL};
	if (node->command->is_comparing) {
		meaning.match_type = checker_look_up(checker, FEATURE_MATCH_TYPE, name);
		meaning.is_comparator = span_is_nocase(name, "comparator");
	}
	if (meaning.match_type == NULL && node->command->has_address_part)
		meaning.address_part = checker_look_up(checker, FEATURE_ADDRESS_PART, name);
	if (!is_known(&meaning))
		meaning.tag = checker_tag(checker, node->command, name);
	return meaning;
}

/* What would bring a tag that means nothing so far; or null. */
static const struct extension *find_source(
    const struct checker *checker, const struct node *node, struct span name)
{
	const struct feature_set *features = &checker->features;
	const struct extension *from = NULL;
	registry_tag(features, node->command, name, &from);
	if (from == NULL && node->command->is_comparing)
		registry_look_up(features, FEATURE_MATCH_TYPE, name, &from);
	if (from == NULL && node->command->has_address_part)
		registry_look_up(features, FEATURE_ADDRESS_PART, name, &from);
	return from;
}

static bool check_tag(struct checker *checker, struct node *node, struct argument *use,
    const struct tag_meaning *meaning)
{
	if (meaning->tag != NULL)
		return bind_tag(checker, node, use, meaning->tag);
	if (meaning->match_type != NULL)
		return bind_match_type(checker, node, use, meaning->match_type);
	if (meaning->is_comparator)
		return bind_comparator(checker, node, use);
	return bind_address_part(checker, node, use, meaning->address_part);
}

/* All tags; gives the first argument that is none. One that nobody knows is told before anything
 * else, wherever it stands. */
static bool check_tags(struct checker *checker, struct node *node, struct argument **rest_out)
{
	struct tag_meaning meanings[LIMIT_ARGUMENTS];
	struct argument *argument = node->arguments;
	size_t count = 0;
	for (; argument != NULL; argument = argument->next) {
		if (argument->kind != ARGUMENT_TAG)
			continue;
		meanings[count] = find_meaning(checker, node, argument->tag);
		if (!is_known(&meanings[count]))
			return report_unknown_tag(
			    checker, node, argument, find_source(checker, node, argument->tag));
		count++;
	}
	argument = node->arguments;
	for (size_t i = 0; argument != NULL && argument->kind == ARGUMENT_TAG; i++) {
		if (!check_tag(checker, node, argument, &meanings[i]))
			return false;
		argument = argument->value != NULL ? argument->value->next : argument->next;
	}
	*rest_out = argument;
	return true;
}

static bool check_positional(struct checker *checker, struct node *node,
    const struct positional *wanted, struct argument *argument)
{
	if (argument->kind == ARGUMENT_TAG) {
		problem_error(checker->problems, argument->at,
		    "tag ':%s' must stand before the other arguments",
		    problem_quote(checker->problems, argument->tag));
		return false;
	}
	if (!has_type(argument, wanted->type)) {
		problem_error(checker->problems, argument->at, "'%s' wants %s as %s, not %s",
		    node->command->name, type_name(wanted->type), wanted->name,
		    argument_name(argument));
		return false;
	}
	return !wanted->is_constant || argument->kind != ARGUMENT_TEXTS ||
	       checker_want_constant(checker, argument, wanted->name);
}

static bool check_positionals(struct checker *checker, struct node *node, struct argument *first)
{
	const struct positional *wanted = node->command->positionals;
	size_t required = 0;
	size_t given = 0;
	bool has_optional = false;
	for (size_t i = 0; wanted[i].name != NULL; i++) {
		required += wanted[i].is_optional ? 0 : 1;
		has_optional = has_optional || wanted[i].is_optional;
	}
	for (struct argument *argument = first; argument != NULL; argument = argument->next)
		given++;
	size_t spare = given > required ? given - required : 0;
	for (size_t i = 0; wanted[i].name != NULL; i++) {
		if (wanted[i].is_optional && spare == 0)
			continue;
		spare -= wanted[i].is_optional ? 1 : 0;
		/* What takes a test for its argument is told about the test alone. */
		if (first == NULL && has_optional && node->tests != NULL)
			return false;
		if (first == NULL) {
			problem_error(checker->problems, node->at, "'%s' lacks %s: expected %s",
			    node->command->name, wanted[i].name, type_name(wanted[i].type));
			return false;
		}
		if (!check_positional(checker, node, &wanted[i], first))
			return false;
		node->positionals[i] = first;
		first = first->next;
	}
	if (first == NULL)
		return true;
	if (first->kind == ARGUMENT_TAG)
		return check_positional(checker, node, &wanted[0], first);
	problem_error(checker->problems, first->at, "too many arguments for '%s': %s is left over",
	    node->command->name, argument_name(first));
	return false;
}

/* The defaults (RFC 5228 2.7.1, 2.7.3), and whether the two go together. */
static bool finish_matching(struct checker *checker, struct node *node)
{
	struct matching *matching = node->matching;
	if (matching->type == NULL)
		matching->type = checker_look_up(checker, FEATURE_MATCH_TYPE, SPAN("is"));
	if (matching->comparator == NULL)
		matching->comparator =
		    checker_look_up(checker, FEATURE_COMPARATOR, SPAN("i;ascii-casemap"));
	for (size_t i = 0; node->command->positionals[i].name != NULL; i++)
		matching->keys = node->positionals[i];
	if (matching->type->is_substring && !matching->comparator->is_substring) {
		problem_error(checker->problems, matching->comparator_use->at,
		    "comparator '%s' cannot be used with ':%s'", matching->comparator->name,
		    matching->type->name);
		return false;
	}
	return matching->type->check == NULL || matching->type->check(checker, node, matching);
}

bool check_arguments(struct checker *checker, struct node *node)
{
	struct argument *rest;
	for (struct argument *argument = node->arguments; argument != NULL;
	     argument = argument->next) {
		if (!check_texts(checker, argument))
			return false;
	}
	if (node->command->is_comparing)
		node->matching = ARENA_NEW(checker->arena, struct matching);
	if (!check_tags(checker, node, &rest) || !check_positionals(checker, node, rest))
		return false;
	if (node->matching != NULL && !finish_matching(checker, node))
		return false;
	for (struct argument *use = node->arguments; use != NULL; use = use->next) {
		if (use->meaning != NULL && use->meaning->check != NULL &&
		    !use->meaning->check(checker, node, use))
			return false;
	}
	return true;
}

const struct argument *node_tag(const struct node *node, const char *name)
{
	for (const struct argument *use = node->arguments; use != NULL; use = use->next) {
		if (use->meaning != NULL && strcmp(use->meaning->name, name) == 0)
			return use;
	}
	return NULL;
}
