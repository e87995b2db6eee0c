/* ext_imap4flags.c - flags and keywords of what is stored (RFC 5232).
 *
 * A set of flags is a string of words. The internal variable belongs to the result, and begins
 * with what the message has; where a script names a variable, it is one of RFC 5229. Flags that
 * IMAP could not store are ignored. */
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/variables.h"

#include <string.h>

#define FLAG_BYTES 128

static bool is_keyword(struct span flag)
{
	for (size_t i = 0; i < flag.len; i++) {
		char byte = flag.data[i];
		if (byte <= ' ' || byte == 0x7F || strchr("(){%*\"\\]", byte) != NULL)
			return false;
	}
	return flag.len > 0;
}

/* flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / atom (RFC 3501) */
static bool is_flag(struct span flag)
{
	static const char *const system[] = {
	    "\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};
	if (flag.len == 0 || flag.len > FLAG_BYTES)
		return false;
	if (flag.data[0] != '\\')
		return is_keyword(flag);
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++) {
		if (span_is_nocase(flag, system[i]))
			return true;
	}
	return false;
}

static bool has_word(struct span words, struct span word)
{
	struct span other;
	while (span_next_piece(&words, ' ', &other)) {
		if (span_equals_nocase(other, word))
			return true;
	}
	return false;
}

/* Adds the flags among `words` that are not there yet. */
static void add_words(struct run *run, struct bytes *to, struct span words)
{
	struct span word;
	while (span_next_piece(&words, ' ', &word)) {
		run_spend(run, 1 + to->len / 64);
		if (!is_flag(word) || (to->len > 0 && has_word(bytes_span(to), word)))
			continue;
		if (to->len > 0)
			bytes_append_byte(to, ' ');
		bytes_append_span(to, word);
	}
}

static void add_list(struct run *run, struct bytes *to, const struct argument *list)
{
	for (size_t i = 0; i < list->count && run->unwind == UNWIND_NONE; i++)
		add_words(run, to, run_text(run, &list->texts[i]));
}

static struct span finish(struct run *run, struct bytes *set)
{
	struct span copy = arena_span(run->arena, bytes_span(set));
	run_spend_bytes(run, copy.len);
	bytes_clear(set);
	return copy;
}

static struct span *internal_variable(struct run *run)
{
	struct bytes set = {0};
	if (run->result->flags.data != NULL)
		return &run->result->flags;
	for (size_t i = 0; i < run->input->flag_count; i++)
		add_words(run, &set, run->input->flags[i]);
	run->result->flags = finish(run, &set);
	return &run->result->flags;
}

/*	setflag / addflag / removeflag [<variablename: string>] <list-of-flags: string-list> */
static bool check_targets(struct checker *checker, struct node *node, bool is_to_be_set)
{
	const struct argument *names = node->positionals[0];
	if (names == NULL)
		return true;
	if (!registry_is_on(&checker->features, &ext_variables)) {
		problem_error(checker->problems, names->at,
		    "naming a variable needs: require \"variables\";");
		return false;
	}
	struct variable_target **targets =
	    arena_new_items(checker->arena, names->count, sizeof(struct variable_target *));
	node->data = targets;
	for (size_t i = 0; i < names->count; i++) {
		targets[i] = variable_target(checker, &names->texts[i], is_to_be_set);
		if (targets[i] == NULL)
			return false;
	}
	return true;
}

static bool check_action(struct checker *checker, struct node *node)
{
	return check_targets(checker, node, true);
}

static struct span get_set(struct run *run, const struct node *node, size_t index)
{
	struct variable_target *const *targets = node->data;
	return targets != NULL ? variable_get(run, targets[index]) : *internal_variable(run);
}

static void put_set(struct run *run, const struct node *node, struct span value)
{
	struct variable_target *const *targets = node->data;
	if (targets != NULL)
		variable_set(run, targets[0], value);
	else
		*internal_variable(run) = value;
}

static void run_setflag(struct run *run, const struct node *node)
{
	struct bytes set = {0};
	add_list(run, &set, node->positionals[1]);
	put_set(run, node, finish(run, &set));
}

