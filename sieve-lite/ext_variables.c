/* ext_variables.c - variables (RFC 5229): "${name}" in strings, set, the test string.
 *
 *	variable-ref  = "${" [namespace] variable-name "}"
 *	namespace     = identifier "." *(variable-name ".")
 *	variable-name = 1*DIGIT / identifier
 *
 * Anything else that begins with "${" stays as it is. Each name has a number that is found when
 * the script is checked; values belong to one run of one script. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/variables.h"

#include "base/utf8.h"

#include <string.h>

/* -- The names of a script -- */

struct variable_name {
	struct span name;
	uint64_t number;
	bool is_set;    /* by a command so far */
	bool is_global; /* from here on: its value is found by name */
	struct variable_name *next;
};

struct variable_names {
	struct variable_name *first;
	uint64_t count;
};

/* The entry of a variable; new names get the next number. Null: too many, reported. */
static struct variable_name *entry_of(struct checker *checker, struct place at, struct span name)
{
	struct variable_names *names = checker_state(checker, &ext_variables, sizeof(*names));
	struct variable_name **end = &names->first;
	for (; *end != NULL; end = &(*end)->next) {
		if (span_equals_nocase((*end)->name, name))
			return *end;
	}
	if (name.len > LIMIT_VARIABLE_NAME_BYTES) {
		problem_error(checker->problems, at,
		    "the name of variable '%s' is too long: at most %d bytes",
		    problem_quote(checker->problems, name), LIMIT_VARIABLE_NAME_BYTES);
		return NULL;
	}
	uint64_t max = checker->options->options->max_variables;
	if (names->count >= max) {
		problem_error(checker->problems, at, "too many variables: at most %llu",
		    (unsigned long long)max);
		return NULL;
	}
	*end = ARENA_NEW(checker->arena, struct variable_name);
	(*end)->name = name;
	(*end)->number = names->count++;
	return *end;
}

/* -- Their values in a run -- */

struct variables {
	struct span *values;
};

static struct span *value_of(struct run *run, uint64_t number)
{
	struct variables *variables =
	    run_local_state(run, &ext_variables, sizeof(struct variables));
	const struct variable_names *names = run_script_state(run, &ext_variables);
	if (variables->values == NULL) {
		run_spend_bytes(run, names->count * sizeof(*variables->values));
		variables->values =
		    arena_new_items(run->arena, names->count, sizeof(*variables->values));
	}
	return &variables->values[number];
}

static struct span variable_value(struct run *run, const struct text_part *part)
{
	return *value_of(run, part->index);
}

struct global {
	struct span name;
	struct span value;
	struct global *next;
};

struct globals {
	struct global *first;
};

static struct global *find_global(struct run *run, struct span name)
{
	struct globals *globals = run_state(run, &ext_variables, sizeof(struct globals));
	for (struct global *global = globals->first; global != NULL; global = global->next) {
		if (span_equals_nocase(global->name, name))
			return global;
	}
	struct global *global = ARENA_NEW(run->arena, struct global);
	*global = (struct global){name, SPAN(""), globals->first};
	globals->first = global;
	return global;
}

struct span variable_global_get(struct run *run, const struct text_part *part)
{
	return find_global(run, part->literal)->value;
}

void variable_global_set(struct run *run, const struct text_part *part, struct span value)
{
	find_global(run, part->literal)->value = value;
}

static struct span match_value_of(struct run *run, const struct text_part *part)
{
	return part->index < run->match_count ? run->matches[part->index] : SPAN("");
}

/* A value cut to what a variable holds. */
static struct span variable_limit(const struct run *run, struct span value)
{
	size_t len = (size_t)run->script->options->max_variable_bytes;
	if (value.len <= len)
		return value;
	/* Not within a character; bytes that are none may be cut anywhere. */
	for (unsigned back = 0; back < 3 && ((unsigned char)value.data[len] & 0xC0) == 0x80; back++)
		len--;
	return span_first(value, len);
}

/* -- References in strings -- */

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
	return (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') || byte == '_';
}

