/* ext_date.c - the tests date and currentdate (RFC 5260).
 *
 *	date [":zone" <time-zone: string> / ":originalzone"] [COMPARATOR] [MATCH-TYPE]
 *	     <header-name: string> <date-part: string> <key-list: string-list>
 *	currentdate [":zone" <time-zone: string>] [COMPARATOR] [MATCH-TYPE]
 *	     <date-part: string> <key-list: string-list> */
#include "sieve-lite/checker.h"
#include "sieve-lite/date_text.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/match.h"

/* What writing a part takes, more or less. */
#define WRITTEN_BYTES 512

/* No error: with a part that nobody knows the test is false (4). */
static bool check_part(struct checker *checker, const struct text *name)
{
	if (text_is_constant(name) && !date_text_has_part(name->literal))
		problem_warning(checker->problems, name->at,
		    "unknown part '%s' of a date; this never matches",
		    problem_quote(checker->problems, name->literal));
	return true;
}

static bool check_date(struct checker *checker, struct node *node)
{
	checker_header_names(checker, node->positionals[0]);
	return check_part(checker, &node->positionals[1]->texts[0]);
}

static bool check_currentdate(struct checker *checker, struct node *node)
{
	return check_part(checker, &node->positionals[0]->texts[0]);
}

static bool check_zone(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *zone = &use->value->texts[0];
	int minutes;
	(void)node;
	if (text_is_constant(zone) && !date_text_parse_zone(zone->literal, &minutes))
		problem_warning(checker->problems, zone->at,
		    "'%s' is no time zone: expected \"+hhmm\"; the local one is taken",
		    problem_quote(checker->problems, zone->literal));
	return true;
}

/* Shifts it to the zone that the test is about. */
static void set_zone(struct run *run, const struct node *node, struct date_text *date)
{
	const struct argument *zone = node_tag(node, "zone");
	if (node_tag(node, "originalzone") != NULL)
		return;
	if (zone == NULL ||
	    !date_text_parse_zone(run_text(run, &zone->value->texts[0]), &date->zone_minutes))
		date->zone_minutes = date_text_local_zone(date);
}

/* The result of the test; false with a part that nobody knows, whatever is asked (4). */
static bool match_date(struct match *match, const struct node *node, struct date_text *date,
    const struct argument *part)
{
	struct span name = run_text(match->run, &part->texts[0]);
	struct span value;
	set_zone(match->run, node, date);
	run_spend_bytes(match->run, WRITTEN_BYTES);
	if (!date_text_part(match->run->arena, date, name, &value))
		return false;
	match_value(match, name, value);
	return match_end(match);
}

static bool test_date(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct field_walk walk = field_walk(run, node, node->positionals[0]);
	struct field *field = field_walk_next(&walk);
	struct date_text date;
	if (field != NULL && date_text_parse(field_text(run, field), &date))
		return match_date(&match, node, &date, node->positionals[1]);
	return node->matching->type->is_counting && match_end(&match);
}

static bool test_currentdate(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct date_text date = date_text_local(run->input->now.tv_sec);
	return match_date(&match, node, &date, node->positionals[0]);
}

#define ZONE                                                                              \
	{                                                                                 \
		.name = "zone", .wants = WANTS_TEXT, .group = "zone", .check = check_zone \
	}

static const struct tag date_tags[] = {
    ZONE,
    {.name = "originalzone", .group = "zone"},
    {.name = NULL},
};

static const struct tag currentdate_tags[] = {ZONE, {.name = NULL}};

#define PART                                                       \
	{                                                          \
		.name = "the part of the date", .type = WANTS_TEXT \
	}
#define KEYS                                            \
	{                                               \
		.name = "the keys", .type = WANTS_TEXTS \
	}

static const struct command commands[] = {
    {.name = "date",
        .positionals = {{.name = "the header name", .type = WANTS_TEXT}, PART, KEYS},
        .tags = date_tags,
        .is_comparing = true,
        .check = check_date,
        .test = test_date},
    {.name = "currentdate",
        .positionals = {PART, KEYS},
        .tags = currentdate_tags,
        .is_comparing = true,
        .check = check_currentdate,
        .test = test_currentdate},
    {.name = NULL},
};

const struct extension ext_date = {
    .name = "date",
    .document = "RFC 5260",
    .commands = commands,
};
