/* warnings.c - what is allowed and surely not meant.
 *
 * A walk over the checked tree that changes nothing. Only what is certain: a warning that is wrong
 * once is not read twice. What the checker did not look at (RFC 5463) may use what it likes, so
 * then nothing is said of extensions. */
#include "sieve-lite/warnings.h"

#include "sieve-lite/checker.h"

#include <string.h>

/* An extension that this script requires. */
struct required {
	const struct extension *extension;
	const struct text *name;
	bool is_used;
	struct required *next;
};

struct search {
	struct problems *problems;
	struct required *required;
	bool has_unchecked;
};

/* -- what never runs --------------------------------------------------------------------------- */

static bool has_end(const struct node *first);

/* `node` is the last of its chain. */
static bool chain_ends(const struct node *head, const struct node *node)
{
	if (!node->command->continues_chain || node->command->tests != TAKES_NO_TEST)
		return false;
	for (;; head = head->next) {
		if (head->is_dead || !has_end(head->block))
			return false;
		if (head == node)
			return true;
	}
}

/* The first that ends its block whatever happens, or null. */
static const struct node *find_end(const struct node *first)
{
	const struct node *head = first;
	for (const struct node *node = first; node != NULL; node = node->next) {
		if (!node->command->continues_chain)
			head = node;
		if (node->command->ends_block || chain_ends(head, node))
			return node;
	}
	return NULL;
}

static bool has_end(const struct node *first)
{
	return find_end(first) != NULL;
}

static void find_unreached(struct search *search, const struct node *first)
{
	const struct node *end = find_end(first);
	if (end == NULL || end->next == NULL)
		return;
	if (end->command->ends_block)
		problem_warning(search->problems, end->next->at,
		    "this is never run: '%s' in line %u ends the block before it",
		    end->command->name, end->at.line);
	else
		problem_warning(search->problems, end->next->at,
		    "this is never run: each branch of the 'if' before it ends elsewhere");
}

/* -- what never matches ------------------------------------------------------------------------ */

static void find_vain_keys(struct search *search, const struct node *node)
{
	const struct matching *matching = node->matching;
	if (matching == NULL || !node->command->has_address_part ||
	    (strcmp(matching->type->name, "is") != 0 &&
	        strcmp(matching->type->name, "contains") != 0))
		return;
	bool is_domain =
	    node->address_part != NULL && strcmp(node->address_part->name, "domain") == 0;
	for (size_t i = 0; i < matching->keys->count; i++) {
		const struct text *key = &matching->keys->texts[i];
		if (!text_is_constant(key))
			continue;
		if (is_domain && span_find(key->literal, '@') < key->literal.len)
			problem_warning(search->problems, key->at,
			    "no domain has an '@' in it; this never matches");
		else if (span_find(key->literal, '*') < key->literal.len)
			problem_warning(search->problems, key->at,
			    "'*' stands for itself here; as a wildcard it needs ':matches'");
	}
}

/* -- what nothing uses ------------------------------------------------------------------------- */

static bool is_always_there(const struct comparator *comparator)
{
	struct feature_set core = {.guest = NULL};
	registry_turn_on_core(&core);
	return registry_look_up(&core, FEATURE_COMPARATOR, span_of(comparator->name), NULL) != NULL;
}

/* Would the tree show that it is used? A say in storing is use enough: in a chain of scripts it
 * counts that a later one knows flags. */
static bool leaves_signs(const struct extension *extension)
{
	return extension->variable_spaces == NULL && extension->store == NULL &&
	       (extension->commands != NULL || extension->tags != NULL ||
	           extension->match_types != NULL || extension->address_parts != NULL ||
	           (extension->comparators != NULL && !is_always_there(extension->comparators)));
}

static void note_required(struct search *search, const struct node *node)
{
	const struct argument *names = node->positionals[0];
	for (size_t i = 0; i < names->count; i++) {
		size_t index = registry_find(names->texts[i].literal);
		if (index == registry_count() || !leaves_signs(registry_extension(index)))
			continue;
		struct required *required = ARENA_NEW(search->problems->arena, struct required);
		*required = (struct required){.extension = registry_extension(index),
		    .name = &names->texts[i],
		    .next = search->required};
		search->required = required;
	}
}

/* Is the record one of an extension's? */
#define IS_AMONG(records, record) is_among(records, sizeof(*(records)), record)

static bool is_among(const void *records, size_t size, const void *record)
{
	const char *at = records;
	for (const char *name; record != NULL && at != NULL; at += size) {
		memcpy(&name, at, sizeof(name)); /* each begins with its name */
		if (name == NULL)
			break;
		if (at == (const char *)record)
			return true;
	}
	return false;
}

static bool uses_in_argument(const struct extension *extension, const struct argument *argument)
{
	if (IS_AMONG(extension->tags, argument->meaning))
		return true;
	for (size_t i = 0; extension->check_text != NULL && i < argument->count; i++) {
		if (!text_is_constant(&argument->texts[i]))
			return true;
	}
	return false;
}

static bool uses(const struct extension *extension, const struct node *node)
{
	const struct matching *matching = node->matching;
	if (IS_AMONG(extension->commands, node->command) ||
	    IS_AMONG(extension->address_parts, node->address_part))
		return true;
	if (matching != NULL && (IS_AMONG(extension->match_types, matching->type) ||
	                            IS_AMONG(extension->comparators, matching->comparator)))
		return true;
	for (const struct argument *argument = node->arguments; argument != NULL;
	     argument = argument->next) {
		if (uses_in_argument(extension, argument))
			return true;
	}
	return false;
}

static void note_used(struct search *search, const struct node *node)
{
	struct required *required = search->required;
	for (; required != NULL; required = required->next)
		required->is_used = required->is_used || uses(required->extension, node);
}

/* In the order of the script. */
static void tell_unused(struct search *search)
{
	struct required *reversed = NULL;
	while (search->required != NULL) {
		struct required *next = search->required->next;
		search->required->next = reversed;
		reversed = search->required;
		search->required = next;
	}
	for (; reversed != NULL; reversed = reversed->next) {
		if (!reversed->is_used)
			problem_warning(search->problems, reversed->name->at,
			    "extension '%s' is required and never used", reversed->extension->name);
	}
}

/* -- the walk ---------------------------------------------------------------------------------- */

static void walk_tests(struct search *search, const struct node *first)
{
	for (const struct node *node = first; node != NULL; node = node->next) {
		if (node->command == NULL) {
			search->has_unchecked = true;
			return;
		}
		note_used(search, node);
		find_vain_keys(search, node);
		walk_tests(search, node->tests);
	}
}

static void walk(struct search *search, const struct node *first)
{
	find_unreached(search, first);
	for (const struct node *node = first; node != NULL; node = node->next) {
		if (strcmp(node->command->name, "require") == 0)
			note_required(search, node);
		note_used(search, node);
		find_vain_keys(search, node);
		if (node->is_dead) {
			search->has_unchecked = true;
			continue;
		}
		walk_tests(search, node->tests);
		walk(search, node->block);
	}
}

void warnings_find(struct problems *problems, const struct node *first)
{
	struct search search = {.problems = problems};
	walk(&search, first);
	if (!search.has_unchecked)
		tell_unused(&search);
}