/* variable-name at the start of `text`: its length, or 0 */
static size_t name_len(struct span text)
{
	size_t len = 0;
	if (text.len == 0)
		return 0;
	bool is_number = is_digit(text.data[0]);
	if (!is_number && !is_letter(text.data[0]))
		return 0;
	while (len < text.len &&
	       (is_digit(text.data[len]) || (!is_number && is_letter(text.data[len]))))
		len++;
	return len;
}

/* What stands between "${" and "}": the space is empty for a variable of the script. */
struct reference {
	struct span space;
	struct span name; /* with what is left of the namespace */
	size_t len;       /* with the "}" */
};

static bool take_reference(struct span text, struct reference *reference_out)
{
	size_t len = name_len(text);
	size_t space_len = 0;
	while (len > 0 && len < text.len && text.data[len] == '.') {
		if (space_len == 0)
			space_len = len;
		size_t more = name_len(span_from(text, len + 1));
		if (more == 0)
			return false;
		len += 1 + more;
	}
	if (len == 0 || len == text.len || text.data[len] != '}')
		return false;
	if (space_len > 0 && is_digit(text.data[0]))
		return false;
	reference_out->space = span_first(text, space_len);
	reference_out->name = span_from(span_first(text, len), space_len > 0 ? space_len + 1 : 0);
	reference_out->len = len + 1;
	return true;
}

static bool bind_match(
    struct checker *checker, struct place at, struct span digits, struct text_part *part)
{
	part->value = match_value_of;
	for (size_t i = 0; i < digits.len && part->index <= LIMIT_MATCHES; i++)
		part->index = part->index * 10 + (uint64_t)(digits.data[i] - '0');
	if (part->index <= LIMIT_MATCHES)
		return true;
	problem_error(checker->problems, at, "match variable '%s' is out of range: 0 to %d",
	    problem_quote(checker->problems, digits), LIMIT_MATCHES);
	return false;
}

static bool bind_own(
    struct checker *checker, struct place at, struct span name, struct text_part *part)
{
	struct variable_name *entry = entry_of(checker, at, name);
	if (entry == NULL)
		return false;
	part->value = entry->is_global ? variable_global_get : variable_value;
	part->index = entry->number;
	return true;
}

/* Makes `part` stand for "${space.name}", "${name}" where `space` is empty; gives the space it
 * belongs to, null: the script itself. */
static const struct variable_space *variable_bind(struct checker *checker, struct place at,
    struct span space, struct span name, struct text_part *part, bool *is_sound_out)
{
	const struct extension *from = NULL;
	part->literal = name;
	if (space.len == 0) {
		*is_sound_out = is_digit(name.data[0]) ? bind_match(checker, at, name, part)
		                                       : bind_own(checker, at, name, part);
		return NULL;
	}
	const struct variable_space *found =
	    registry_look_up(&checker->features, FEATURE_VARIABLE_SPACE, space, &from);
	*is_sound_out = found != NULL && found->check(checker, at, name, part);
	if (found == NULL && from != NULL && registry_is_available(from, checker->options))
		problem_error(checker->problems, at, "variables of '%s' need: require \"%s\";",
		    from->name, from->name);
	else if (found == NULL)
		problem_error(checker->problems, at, "unknown namespace '%s' of variables",
		    problem_quote(checker->problems, space));
	return found;
}

static struct text_part *add_part(struct checker *checker, struct text_part ***end)
{
	struct text_part *part = ARENA_NEW(checker->arena, struct text_part);
	**end = part;
	*end = &part->next;
	return part;
}

static void add_literal(struct checker *checker, struct text_part ***end, struct span literal)
{
	if (literal.len > 0)
		add_part(checker, end)->literal = literal;
}

