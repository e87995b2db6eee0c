/* ext_spamtest.c - spamtest, spamtestplus and virustest (RFC 5235).
 *
 *	spamtest [":percent"] [COMPARATOR] [MATCH-TYPE] <value: string>		0..10, or 0..100
 *	virustest [COMPARATOR] [MATCH-TYPE] <value: string>			0..5
 *
 * The options say where in the header the result of a check stands (score.h, as Pigeonhole has
 * them). What is not there, or is no such result, is "0": not tested. */
#include "sieve-lite/score.h"

#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/match.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 5      /* on each side of the point: 99999.99999 */
#define UNIT 100000   /* numbers are counted in so many parts of one */
#define ROUNDING 1000 /* a result this near below the next whole one is that */
#define FIELD_BYTES 4096
#define SCORE_STEPS 200 /* of the budget, for one look */

/* -- What options say -- */

/* "Name", "Name: expression". */
struct header_spec {
	struct span name;
	const char *expression; /* null: the whole field */
};

static struct header_spec parse_spec(const char *text)
{
	struct span whole = span_of(text);
	size_t colon = span_find(whole, ':');
	struct header_spec spec = {.name = span_trim(span_first(whole, colon))};
	if (colon < whole.len) {
		spec.expression = text + colon + 1;
		spec.expression += strspn(spec.expression, " \t");
	}
	return spec;
}

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* "-12.5" or "12,5" in UNITs. False: it is no such number. */
static bool parse_number(struct span text, int64_t *number_out)
{
	bool is_negative = span_starts_with(text, "-");
	int64_t number = 0;
	int64_t unit = UNIT;
	unsigned digits = 0;
	bool is_behind_point = false;
	if (is_negative || span_starts_with(text, "+"))
		text = span_from(text, 1);
	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		if ((byte == '.' || byte == ',') && !is_behind_point) {
			is_behind_point = true;
			digits = 0;
			continue;
		}
		if (byte < '0' || byte > '9' || ++digits > DIGITS)
			return false;
		if (is_behind_point)
			unit /= 10;
		else
			number *= 10;
		number += (byte - '0') * unit;
	}
	*number_out = is_negative ? -number : number;
	return true;
}

static const char *spec_fault(const char *text, char *why, size_t why_size)
{
	struct header_spec spec = parse_spec(text);
	regex_t expression;
	if (spec.name.len == 0)
		return "a field has no name";
	if (spec.expression == NULL)
		return NULL;
	int error = regcomp(&expression, spec.expression, REG_EXTENDED);
	if (error != 0)
		regerror(error, &expression, why, why_size);
	else
		regfree(&expression);
	return error != 0 ? why : NULL;
}

const char *sieve_score_fault(
    const struct sieve_score_options *options, char *why, unsigned long why_size)
{
	int64_t max;
	const char *fault = NULL;
	if (!is_set(options->status_header))
		return NULL;
	fault = spec_fault(options->status_header, why, why_size);
	if (fault != NULL || options->status_type == SIEVE_SCORE_TEXT)
		return fault;
	if (is_set(options->max_header) == is_set(options->max_value))
		return "either a field or a number has to say the largest score";
	if (is_set(options->max_header))
		return spec_fault(options->max_header, why, why_size);
	if (!parse_number(span_of(options->max_value), &max) || max <= 0)
		return "the largest score is no number";
	return NULL;
}

/* -- What the message says -- */

/* What `spec` finds in the first field of its name; null data: nothing. */
static struct span find_in_header(struct run *run, const char *text)
{
	static const struct span nothing = {NULL, 0};
	struct header_spec spec = parse_spec(text);
	struct field *field = field_find(run, spec.name);
	regmatch_t groups[2];
	regex_t expression;
	if (field == NULL)
		return nothing;
	struct span value = span_trim(span_first(field_text(run, field), FIELD_BYTES));
	if (spec.expression == NULL)
		return value;
	if (regcomp(&expression, spec.expression, REG_EXTENDED) != 0)
		return nothing;
	run_spend_bytes(run, value.len);
	const char *subject = arena_text(run->arena, value);
	bool is_found = expression.re_nsub > 0 &&
	                regexec(&expression, subject, 2, groups, 0) == 0 && groups[1].rm_so >= 0;
	regfree(&expression);
	return is_found ? (struct span){subject + groups[1].rm_so,
	                      (size_t)(groups[1].rm_eo - groups[1].rm_so)}
	                : nothing;
}

