/* ext_redirect_dsn.c - what redirect asks of the next server (RFC 6009 section 5 and 7).
 *
 *	redirect [":notify" <value: string>] [":ret" "FULL" / "HDRS"] ...
 *	redirect [":bytimerelative" <rlimit: number> / ":bytimeabsolute" <alimit: string>
 *	         [":bymode" "notify" / "return"] [":bytrace"]] ... */
#include "sieve-lite/checker.h"
#include "sieve-lite/date_text.h"
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

static struct action_dsn *dsn_of(struct run *run, struct action *action)
{
	if (action->dsn == NULL)
		action->dsn = ARENA_NEW(run->arena, struct action_dsn);
	return action->dsn;
}

/* The values of tags that take one of a few: each reads one. */
typedef bool read_function(struct span text, struct action_dsn *dsn);

/* "NEVER" / "SUCCESS" / "FAILURE" / "DELAY" with commas between the last three */
static bool read_notify(struct span text, struct action_dsn *dsn)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = {{"NEVER", ENVELOPE_NOTIFY_NEVER}, {"SUCCESS", ENVELOPE_NOTIFY_SUCCESS},
	    {"FAILURE", ENVELOPE_NOTIFY_FAILURE}, {"DELAY", ENVELOPE_NOTIFY_DELAY}};
	struct span word;
	dsn->notify = ENVELOPE_NOTIFY_UNSAID;
	while (span_next_piece(&text, ',', &word)) {
		size_t i = 0;
		while (i < 4 && !span_is_nocase(word, words[i].name))
			i++;
		if (i == 4)
			return false;
		dsn->notify |= words[i].bit;
	}
	return (dsn->notify & ENVELOPE_NOTIFY_NEVER) == 0 || dsn->notify == ENVELOPE_NOTIFY_NEVER;
}

static bool read_ret(struct span text, struct action_dsn *dsn)
{
	dsn->ret = span_is_nocase(text, "FULL") ? ENVELOPE_RET_FULL : ENVELOPE_RET_HDRS;
	return span_is_nocase(text, "FULL") || span_is_nocase(text, "HDRS");
}

static bool read_mode(struct span text, struct action_dsn *dsn)
{
	dsn->by.is_notify = span_is_nocase(text, "notify");
	return dsn->by.is_notify || span_is_nocase(text, "return");
}

static bool read_time(struct span text, struct action_dsn *dsn)
{
	dsn->by.is_said = true;
	return date_text_parse_iso8601(text, &dsn->by.deadline);
}

static const struct {
	const char *tag;
	read_function *read;
	const char *expected;
} values[] = {
    {"notify", read_notify, "\"never\" or a list of \"success\", \"failure\" and \"delay\""},
    {"ret", read_ret, "\"full\" or \"hdrs\""},
    {"bymode", read_mode, "\"notify\" or \"return\""},
    {"bytimeabsolute", read_time, "a time like \"2026-11-21T20:00:00+01:00\""},
};

static size_t find_value(const struct argument *use)
{
	size_t i = 0;
	while (!span_is(span_of(use->meaning->name), values[i].tag))
		i++;
	return i;
}

static bool check_value(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *text = &use->value->texts[0];
	struct action_dsn ignored = {0};
	size_t i = find_value(use);
	(void)node;
	if (!text_is_constant(text) || values[i].read(text->literal, &ignored))
		return true;
	problem_error(
	    checker->problems, text->at, "':%s' must be %s", values[i].tag, values[i].expected);
	return false;
}

static void apply_value(struct run *run, const struct argument *use, struct action *action)
{
	size_t i = find_value(use);
	if (!values[i].read(run_text(run, &use->value->texts[0]), dsn_of(run, action)))
		run_fail(run, "':%s' must be %s", values[i].tag, values[i].expected);
}

/* -- redirect-deliverby ------------------------------------------------------------------------ */

/* RFC 2852 section 4: nine digits. */
#define BY_SECONDS_MAX 999999999

static bool check_limit(struct checker *checker, struct node *node, struct argument *use)
{
	(void)node;
	if (use->value->number <= BY_SECONDS_MAX)
		return true;
	problem_error(checker->problems, use->value->at, "no more than %d seconds", BY_SECONDS_MAX);
	return false;
}

static bool check_beside_time(struct checker *checker, struct node *node, struct argument *use)
{
	bool has_time =
	    node_tag(node, "bytimerelative") != NULL || node_tag(node, "bytimeabsolute") != NULL;
	if (!has_time)
		problem_error(checker->problems, use->at,
		    "':%s' needs ':bytimerelative' or ':bytimeabsolute'", use->meaning->name);
	return has_time;
}

static bool check_mode(struct checker *checker, struct node *node, struct argument *use)
{
	return check_beside_time(checker, node, use) && check_value(checker, node, use);
}

static void apply_relative(struct run *run, const struct argument *use, struct action *action)
{
	struct action_dsn *dsn = dsn_of(run, action);
	dsn->by.is_said = true;
	dsn->by.deadline = run->input->now.tv_sec + (time_t)use->value->number;
}

static void apply_trace(struct run *run, const struct argument *use, struct action *action)
{
	(void)use;
	dsn_of(run, action)->by.is_traced = true;
}

static const struct tag dsn_tags[] = {
    {.name = "notify",
        .on = "redirect",
        .wants = WANTS_TEXT,
        .check = check_value,
        .apply = apply_value},
    {.name = "ret",
        .on = "redirect",
        .wants = WANTS_TEXT,
        .check = check_value,
        .apply = apply_value},
    {.name = NULL},
};

static const struct tag deliverby_tags[] = {
    {.name = "bytimerelative",
        .on = "redirect",
        .wants = WANTS_NUMBER,
        .group = "bytime",
        .check = check_limit,
        .apply = apply_relative},
    {.name = "bytimeabsolute",
        .on = "redirect",
        .wants = WANTS_TEXT,
        .group = "bytime",
        .check = check_value,
        .apply = apply_value},
    {.name = "bymode",
        .on = "redirect",
        .wants = WANTS_TEXT,
        .check = check_mode,
        .apply = apply_value},
    {.name = "bytrace", .on = "redirect", .check = check_beside_time, .apply = apply_trace},
    {.name = NULL},
};

const struct extension ext_redirect_dsn = {
    .name = "redirect-dsn",
    .document = "RFC 6009",
    .needs = SIEVE_CAN_SEND,
    .tags = dsn_tags,
};

const struct extension ext_redirect_deliverby = {
    .name = "redirect-deliverby",
    .document = "RFC 6009",
    .needs = SIEVE_CAN_SEND,
    .tags = deliverby_tags,
};
