/* ext_body.c - what stands in the body (RFC 5173).
 *
 *	body [COMPARATOR] [MATCH-TYPE] [":raw" / ":content" <content-types: string-list> / ":text"]
 *	     <key-list: string-list>
 *
 * ":text" looks at text as a person reads it, part by part. Of each text the first megabyte counts
 * (MIME_TEXT_MAX). Wildcards set no variables (section 6). */
#include "mail/mime_text.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"
#include "sieve-lite/parts.h"

/* One test, while it goes through the parts. */
struct search {
	struct run *run;
	struct match *match;
	const struct mime_tree *tree;
	struct bytes scratch;
};

/* 5.2: "", "type" or "type/subtype" */
static bool is_of_type(const struct mime_part *part, struct span wanted)
{
	size_t slash = span_find(wanted, '/');
	struct span subtype = span_from(wanted, slash + 1);
	if (wanted.len == 0)
		return true;
	return span_equals_nocase(span_first(wanted, slash), part->type) &&
	       (slash == wanted.len || span_equals_nocase(subtype, part->subtype));
}

static bool is_wanted(struct run *run, const struct mime_part *part, const struct argument *types)
{
	for (size_t i = 0; i < types->count; i++) {
		if (is_of_type(part, run_text(run, &types->texts[i])))
			return true;
	}
	return false;
}

static bool match_range(struct search *search, uint64_t from, uint64_t end)
{
	struct status status;
	bytes_reset(&search->scratch);
	bool is_read = mime_text_raw(search->run->message, from, end, &search->scratch, &status);
	parts_note_failure(search->run, is_read);
	return match_value(search->match, SPAN("body"), bytes_span(&search->scratch));
}

static bool match_view(struct search *search, size_t index, enum part_view view)
{
	struct span text = parts_text(search->run, index, view, &search->scratch);
	return match_value(search->match, SPAN("body"), text);
}

/* Of a multipart what stands around its parts, of a message its header. */
static bool match_content(struct search *search, size_t index)
{
	const struct mime_part *part = &search->tree->parts[index];
	switch (part->kind) {
	case MIME_MULTIPART:
		return match_range(search, part->body_start, part->prologue_end) ||
		       (part->epilogue_start < part->body_end &&
		           match_range(search, part->epilogue_start, part->body_end));
	case MIME_MESSAGE: {
		const struct mime_part *inner = part + 1;
		uint64_t end = inner->body_start;
		/* Without the empty line. */
		if (inner->has_body && end > inner->header_start && inner->header.len > 0 &&
		    inner->header.data[inner->header.len - 1] == '\n')
			end--;
		return match_range(search, inner->header_start, end);
	}
	case MIME_LEAF:
		break;
	}
	return match_view(search, index, PART_CONTENT);
}

static void search_parts(struct search *search, const struct node *node)
{
	const struct argument *content = node_tag(node, "content");
	for (size_t i = 0; i < search->tree->count; i++) {
		const struct mime_part *part = &search->tree->parts[i];
		bool is_decided = false;
		if (!part->has_body)
			continue;
		if (content != NULL)
			is_decided = is_wanted(search->run, part, content->value) &&
			             match_content(search, i);
		else if (part->kind == MIME_LEAF && mime_text_is_text(part))
			is_decided = match_view(search, i, PART_VISIBLE);
		if (is_decided)
			return;
	}
}

static bool test_body(struct run *run, const struct node *node)
{
	struct match match = match_begin(run, node);
	struct search search = {.run = run, .match = &match, .tree = parts_tree(run)};
	if (search.tree == NULL)
		return false;
	bool were_kept = run->are_matches_kept;
	run->are_matches_kept = true;
	if (node_tag(node, "raw") == NULL)
		search_parts(&search, node);
	else if (search.tree->parts[0].has_body)
		match_view(&search, 0, PART_RAW);
	run->are_matches_kept = were_kept;
	bytes_clear(&search.scratch);
	return match_end(&match);
}

static const struct tag tags[] = {
    {.name = "raw", .group = "transform"},
    {.name = "content", .group = "transform", .wants = WANTS_TEXTS},
    {.name = "text", .group = "transform"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "body",
        .positionals = {{.name = "the keys", .type = WANTS_TEXTS}},
        .tags = tags,
        .is_comparing = true,
        .test = test_body},
    {.name = NULL},
};

const struct extension ext_body = {.name = "body", .document = "RFC 5173", .commands = commands};