static void run_addflag(struct run *run, const struct node *node)
{
	struct bytes set = {0};
	add_words(run, &set, get_set(run, node, 0));
	add_list(run, &set, node->positionals[1]);
	put_set(run, node, finish(run, &set));
}

static void run_removeflag(struct run *run, const struct node *node)
{
	struct bytes removed = {0};
	struct bytes set = {0};
	struct span rest = get_set(run, node, 0);
	struct span word;
	add_list(run, &removed, node->positionals[1]);
	while (span_next_piece(&rest, ' ', &word)) {
		run_spend(run, 1 + removed.len / 64);
		if (removed.len == 0 || !has_word(bytes_span(&removed), word))
			add_words(run, &set, word);
	}
	bytes_clear(&removed);
	put_set(run, node, finish(run, &set));
}

/*	hasflag [MATCH-TYPE] [COMPARATOR] [<variable-list: string-list>] <list-of-flags> */
static bool check_hasflag(struct checker *checker, struct node *node)
{
	return check_targets(checker, node, false);
}

static bool test_hasflag(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	size_t count = node->positionals[0] != NULL ? node->positionals[0]->count : 1;
	/* What is matched otherwise is a pattern or a number, not a list of flags. */
	match.has_word_keys = strcmp(node->matching->type->name, "is") == 0 ||
	                      strcmp(node->matching->type->name, "contains") == 0;
	for (size_t i = 0; i < count; i++) {
		struct bytes distinct = {0};
		struct span flag;
		add_words(run, &distinct, get_set(run, node, i));
		struct span rest = finish(run, &distinct);
		while (rest.len > 0 && span_next_piece(&rest, ' ', &flag)) {
			if (match_value(&match, SPAN("flags"), flag))
				return match_end(&match);
		}
	}
	return match_end(&match);
}

/*	:flags <list-of-flags: string-list>	on keep and fileinto */
static void put_flags(struct run *run, struct action *action, struct span words)
{
	size_t count = words.len > 0 ? 1 : 0;
	for (size_t i = 0; i < words.len; i++)
		count += words.data[i] == ' ' ? 1 : 0;
	run_spend_bytes(run, (count + 1) * sizeof(struct span));
	struct span *flags = arena_new_items(run->arena, count + 1, sizeof(*flags));
	action->flags = flags;
	action->flag_count = count;
	for (size_t i = 0; i < count; i++)
		span_next_piece(&words, ' ', &flags[i]);
}

static void apply_flags(struct run *run, const struct argument *use, struct action *action)
{
	struct bytes set = {0};
	add_list(run, &set, use->value);
	put_flags(run, action, finish(run, &set));
}

/* Where :flags was not said, the internal variable. */
static void store(struct run *run, struct action *action)
{
	if (action->flags == NULL && run->result->flags.data != NULL)
		put_flags(run, action, run->result->flags);
}

#define FLAG_ARGUMENTS                                           \
	{                                                        \
		{.name = "the variable",                         \
		    .type = WANTS_TEXT,                          \
		    .is_optional = true,                         \
		    .is_constant = true},                        \
		{                                                \
			.name = "the flags", .type = WANTS_TEXTS \
		}                                                \
	}

static const struct command commands[] = {
    {.name = "setflag", .positionals = FLAG_ARGUMENTS, .check = check_action, .run = run_setflag},
    {.name = "addflag", .positionals = FLAG_ARGUMENTS, .check = check_action, .run = run_addflag},
    {.name = "removeflag",
        .positionals = FLAG_ARGUMENTS,
        .check = check_action,
        .run = run_removeflag},
    {.name = "hasflag",
        .positionals = {{.name = "the variables",
                            .type = WANTS_TEXTS,
                            .is_optional = true,
                            .is_constant = true},
            {.name = "the flags", .type = WANTS_TEXTS}},
        .is_comparing = true,
        .check = check_hasflag,
        .test = test_hasflag},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "flags",
        .on = "keep fileinto vacation notify",
        .wants = WANTS_TEXTS,
        .apply = apply_flags},
    {.name = NULL},
};

const struct extension ext_imap4flags = {
    .name = "imap4flags",
    .document = "RFC 5232",
    .needs = SIEVE_CAN_FLAG,
    .commands = commands,
    .tags = tags,
    .store = store,
};
