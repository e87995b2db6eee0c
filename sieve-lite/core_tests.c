/* core_tests.c - the tests of RFC 5228 section 5 but envelope. */
#include "sieve-lite/address_list.h"
#include "sieve-lite/address_parts.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/match.h"

/*	true, false, not <test>, allof (<tests>), anyof (<tests>) */
static void conclude_not(struct node *node)
{
	if (node->tests->outcome == OUTCOME_VARIES)
		return;
	node->outcome = node->tests->outcome == OUTCOME_TRUE ? OUTCOME_FALSE : OUTCOME_TRUE;
}

/* A list has the outcome that decides it where one of its tests has, the other where all have. */
static void conclude_list(struct node *node)
{
	enum node_outcome decisive = node->command->decisive;
	node->outcome = decisive == OUTCOME_TRUE ? OUTCOME_FALSE : OUTCOME_TRUE;
	for (const struct node *test = node->tests; test != NULL; test = test->next) {
		if (test->outcome == decisive) {
			node->outcome = decisive;
			return;
		}
		if (test->outcome == OUTCOME_VARIES)
			node->outcome = OUTCOME_VARIES;
	}
}

static bool check_true(struct checker *checker, struct node *node)
{
	if (checker->options->is_suite)
		node->outcome = OUTCOME_TRUE;
	return true;
}

static bool check_false(struct checker *checker, struct node *node)
{
	if (checker->options->is_suite)
		node->outcome = OUTCOME_FALSE;
	return true;
}

static bool test_true(struct run *run, const struct node *node)
{
	(void)run;
	(void)node;
	return true;
}

static bool test_false(struct run *run, const struct node *node)
{
	(void)run;
	(void)node;
	return false;
}

static bool test_not(struct run *run, const struct node *node)
{
	return !run_test(run, node->tests);
}

static bool test_list(struct run *run, const struct node *node)
{
	bool decisive = node->command->decisive == OUTCOME_TRUE;
	for (const struct node *test = node->tests; test != NULL; test = test->next) {
		bool result = run_test(run, test);
		if (run->unwind != UNWIND_NONE || result == decisive)
			return decisive;
	}
	return !decisive;
}

/*	exists <header-names: string-list> */
static bool check_header_names(struct checker *checker, struct node *node)
{
	checker_header_names(checker, node->positionals[0]);
	return true;
}

static bool test_exists(struct run *run, const struct node *node)
{
	const struct argument *names = node->positionals[0];
	for (size_t i = 0; i < names->count; i++) {
		struct span name = run_text(run, &names->texts[i]);
		bool exists = field_exists(run, node, name);
		run_tell_value(run, name, SPAN(""), SPAN(""), exists);
		if (!exists)
			return false;
	}
	return true;
}

/* The result; who asks why a test was false is told which headers are absent. */
static bool end_match(struct match *match, const struct argument *names)
{
	struct run *run = match->run;
	for (size_t i = 0; run->input->trace != NULL && match->count == 0 && i < names->count;
	     i++) {
		struct span name = run_text(run, &names->texts[i]);
		if (!field_exists(run, run->node, name))
			run_tell_value(run, name, (struct span){NULL, 0}, SPAN(""), false);
	}
	return match_end(match);
}

/*	header [COMPARATOR] [MATCH-TYPE] <header-names: string-list> <key-list: string-list> */
static bool test_header(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct field_walk walk = field_walk(run, node, node->positionals[0]);
	bool has_aspect = node->pick != NULL && node->pick->match != NULL;
	for (struct field *field; (field = field_walk_next(&walk)) != NULL;) {
		bool is_decided = has_aspect
		                      ? node->pick->match(&match, node, walk.name, field)
		                      : match_value(&match, walk.name, field_text(run, field));
		if (is_decided)
			break;
	}
	return end_match(&match, node->positionals[0]);
}

/*	address [COMPARATOR] [ADDRESS-PART] [MATCH-TYPE] <header-list> <key-list>
 *
 * Only headers that hold addresses may be asked for (5.1). */