/* The same byte again and again; how often. */
static bool parse_length(struct span text, int64_t *number_out)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] != text.data[0])
			return false;
	}
	*number_out = (int64_t)text.len * UNIT;
	return true;
}

static bool find_max(struct run *run, const struct sieve_score_options *options, int64_t *max_out)
{
	struct span text = is_set(options->max_header) ? find_in_header(run, options->max_header)
	                                               : span_of(options->max_value);
	return parse_number(text, max_out) && *max_out > 0;
}

/* Which of the texts it is, or -1. */
static int find_text(const struct sieve_score_options *options, struct span text)
{
	for (int i = SIEVE_SCORE_TEXTS - 1; i >= 0; i--) {
		if (is_set(options->texts[i]) && span_is(text, options->texts[i]))
			return i;
	}
	return -1;
}

/* From `first`, for 0, to `last`, for the largest score; 0: not tested. `is_tested_out` tells it
 * from a result of 0. */
static unsigned score(struct run *run, const struct sieve_score_options *options, unsigned first,
    unsigned last, bool *is_tested_out)
{
	int64_t number;
	int64_t max;
	*is_tested_out = false;
	run_spend(run, SCORE_STEPS);
	if (!is_set(options->status_header))
		return 0;
	struct span status = find_in_header(run, options->status_header);
	if (status.data == NULL)
		return 0;
	if (options->status_type == SIEVE_SCORE_TEXT) {
		int index = find_text(options, status);
		*is_tested_out = index > 0;
		/* Texts stand for 0 to 10, which are percents by ten. */
		return index > 0 ? (unsigned)index * (last > 10 ? 10 : 1) : 0;
	}
	bool is_number = options->status_type == SIEVE_SCORE_LENGTH ? parse_length(status, &number)
	                                                            : parse_number(status, &number);
	if (!is_number || !find_max(run, options, &max))
		return 0;
	*is_tested_out = true;
	if (number < 0)
		number = 0;
	if (number > max)
		number = max;
	/* As with thirds of 9 parts, 2.9999 are 3. */
	return first + (unsigned)((number * (last - first) * ROUNDING + max) / (max * ROUNDING));
}

static bool compare(struct run *run, const struct node *node,
    const struct sieve_score_options *options, unsigned first, unsigned last)
{
	struct match match = match_begin(run, node);
	bool is_tested;
	unsigned result = score(run, options, first, last, &is_tested);
	run_spend_bytes(run, 16);
	/* What was not tested counts as nothing (3.1). */
	if (is_tested || !node->matching->type->is_counting)
		match_value(
		    &match, span_of(node->command->name), arena_spanf(run->arena, "%u", result));
	return match_end(&match);
}

static bool test_spamtest(struct run *run, const struct node *node)
{
	bool is_percent = node_tag(node, "percent") != NULL;
	return compare(
	    run, node, &run->script->options->spamtest, is_percent ? 0 : 1, is_percent ? 100 : 10);
}

static bool test_virustest(struct run *run, const struct node *node)
{
	return compare(run, node, &run->script->options->virustest, 1, 5);
}

/* -- The features -- */

static const struct command spamtest[] = {
    {.name = "spamtest",
        .positionals = {{.name = "the value", .type = WANTS_TEXT}},
        .is_comparing = true,
        .test = test_spamtest},
    {.name = NULL},
};

static const struct command virustest[] = {
    {.name = "virustest",
        .positionals = {{.name = "the value", .type = WANTS_TEXT}},
        .is_comparing = true,
        .test = test_virustest},
    {.name = NULL},
};

static const struct tag percent[] = {
    {.name = "percent", .on = "spamtest"},
    {.name = NULL},
};

const struct extension ext_spamtest = {
    .name = "spamtest",
    .document = "RFC 5235",
    .commands = spamtest,
};

const struct extension ext_spamtestplus = {
    .name = "spamtestplus",
    .document = "RFC 5235",
    .implies = "spamtest",
    .tags = percent,
};

const struct extension ext_virustest = {
    .name = "virustest",
    .document = "RFC 5235",
    .commands = virustest,
};