static bool check_text(struct checker *checker, struct text *text)
{
	struct text_part *first = NULL;
	struct text_part **end = &first;
	struct span literal = text->literal; /* what is not yet in a part */
	bool is_sound = true;
	bool is_variable = false;
	for (size_t i = 0; i + 1 < literal.len;) {
		struct reference reference;
		if (literal.data[i] != '$' || literal.data[i + 1] != '{' ||
		    !take_reference(span_from(literal, i + 2), &reference)) {
			i++;
			continue;
		}
		bool is_bound;
		add_literal(checker, &end, span_first(literal, i));
		variable_bind(checker, text->at, reference.space, reference.name,
		    add_part(checker, &end), &is_bound);
		is_sound = is_sound && is_bound;
		is_variable = true;
		literal = span_from(literal, i + 2 + reference.len);
		i = 0;
	}
	if (!is_variable)
		return true;
	add_literal(checker, &end, literal);
	text->parts = first;
	return is_sound;
}

/* -- set [MODIFIER] <name: string> <value: string> -- */

struct variable_target {
	struct text_part part;
	const struct variable_space *space; /* null: a variable of the script */
};

struct variable_target *variable_target(
    struct checker *checker, const struct text *name, bool is_to_be_set)
{
	struct variable_target *target = ARENA_NEW(checker->arena, struct variable_target);
	/* As it would stand between "${" and "}". */
	struct span text =
	    arena_spanf(checker->arena, "%.*s}", (int)name->literal.len, name->literal.data);
	struct reference reference;
	bool is_sound = true;
	if (!take_reference(text, &reference) || reference.len != name->literal.len + 1 ||
	    (is_to_be_set && reference.space.len == 0 && is_digit(reference.name.data[0]))) {
		problem_error(checker->problems, name->at, "'%s' is no name for a variable",
		    problem_quote(checker->problems, name->literal));
		return NULL;
	}
	target->space = variable_bind(
	    checker, name->at, reference.space, reference.name, &target->part, &is_sound);
	if (is_to_be_set && target->space != NULL && target->space->set == NULL) {
		problem_error(checker->problems, name->at, "'%s' cannot be set",
		    problem_quote(checker->problems, name->literal));
		return NULL;
	}
	if (is_sound && is_to_be_set && target->space == NULL)
		entry_of(checker, name->at, reference.name)->is_set = true;
	return is_sound ? target : NULL;
}

bool variable_make_global(struct checker *checker, const struct text *name)
{
	if (name_len(name->literal) != name->literal.len || name->literal.len == 0 ||
	    is_digit(name->literal.data[0])) {
		problem_error(checker->problems, name->at, "'%s' is no name for a variable",
		    problem_quote(checker->problems, name->literal));
		return false;
	}
	struct variable_name *entry = entry_of(checker, name->at, name->literal);
	if (entry == NULL)
		return false;
	if (entry->is_set && !entry->is_global) {
		problem_error(checker->problems, name->at,
		    "'%s' was set before: it cannot become global any more",
		    problem_quote(checker->problems, name->literal));
		return false;
	}
	entry->is_global = true;
	return true;
}

struct span variable_get(struct run *run, const struct variable_target *target)
{
	return target->part.value(run, &target->part);
}

void variable_set(struct run *run, const struct variable_target *target, struct span value)
{
	value = variable_limit(run, value);
	if (target->space != NULL)
		target->space->set(run, &target->part, value);
	else if (target->part.value == variable_global_get)
		variable_global_set(run, &target->part, value);
	else
		*value_of(run, target->part.index) = value;
}

static bool check_set(struct checker *checker, struct node *node)
{
	node->data = variable_target(checker, &node->positionals[0]->texts[0], true);
	return node->data != NULL;
}

struct span variable_modify(struct run *run, const struct node *node, struct span value)
{
	for (unsigned precedence = 50; precedence > 0; precedence--) {
		for (const struct argument *use = node->arguments; use != NULL; use = use->next) {
			if (use->meaning == NULL || use->meaning->precedence != precedence)
				continue;
			run_spend_bytes(run, value.len);
			value = use->meaning->modify(run, value);
		}
	}
	return value;
}