static bool holds_addresses(struct span name, bool is_suite)
{
	static const char *const names[] = {"from", "to", "cc", "bcc", "sender", "reply-to",
	    "resent-from", "resent-to", "resent-cc", "resent-bcc", "resent-sender",
	    "resent-reply-to", "delivered-to", "x-original-to", "x-original-from", "apparently-to",
	    "errors-to", "return-receipt-to", "disposition-notification-to", "mail-followup-to",
	    "mail-reply-to", "for-approval", "for-handling", "for-comment", "read-receipt-to",
	    "x-confirm-reading-to", "return-receipt-requested",
	    "registered-mail-reply-requested-by", "abuse-reports-to", "x-complaints-to",
	    "x-report-abuse-to", "x-admin", "x-beenthere"};
	/* What delivery writes into the header about the envelope: test "envelope" is meant. */
	static const char *const envelope[] = {
	    "return-path", "envelope-to", "x-envelope-to", "x-envelope-from"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_is_nocase(name, names[i]))
			return true;
	}
	for (size_t i = 0; !is_suite && i < sizeof(envelope) / sizeof(envelope[0]); i++) {
		if (span_is_nocase(name, envelope[i]))
			return true;
	}
	return false;
}

static bool check_address(struct checker *checker, struct node *node)
{
	const struct argument *names = node->positionals[0];
	for (size_t i = 0; i < names->count; i++) {
		if (!text_is_constant(&names->texts[i]) ||
		    holds_addresses(names->texts[i].literal, checker->options->is_suite))
			continue;
		problem_error(checker->problems, names->texts[i].at,
		    "header '%s' is not allowed here: it holds no addresses; use the test 'header'",
		    problem_quote(checker->problems, names->texts[i].literal));
		return false;
	}
	return true;
}

static bool match_address(struct match *match, const struct node *node, struct span source,
    const struct listed_address *listed)
{
	struct span part;
	if (node->matching->type->is_counting && !listed->is_valid)
		return false;
	return address_part_take(match->run, node, &listed->address, listed->is_valid, &part) &&
	       match_value(match, source, part);
}

static bool test_address(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct field_walk walk = field_walk(run, node, node->positionals[0]);
	for (struct field *field; (field = field_walk_next(&walk)) != NULL;) {
		const struct listed_address *listed = field_addresses(run, field);
		for (; listed != NULL; listed = listed->next) {
			if (match_address(&match, node, walk.name, listed))
				return match_end(&match);
		}
	}
	return end_match(&match, node->positionals[0]);
}

/*	size <":over" / ":under"> <limit: number>	with line ends CR LF (5.9) */
static const struct tag size_tags[] = {
    {.name = "over", .group = "size"},
    {.name = "under", .group = "size"},
    {.name = NULL},
};

static bool check_size(struct checker *checker, struct node *node)
{
	if (node_tag(node, "over") != NULL || node_tag(node, "under") != NULL)
		return true;
	problem_error(checker->problems, node->at, "'size' lacks ':over' or ':under'");
	return false;
}

static bool test_size(struct run *run, const struct node *node)
{
	uint64_t size = message_crlf_bytes(run->message);
	uint64_t limit = node->positionals[0]->number;
	bool result = node_tag(node, "over") != NULL ? size > limit : size < limit;
	if (run->input->trace != NULL)
		run_tell_value(run, SPAN("size"), arena_spanf(run->arena, "%ju", (uintmax_t)size),
		    arena_spanf(run->arena, "%ju", (uintmax_t)limit), result);
	return result;
}

#define HEADERS                                                 \
	{                                                       \
		.name = "the header names", .type = WANTS_TEXTS \
	}
#define KEYS                                            \
	{                                               \
		.name = "the keys", .type = WANTS_TEXTS \
	}

static const struct command commands[] = {
    {.name = "true", .check = check_true, .test = test_true},
    {.name = "false", .check = check_false, .test = test_false},
    {.name = "not", .tests = TAKES_TEST, .conclude = conclude_not, .test = test_not},
    {.name = "allof",
        .tests = TAKES_TEST_LIST,
        .decisive = OUTCOME_FALSE,
        .conclude = conclude_list,
        .test = test_list},
    {.name = "anyof",
        .tests = TAKES_TEST_LIST,
        .decisive = OUTCOME_TRUE,
        .conclude = conclude_list,
        .test = test_list},
    {.name = "exists", .positionals = {HEADERS}, .check = check_header_names, .test = test_exists},
    {.name = "header",
        .positionals = {HEADERS, KEYS},
        .is_comparing = true,
        .check = check_header_names,
        .test = test_header},
    {.name = "address",
        .positionals = {HEADERS, KEYS},
        .is_comparing = true,
        .has_address_part = true,
        .check = check_address,
        .test = test_address},
    {.name = "size",
        .positionals = {{.name = "the limit", .type = WANTS_NUMBER}},
        .tags = size_tags,
        .check = check_size,
        .test = test_size},
    {.name = NULL},
};

const struct extension core_tests = {.document = "RFC 5228", .commands = commands};
