/* ext_duplicate.c - was this message seen before (RFC 7352).
 *
 *	duplicate [":handle" <handle: string>]
 *	          [":header" <header-name: string> / ":uniqueid" <value: string>]
 *	          [":seconds" <timeout: number>] [":last"]
 *
 * The list is the host's, and changes only when the delivery has succeeded; so a test asked twice
 * in one run has one answer. */
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/tree.h"

/* The ID of this message; false: it has none. */
static bool find_id(struct run *run, const struct node *node, struct span *id_out)
{
	const struct argument *unique = node_tag(node, "uniqueid");
	const struct argument *header = node_tag(node, "header");
	if (unique != NULL) {
		*id_out = run_text(run, &unique->value->texts[0]);
		return true;
	}
	struct span name =
	    header != NULL ? run_text(run, &header->value->texts[0]) : SPAN("Message-ID");
	struct field *field = field_find(run, name);
	if (field == NULL)
		return false;
	*id_out = field_text(run, field);
	return true;
}

/* ID and handle as one: the handle's length in front keeps them apart. */
static struct span join(struct run *run, const struct node *node, struct span id)
{
	const struct argument *handle = node_tag(node, "handle");
	struct span name = handle != NULL ? run_text(run, &handle->value->texts[0]) : SPAN("");
	struct bytes joined = {0};
	bytes_appendf(&joined, "%zu:", name.len);
	bytes_append_span(&joined, name);
	bytes_append_span(&joined, id);
	struct span copy = arena_span(run->arena, bytes_span(&joined));
	run_spend_bytes(run, copy.len);
	bytes_clear(&joined);
	return copy;
}

static bool test_duplicate(struct run *run, const struct node *node)
{
	const struct sieve_host *host = run->input->host;
	const struct argument *seconds = node_tag(node, "seconds");
	const struct sieve_options *options = run->script->options;
	uint64_t period =
	    seconds != NULL ? seconds->value->number : options->duplicate_default_seconds;
	struct span id;
	if (!find_id(run, node, &id) || period == 0 || host == NULL || host->is_duplicate == NULL)
		return false;
	if (period > options->duplicate_max_seconds)
		period = options->duplicate_max_seconds;
	bool is_duplicate = run_answer(run,
	    host->is_duplicate(
	        host->context, join(run, node, id), period, node_tag(node, "last") != NULL),
	    "whether this message was seen before");
	run_tell_value(run, SPAN("id"), id, SPAN(""), is_duplicate);
	return is_duplicate;
}

static const struct tag own_tags[] = {
    {.name = "handle", .wants = WANTS_TEXT},
    {.name = "header", .wants = WANTS_TEXT, .group = "id"},
    {.name = "uniqueid", .wants = WANTS_TEXT, .group = "id"},
    {.name = "seconds", .wants = WANTS_NUMBER},
    {.name = "last"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = "duplicate", .tags = own_tags, .test = test_duplicate},
    {.name = NULL},
};

const struct extension ext_duplicate = {
    .name = "duplicate",
    .document = "RFC 7352",
    .needs = SIEVE_CAN_REMEMBER,
    .commands = commands,
};
