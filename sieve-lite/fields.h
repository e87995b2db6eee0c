#ifndef SIEVE_LITE_FIELDS_H
#define SIEVE_LITE_FIELDS_H

#include "sieve-lite/checker.h"
#include "sieve-lite/run.h"

/* The header of the message in effect, as tests look at it. */

struct field {
	struct span whole; /* all its lines, within the head of the message */
	struct span name;
	struct span raw;  /* folded, as it came */
	struct span text; /* what a person sees; null data until field_text() made it */
	struct listed_address *addresses;
	bool has_addresses; /* they were looked for */
	struct field *next;
};

struct fields {
	struct field *first;
};

struct match;

/* Which fields of a name a test looks at. */
struct field_pick {
	uint64_t index; /* from 1; 0: all */
	bool is_from_end;
	bool is_of_part;   /* of the current MIME part (RFC 5703), not of the message */
	bool has_children; /* of those within it too */
	/* Instead of all that a field holds; as match_value(). Null: all. */
	bool (*match)(
	    struct match *match, const struct node *node, struct span source, struct field *field);
};

/* Goes through the fields of all `names` (a string list), name by name, each in its order, as
 * the test picks them: with :index the names count together (RFC 5260 section 6). */
struct field_walk {
	struct run *run;
	const struct argument *names;
	size_t index;     /* of the name */
	struct span name; /* that the last field was found by; null data: none yet */
	size_t part;      /* the next whose fields of that name are looked for */
	size_t first_part;
	size_t end_part;
	struct field *next;
	uint64_t skip; /* so many first */
	bool is_picked;
};

struct field_walk field_walk(
    struct run *run, const struct node *node, const struct argument *names);
/* The next one, or null. */
struct field *field_walk_next(struct field_walk *walk);

/* The first field of that name, or null. */
struct field *field_find(struct run *run, struct span name);

/* Unfolded, trimmed, encoded words decoded; made once. */
struct span field_text(struct run *run, struct field *field);

/* The addresses in it (address_list.h), or null; parsed once. */
const struct listed_address *field_addresses(struct run *run, struct field *field);

/* The checks of ":index" <fieldno: number> and ":last": they set node->pick. */
bool fields_check_index(struct checker *checker, struct node *node, struct argument *use);
bool fields_check_last(struct checker *checker, struct node *node, struct argument *use);

/* Whether there is a field of that name among those that `node` looks at. */
bool field_exists(struct run *run, const struct node *node, struct span name);

/* Makes the node's pick, if it has none. For the checks of tags. */
struct field_pick *fields_pick(struct checker *checker, struct node *node);

/* The fields of a header block. */
struct field *fields_read(struct run *run, struct span head);
/* All fields, in order. */
struct field *fields_first(struct run *run);
/* The message has another head from here on (arena memory). */
void fields_replace(struct run *run, struct span head);
/* Another version of the message is in effect from here on. */
void fields_set_message(struct run *run, const struct message *version);
/* The header changed: it is read anew when next asked for. */
void fields_forget(struct run *run);

#endif
