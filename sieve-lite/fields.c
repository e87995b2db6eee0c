/* fields.c - the header fields that tests look at. Read once for a version of the message;
 * what is shown to tests is made for the fields that are asked for. */
#include "sieve-lite/fields.h"

#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/header_text.h"

#define BYTES_PER_STEP 64
/* What a list of the shortest addresses takes for each byte of it, more or less. */
#define ADDRESS_BYTES_PER_BYTE 32

struct field *fields_first(struct run *run)
{
	if (run->fields != NULL)
		return run->fields->first;
	run->fields = ARENA_NEW(run->arena, struct fields);
	struct field **end = &run->fields->first;
	struct span rest = run->message->head;
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
	return run->fields->first;
}

void fields_forget(struct run *run)
{
	run->fields = NULL;
}

void fields_replace(struct run *run, struct span head)
{
	struct message *version = ARENA_NEW(run->arena, struct message);
	*version = message_with_head(run->message, head);
	run->message = version;
	fields_forget(run);
}

static struct field_pick *pick_of(struct checker *checker, struct node *node)
{
	if (node->pick == NULL)
		node->pick = ARENA_NEW(checker->arena, struct field_pick);
	return node->pick;
}

bool fields_check_index(struct checker *checker, struct node *node, struct argument *use)
{
	pick_of(checker, node)->index = use->value->number;
	if (use->value->number > 0)
		return true;
	problem_error(checker->problems, use->value->at, "fields are counted from 1");
	return false;
}

bool fields_check_last(struct checker *checker, struct node *node, struct argument *use)
{
	pick_of(checker, node)->is_from_end = true;
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

static struct field_walk walk_all(struct run *run, const struct argument *names)
{
	return (struct field_walk){.run = run, .names = names};
}

static struct field *step(struct field_walk *walk)
{
	while (walk->next == NULL && walk->index < walk->names->count) {
		walk->name = run_text(walk->run, &walk->names->texts[walk->index++]);
		walk->next = field_find(walk->run, walk->name);
	}
	struct field *field = walk->next;
	if (field != NULL)
		walk->next = next_named(field->next, walk->name);
	return field;
}

struct field_walk field_walk(struct run *run, const struct node *node, const struct argument *names)
{
	struct field_walk walk = walk_all(run, names);
	const struct field_pick *pick = node->pick;
	if (pick == NULL || pick->index == 0)
		return walk;
	walk.is_picked = true;
	walk.skip = pick->index - 1;
	if (pick->is_from_end) {
		uint64_t count = 0;
		struct field_walk counting = walk_all(run, names);
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
		walk->next = NULL;
	}
	return field;
}

struct span field_text(struct run *run, struct field *field)
{
	if (field->text.data == NULL) {
		run_spend_bytes(run, field->raw.len);
		field->text = header_text_decode(run->arena, header_unfold(run->arena, field->raw));
		if (field->text.data == NULL)
			field->text = SPAN("");
	}
	return field->text;
}

const struct listed_address *field_addresses(struct run *run, struct field *field)
{
	if (!field->has_addresses) {
		run_spend_bytes(run, field->raw.len * ADDRESS_BYTES_PER_BYTE);
		field->addresses = address_list_parse(run->arena, field->raw);
		field->has_addresses = true;
	}
	return field->addresses;
}
