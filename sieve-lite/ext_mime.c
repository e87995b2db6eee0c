/* ext_mime.c - headers of MIME parts (RFC 5703 section 4).
 *
 *	header  [":mime"] [":anychild"] [MIMEOPTS] ...
 *	address [":mime"] [":anychild"] ...
 *	exists  [":mime"] [":anychild"] ...
 *	MIMEOPTS = ":type" / ":subtype" / ":contenttype" / ":param" <param-list: string-list>
 *
 * The part is the current one of the innermost foreverypart, or the message. Of other fields than
 * Content-Type and Content-Disposition there is no type: it is empty. */
#include "mail/mime_value.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/header_text.h"
#include "sieve-lite/match.h"

#define TESTS "header address exists"

static bool needs_mime(struct checker *checker, const struct node *node, const struct argument *use)
{
	if (node_tag(node, "mime") != NULL)
		return true;
	problem_error(checker->problems, use->at, "':%s' needs ':mime'", use->meaning->name);
	return false;
}

static bool check_mime(struct checker *checker, struct node *node, struct argument *use)
{
	(void)use;
	fields_pick(checker, node)->is_of_part = true;
	return true;
}

static bool check_anychild(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->has_children = true;
	return needs_mime(checker, node, use);
}

/* What the field says; false: nothing that can be understood, or it is another field. */
static bool parse(struct run *run, const struct field *field, struct mime_value *value_out)
{
	run_spend_bytes(run, field->raw.len);
	if (span_is_nocase(field->name, "Content-Type"))
		return mime_value_type(run->arena, field->raw, value_out);
	return span_is_nocase(field->name, "Content-Disposition") &&
	       mime_value_disposition(run->arena, field->raw, value_out);
}

static bool match_type(
    struct match *match, const struct node *node, struct span source, struct field *field)
{
	struct mime_value value;
	(void)node;
	bool is_known = parse(match->run, field, &value);
	return match_value(match, source, is_known ? value.type : SPAN(""));
}

static bool match_subtype(
    struct match *match, const struct node *node, struct span source, struct field *field)
{
	struct mime_value value;
	(void)node;
	bool is_known = parse(match->run, field, &value);
	return match_value(match, source, is_known ? value.subtype : SPAN(""));
}

static bool match_contenttype(
    struct match *match, const struct node *node, struct span source, struct field *field)
{
	struct mime_value value;
	struct span whole = SPAN("");
	(void)node;
	if (parse(match->run, field, &value))
		whole = value.subtype.len == 0
		            ? value.type
		            : arena_spanf(match->run->arena, "%.*s/%.*s", (int)value.type.len,
		                  value.type.data, (int)value.subtype.len, value.subtype.data);
	return match_value(match, source, whole);
}

static bool is_among(struct run *run, const struct argument *names, struct span name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (span_equals_nocase(run_text(run, &names->texts[i]), name))
			return true;
	}
	return false;
}

/* Many programs write encoded words into parameters, against RFC 2047 section 5; a person sees them
 * decoded. */
static bool match_param(
    struct match *match, const struct node *node, struct span source, struct field *field)
{
	struct mime_value value;
	const struct argument *names = node_tag(node, "param")->value;
	if (!parse(match->run, field, &value))
		return false;
	for (const struct mime_parameter *parameter = value.parameters; parameter != NULL;
	     parameter = parameter->next) {
		if (is_among(match->run, names, parameter->name) &&
		    match_value(
		        match, source, header_text_decode(match->run->arena, parameter->value)))
			return true;
	}
	return false;
}

static bool check_type(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->match = match_type;
	return needs_mime(checker, node, use);
}

static bool check_subtype(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->match = match_subtype;
	return needs_mime(checker, node, use);
}

static bool check_contenttype(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->match = match_contenttype;
	return needs_mime(checker, node, use);
}

static bool check_param(struct checker *checker, struct node *node, struct argument *use)
{
	fields_pick(checker, node)->match = match_param;
	return needs_mime(checker, node, use);
}

#define OPTION(word, wanted, checked)                                                      \
	{                                                                                  \
		.name = (word), .on = "header", .wants = (wanted), .group = "mime option", \
		.check = (checked)                                                         \
	}

static const struct tag tags[] = {
    {.name = "mime", .on = TESTS, .check = check_mime},
    {.name = "anychild", .on = TESTS, .check = check_anychild},
    OPTION("type", WANTS_NOTHING, check_type),
    OPTION("subtype", WANTS_NOTHING, check_subtype),
    OPTION("contenttype", WANTS_NOTHING, check_contenttype),
    OPTION("param", WANTS_TEXTS, check_param),
    {.name = NULL},
};

const struct extension ext_mime = {.name = "mime", .document = "RFC 5703", .tags = tags};
