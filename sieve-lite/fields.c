/* fields.c - the header fields that tests look at. Read once for a version of the message;
 * what is shown to tests is made for the fields that are asked for. */
#include "sieve-lite/fields.h"

#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/header_text.h"

#define BYTES_PER_STEP 64

static struct field *first_field(struct run *run)
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

static struct field *next_named(struct field *field, struct span name)
{
	while (field != NULL && !span_equals_nocase(field->name, name))
		field = field->next;
	return field;
}

/* The field that `pick` means, or null. */
static struct field *find_picked(
    struct field *first, struct span name, const struct field_pick *pick)
{
	uint64_t count = 0;
	for (struct field *field = next_named(first, name); field != NULL;
	     field = next_named(field->next, name))
		count++;
	if (pick->index > count)
		return NULL;
	uint64_t before = pick->is_from_end ? count - pick->index : pick->index - 1;
	struct field *field = next_named(first, name);
	while (before-- > 0)
		field = next_named(field->next, name);
	return field;
}

struct field_walk field_walk(struct run *run, const struct node *node, struct span name)
{
	struct field *first = first_field(run);
	struct field_walk walk = {.run = run, .name = name};
	walk.is_picked = node->pick != NULL && node->pick->index > 0;
	walk.next = walk.is_picked ? find_picked(first, name, node->pick) : next_named(first, name);
	return walk;
}

struct field *field_walk_next(struct field_walk *walk)
{
	struct field *field = walk->next;
	if (field != NULL)
		walk->next = walk->is_picked ? NULL : next_named(field->next, walk->name);
	return field;
}

struct span field_text(struct run *run, struct field *field)
{
	if (field->text.data == NULL) {
		run_spend(run, field->raw.len / BYTES_PER_STEP);
		field->text = header_text_decode(run->arena, header_unfold(run->arena, field->raw));
		if (field->text.data == NULL)
			field->text = SPAN("");
	}
	return field->text;
}

const struct listed_address *field_addresses(struct run *run, struct field *field)
{
	if (!field->has_addresses) {
		run_spend(run, field->raw.len / BYTES_PER_STEP);
		field->addresses = address_list_parse(run->arena, field->raw);
		field->has_addresses = true;
	}
	return field->addresses;
}
