/* fields.c - the header fields that tests look at. Read once for a version of the message;
 * what is shown to tests is made for the fields that are asked for. */
#include "sieve-lite/fields.h"

#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/header_text.h"
#include "sieve-lite/parts.h"

#define BYTES_PER_STEP 64
/* What a list of the shortest addresses takes for each byte of it, more or less. */
#define ADDRESS_BYTES_PER_BYTE 32

struct field *fields_read(struct run *run, struct span head)
{
	struct field *first = NULL;
	struct field **end = &first;
	struct span rest = head;
	struct header_field found;
	run_spend(run, rest.len / BYTES_PER_STEP);
	while (header_next(&rest, &found)) {
		struct field *field = ARENA_NEW(run->arena, struct field);
		run_spend_bytes(run, sizeof(*field));
		field->whole = found.whole;
		field->name = found.name;
		field->raw = found.value;
		*end = field;
		end = &field->next;
	}
	return first;
}

struct field *fields_first(struct run *run)
{
	if (run->fields == NULL) {
		run->fields = ARENA_NEW(run->arena, struct fields);
		run->fields->first = fields_read(run, run->message->head);
	}
	return run->fields->first;
}

void fields_forget(struct run *run)
{
	run->fields = NULL;
	run->parts = NULL;
}

void fields_set_message(struct run *run, const struct message *version)
{
	struct message *copy = ARENA_NEW(run->arena, struct message);
	*copy = *version;
	run->message = copy;
	fields_forget(run);
}

void fields_replace(struct run *run, struct span head)
{
	struct message version = message_with_head(run->message, head);
	fields_set_message(run, &version);
}

struct field_pick *fields_pick(struct checker *checker, struct node *node)
{
	if (node->pick == NULL)
		node->pick = ARENA_NEW(checker->arena, struct field_pick);
	return node->pick;
}

bool fields_check_index(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->index = use->value->number;
	if (use->value->number > 0)
		return true;
	problem_error(checker->problems, use->value->at, "fields are counted from 1");
	return false;
}

bool fields_check_last(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->is_from_end = true;
	if (node_tag(node, "index") != NULL)
		return true;
	problem_error(checker->problems, use->at, "':last' needs ':index'");
	return false;
}

static struct field *next_named(struct field *field, struct span name)
{
	while (field != NULL && !span_equals_nocase(field->name, name))
		field = field->next;
	return field;
}

struct field *field_find(struct run *run, struct span name)
{
	return next_named(fields_first(run), name);
}

/* Where the fields are that a test looks at: in the message, or in parts of it. */
static struct field_walk walk_all(
    struct run *run, const struct node *node, const struct argument *names)
{
	struct field_walk walk = {.run = run, .names = names, .end_part = 1};
	const struct field_pick *pick = node->pick;
	if (pick == NULL || !pick->is_of_part)
		return walk;
	walk.first_part = parts_current(run);
	walk.end_part = walk.first_part + 1;
	if (pick->has_children) {
		const struct mime_tree *tree = parts_tree(run);
		bool is_there = tree != NULL && walk.first_part < tree->count;
		walk.end_part = is_there ? tree->parts[walk.first_part].end : 0;
	}
	walk.part = walk.end_part;
	return walk;
}

static struct field *fields_of_part(struct run *run, size_t part)
{
	return part == 0 ? fields_first(run) : parts_fields(run, part);
}

static struct field *step(struct field_walk *walk)
{
	while (walk->next == NULL) {
		if (walk->name.data != NULL && walk->part < walk->end_part) {
			walk->next =
			    next_named(fields_of_part(walk->run, walk->part++), walk->name);
		} else if (walk->index < walk->names->count) {
			walk->name = run_text(walk->run, &walk->names->texts[walk->index++]);
			walk->part = walk->first_part;
		} else {
			return NULL;
		}
	}
	struct field *field = walk->next;
	walk->next = next_named(field->next, walk->name);
	return field;
}

bool field_exists(struct run *run, const struct node *node, struct span name)
{
	const struct argument no_names = {.count = 0};
	struct field_walk walk = walk_all(run, node, &no_names);
	walk.name = name;
	walk.part = walk.first_part;
	return step(&walk) != NULL;
}

struct field_walk field_walk(struct run *run, const struct node *node, const struct argument *names)
{
	struct field_walk walk = walk_all(run, node, names);
	const struct field_pick *pick = node->pick;
	if (pick == NULL || pick->index == 0)
		return walk;
	walk.is_picked = true;
	walk.skip = pick->index - 1;
	if (pick->is_from_end) {
		uint64_t count = 0;
		struct field_walk counting = walk;
		while (step(&counting) != NULL)
			count++;
		walk.skip = pick->index <= count ? count - pick->index : count;
	}
	return walk;
}

struct field *field_walk_next(struct field_walk *walk)
{
	struct field *field = step(walk);
	while (field != NULL && walk->skip > 0) {
		field = step(walk);
		walk->skip--;
	}
	if (walk->is_picked) {
		walk->index = walk->names->count;
		walk->part = walk->end_part;
		walk->next = NULL;
	}
	return field;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct span field_text(struct run *run, struct field *field)
{
	if (field->text.data == NULL) {
		run_spend_bytes(run, field->raw.len);
		field->text = header_text_decode(run->arena, header_unfold(run->arena, field->raw));
		/* Blanks at the end that were encoded are no better than others. */
		while (field->text.len > 0 && is_blank(field->text.data[field->text.len - 1]))
			field->text.len--;
		if (field->text.data == NULL)
			field->text = SPAN("");
	}
	return field->text;
}

/* Without one valid address, the whole value is as good as one that is not. */
static struct listed_address *parse_addresses(struct run *run, const struct field *field)
{
	struct listed_address *first = address_list_parse(run->arena, field->raw);
	const struct listed_address *listed = first;
	while (listed != NULL && !listed->is_valid)
		listed = listed->next;
	if (listed != NULL)
		return first;
	first = ARENA_NEW(run->arena, struct listed_address);
	first->address.text = header_unfold(run->arena, field->raw);
	return first;
}

const struct listed_address *field_addresses(struct run *run, struct field *field)
{
	if (!field->has_addresses) {
		run_spend_bytes(run, field->raw.len * ADDRESS_BYTES_PER_BYTE);
		field->addresses = parse_addresses(run, field);
		field->has_addresses = true;
	}
	return field->addresses;
}