static void run_set(struct run *run, const struct node *node)
{
	struct span value =
	    variable_modify(run, node, run_text(run, &node->positionals[1]->texts[0]));
	run_tell_value(run, node->positionals[0]->texts[0].literal, value, SPAN(""), true);
	variable_set(run, node->data, value);
}

static struct span modify_lower(struct run *run, struct span value)
{
	return address_lower(run->arena, value);
}

static char upper(char byte)
{
	return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

static struct span modify_upper(struct run *run, struct span value)
{
	char *copy = arena_text(run->arena, value);
	for (size_t i = 0; i < value.len; i++)
		copy[i] = upper(copy[i]);
	return (struct span){copy, value.len};
}

static struct span modify_lowerfirst(struct run *run, struct span value)
{
	char *copy = arena_text(run->arena, value);
	copy[0] = ascii_lower(copy[0]);
	return (struct span){copy, value.len};
}

static struct span modify_upperfirst(struct run *run, struct span value)
{
	char *copy = arena_text(run->arena, value);
	copy[0] = upper(copy[0]);
	return (struct span){copy, value.len};
}

static struct span modify_quotewildcard(struct run *run, struct span value)
{
	struct bytes quoted = {0};
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] != '\0' && strchr("*?\\", value.data[i]) != NULL)
			bytes_append_byte(&quoted, '\\');
		bytes_append_byte(&quoted, value.data[i]);
	}
	struct span copy = arena_span(run->arena, bytes_span(&quoted));
	bytes_clear(&quoted);
	return copy;
}

/* In characters; a byte that begins none counts as one. */
static struct span modify_length(struct run *run, struct span value)
{
	size_t count = 0;
	uint32_t character;
	for (; value.len > 0; count++) {
		if (!utf8_next(&value, &character))
			value = span_from(value, 1);
	}
	return arena_spanf(run->arena, "%zu", count);
}

static const struct tag tags[] = {
    {.name = "lower",
        .on = VARIABLE_SETTERS,
        .group = "case",
        .precedence = 40,
        .modify = modify_lower},
    {.name = "upper",
        .on = VARIABLE_SETTERS,
        .group = "case",
        .precedence = 40,
        .modify = modify_upper},
    {.name = "lowerfirst",
        .on = VARIABLE_SETTERS,
        .group = "first",
        .precedence = 30,
        .modify = modify_lowerfirst},
    {.name = "upperfirst",
        .on = VARIABLE_SETTERS,
        .group = "first",
        .precedence = 30,
        .modify = modify_upperfirst},
    {.name = "quotewildcard",
        .on = VARIABLE_SETTERS,
        .group = "quote",
        .precedence = 20,
        .modify = modify_quotewildcard},
    {.name = "length",
        .on = VARIABLE_SETTERS,
        .group = "length",
        .precedence = 10,
        .modify = modify_length},
    {.name = NULL},
};

/* -- string [MATCH-TYPE] [COMPARATOR] <source: string-list> <key-list: string-list> -- */

static bool test_string(struct run *run, const struct node *node)
{
	const struct argument *sources = node->positionals[0];
	struct match match = match_begin(run, node);
	for (size_t i = 0; i < sources->count; i++) {
		struct span value = run_text(run, &sources->texts[i]);
		/* The count of an empty string is 0. */
		if (value.len == 0 && node->matching->type->is_counting)
			continue;
		if (match_value(&match, SPAN("string"), value))
			break;
	}
	return match_end(&match);
}

static const struct command commands[] = {
    {.name = "set",
        .positionals = {{.name = "the name", .type = WANTS_TEXT, .is_constant = true},
            {.name = "the value", .type = WANTS_TEXT}},
        .check = check_set,
        .run = run_set},
    {.name = "string",
        .positionals = {{.name = "the source", .type = WANTS_TEXTS},
            {.name = "the keys", .type = WANTS_TEXTS}},
        .is_comparing = true,
        .test = test_string},
    {.name = NULL},
};

const struct extension ext_variables = {
    .name = "variables",
    .document = "RFC 5229",
    .commands = commands,
    .tags = tags,
    .check_text = check_text,
};
