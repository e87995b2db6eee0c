/* ext_replace.c - other text instead of a part, or around the message (RFC 5703 sections 5, 6).
 *
 *	replace [":mime"] [":subject" <string>] [":from" <string>] <replacement: string>
 *	enclose [":subject" <string>] [":headers" <string-list>] <text: string>
 *
 * Both make a new version of the message, in which what stays is not copied. A message with other
 * text keeps its header fields, but for those that said how its body was made. One that encloses is
 * the user's own, of this moment; of the old header it has the subject and what ":headers" names.
 */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/parts.h"

#include "base/random.h"
#include "mail/compose.h"
#include "mail/header.h"
#include "sieve-lite/letter.h"

/* -- Header fields ------------------------------------------------------------------------------
 */

static bool is_of_mime(struct span name)
{
	return span_starts_with_nocase(name, "Content-") || span_is_nocase(name, "MIME-Version");
}

/* A field as it stands; the last line of a header may lack its end. */
static void append_whole(struct bytes *to, struct span whole)
{
	bytes_append_span(to, whole);
	if (whole.len > 0 && whole.data[whole.len - 1] != '\n')
		bytes_append_byte(to, '\n');
}

/* A field with a new value, which may name people. */
static void append_field(struct run *run, struct bytes *to, const char *name, struct span value)
{
	struct compose_mailbox *mailboxes;
	size_t count;
	if (span_find_last(value, '>') + 1 == value.len &&
	    letter_mailboxes(run->arena, value, &mailboxes, &count))
		compose_mailboxes(to, name, mailboxes, count);
	else
		compose_text(to, name, value);
}

/* -- replace ------------------------------------------------------------------------------------
 */

static bool check_from(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *text = &use->value->texts[0];
	struct compose_mailbox *mailboxes;
	size_t count;
	(void)node;
	if (!text_is_constant(text) ||
	    letter_mailboxes(checker->arena, text->literal, &mailboxes, &count))
		return true;
	problem_error(checker->problems, text->at, "'%s' is no address",
	    problem_quote(checker->problems, text->literal));
	return false;
}

/* The fields of the part that stay, or of the message, where some may be given anew. */
static void keep_fields(struct run *run, const struct node *node, const struct field *field,
    bool is_message, struct bytes *to)
{
	bool is_given = is_message && node_tag(node, "mime") == NULL;
	const struct argument *subject = is_given ? node_tag(node, "subject") : NULL;
	const struct argument *from = is_given ? node_tag(node, "from") : NULL;
	for (; field != NULL; field = field->next) {
		if (is_of_mime(field->name))
			continue;
		if ((subject != NULL && span_is_nocase(field->name, "Subject")) ||
		    (from != NULL && span_is_nocase(field->name, "From")))
			bytes_append_text(to, "Original-");
		append_whole(to, field->whole);
	}
	if (from != NULL) {
		struct compose_mailbox *mailboxes;
		size_t count;
		struct span text = run_text(run, &from->value->texts[0]);
		if (letter_mailboxes(run->arena, text, &mailboxes, &count))
			compose_mailboxes(to, "From", mailboxes, count);
		else
			run_fail(run, "':from' is no address");
	}
	if (subject != NULL)
		compose_text(to, "Subject", run_text(run, &subject->value->texts[0]));
}

/* The replacement with the fields that say what it is, and the empty line. */
static void append_replacement(struct run *run, const struct node *node, struct bytes *to)
{
	struct span text = run_text(run, &node->positionals[0]->texts[0]);
	if (node_tag(node, "mime") == NULL) {
		compose_body(to, text);
		return;
	}
	struct message entity = message_of_text(run->arena, text);
	struct header_field field;
	struct span rest = entity.head;
	while (header_next(&rest, &field)) {
		if (span_starts_with_nocase(field.name, "Content-"))
			append_whole(to, field.whole);
	}
	bytes_append_byte(to, '\n');
	if (entity.body != NULL)
		bytes_append_span(to, entity.body->text);
}

/* True when the byte at `offset` is no LF, and there is one. */
static bool is_other_byte(struct run *run, uint64_t offset)
{
	struct status status;
	char byte;
	size_t got;
	parts_note_failure(run, message_read(run->message, offset, &byte, 1, &got, &status));
	return run->unwind == UNWIND_NONE && got == 1 && byte != '\n';
}

/* The message without a stretch of its body, and `text` there. */
static void replace_range(struct run *run, uint64_t from, uint64_t end, const struct bytes *text)
{
	struct status status;
	struct message_draft draft = {.arena = run->arena, .spool = run->message->spool};
	struct span head = run->message->head;
	run_spend_bytes(run, text->len);
	bool is_done = message_draft_range(&draft, run->message, head.len, from, &status);
	message_draft_text(&draft, arena_span(run->arena, bytes_span(text)));
	is_done = is_done &&
	          message_draft_range(&draft, run->message, end, run->message->size_bytes, &status);
	if (!parts_note_failure(run, is_done))
		return;
	struct message version = message_draft_finish(&draft, head);
	fields_set_message(run, &version);
}

/* What stands around a part must be what stood around it before: a line of the replacement may look
 * like a boundary. */
static void check_surroundings(struct run *run, const struct mime_tree *old, size_t index)
{
	const struct mime_tree *tree = parts_tree(run);
	if (tree == NULL)
		return;
	bool is_same = index < tree->count && tree->parts[index].depth == old->parts[index].depth &&
	               tree->count - tree->parts[index].end == old->count - old->parts[index].end;
	if (!is_same)
		run_fail(run, "the replacement holds a boundary of the message");
}

static void replace_part(struct run *run, const struct node *node, size_t index)
{
	const struct mime_tree *tree = parts_tree(run);
	const struct mime_part *part = &tree->parts[index];
	struct bytes text = {0};
	/* The boundary before it may be the last line of the message, without its end; and the next
	 * one may follow at once. */
	if (is_other_byte(run, part->header_start - 1))
		bytes_append_byte(&text, '\n');
	keep_fields(run, node, parts_fields(run, index), false, &text);
	if (part->is_in_message)
		bytes_append_text(&text, "MIME-Version: 1.0\n");
	append_replacement(run, node, &text);
	if (is_other_byte(run, part->body_end) && text.data[text.len - 1] != '\n')
		bytes_append_byte(&text, '\n');
	if (run->unwind == UNWIND_NONE)
		replace_range(run, part->header_start, part->body_end, &text);
	bytes_clear(&text);
	if (run->unwind == UNWIND_NONE)
		check_surroundings(run, tree, index);
	run->part_loop->is_replaced = true;
}

static void replace_message(struct run *run, const struct node *node)
{
	struct bytes text = {0};
	keep_fields(run, node, fields_first(run), true, &text);
	bytes_append_text(&text, "MIME-Version: 1.0\n");
	append_replacement(run, node, &text);
	if (run->unwind == UNWIND_NONE)
		parts_set_text(run, bytes_span(&text));
	bytes_clear(&text);
}

/* Beside ":mime" the others must be ignored (RFC 5703 section 5). */
static bool check_replace(struct checker *checker, struct node *node)
{
	static const char *const names[] = {"subject", "from"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct argument *use = node_tag(node, names[i]);
		if (use != NULL && node_tag(node, "mime") != NULL)
			problem_warning(checker->problems, use->at,
			    "':%s' is ignored beside ':mime'", names[i]);
	}
	return true;
}

static void run_replace(struct run *run, const struct node *node)
{
	const struct mime_tree *tree = parts_tree(run);
	size_t index = parts_current(run);
	if (tree == NULL)
		return;
	if (index > 0 && index < tree->count)
		replace_part(run, node, index);
	else
		replace_message(run, node);
}

/* -- enclose ------------------------------------------------------------------------------------
 */

/* "Name", to be copied, or "Name: value", where `value_out` has data; false: it is neither. */
static bool split_header(struct span text, struct span *name_out, struct span *value_out)
{
	size_t colon = span_find(text, ':');
	*name_out = span_trim(span_first(text, colon));
	*value_out = (struct span){NULL, 0};
	if (colon < text.len)
		*value_out = span_trim(span_from(text, colon + 1));
	return header_name_is_valid(*name_out) && !is_of_mime(*name_out);
}

static bool check_headers(struct checker *checker, struct node *node, struct argument *use)
{
	(void)node;
	for (size_t i = 0; i < use->value->count; i++) {
		const struct text *text = &use->value->texts[i];
		struct span name;
		struct span value;
		if (!text_is_constant(text) || split_header(text->literal, &name, &value))
			continue;
		problem_error(checker->problems, text->at, "'%s' is no header that can be given",
		    problem_quote(checker->problems, text->literal));
		return false;
	}
	return true;
}

static void copy_fields(struct run *run, struct bytes *to, struct span name)
{
	for (const struct field *field = fields_first(run); field != NULL; field = field->next) {
		if (span_equals_nocase(field->name, name))
			append_whole(to, field->whole);
	}
}

/* What of this every message has. */
struct given {
	bool date;
	bool from;
	bool subject;
	bool id;
};

/* The fields of ":headers". */
static struct given append_headers(struct run *run, const struct node *node, struct bytes *to)
{
	const struct argument *headers = node_tag(node, "headers");
	struct given given = {.subject = node_tag(node, "subject") != NULL};
	for (size_t i = 0; headers != NULL && i < headers->value->count; i++) {
		struct span name;
		struct span value;
		if (!split_header(run_text(run, &headers->value->texts[i]), &name, &value)) {
			run_fail(run, "this is no header that can be given");
			return given;
		}
		bool is_subject = span_is_nocase(name, "Subject");
		if (!is_subject || !given.subject) {
			if (value.data != NULL)
				append_field(run, to, arena_text(run->arena, name), value);
			else
				copy_fields(run, to, name);
		}
		given.date |= span_is_nocase(name, "Date");
		given.from |= span_is_nocase(name, "From");
		given.id |= span_is_nocase(name, "Message-ID");
		given.subject |= is_subject;
	}
	return given;
}

static void append_head(
    struct run *run, const struct node *node, const char *boundary, struct bytes *to)
{
	const struct argument *subject = node_tag(node, "subject");
	const struct compose_mailbox owner = {.address = letter_owner(run)};
	bytes_append_span(to, span_first(run->message->head, run->input->top_bytes));
	struct given given = append_headers(run, node, to);
	if (!given.id)
		compose_words(to, "Message-ID", letter_id(run, "enclose", SPAN("")));
	if (!given.date)
		compose_date(to, run->input->now.tv_sec);
	if (!given.from)
		compose_mailboxes(to, "From", &owner, 1);
	if (subject != NULL)
		compose_text(to, "Subject", run_text(run, &subject->value->texts[0]));
	else if (!given.subject)
		copy_fields(run, to, SPAN("Subject"));
	bytes_appendf(to,
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"%s\"\n"
	    "Content-Transfer-Encoding: 8bit\n\n",
	    boundary);
}

static void run_enclose(struct run *run, const struct node *node)
{
	struct status status;
	struct message_draft draft = {.arena = run->arena, .spool = run->message->spool};
	struct bytes head = {0};
	struct bytes text = {0};
	/* Whoever wrote the message must not have known it. */
	const char *boundary = arena_textf(run->arena, "=_%016llx%016llx",
	    (unsigned long long)random_u64(), (unsigned long long)random_u64());
	append_head(run, node, boundary, &head);
	bytes_appendf(&text, "--%s\n", boundary);
	compose_body(&text, run_text(run, &node->positionals[0]->texts[0]));
	bytes_appendf(&text,
	    "\n--%s\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n", boundary);
	run_spend_bytes(run, head.len + text.len);
	message_draft_text(&draft, arena_span(run->arena, bytes_span(&text)));
	bool is_done =
	    message_draft_range(&draft, run->message, 0, run->message->size_bytes, &status);
	message_draft_text(&draft, arena_spanf(run->arena, "\n--%s--\n", boundary));
	struct message version =
	    message_draft_finish(&draft, arena_span(run->arena, bytes_span(&head)));
	if (run->unenclosed == NULL)
		run->unenclosed = run->message;
	if (parts_note_failure(run, is_done) && run->unwind == UNWIND_NONE)
		parts_set_message(run, &version);
	bytes_clear(&head);
	bytes_clear(&text);
}

static const struct tag replace_tags[] = {
    {.name = "mime"},
    {.name = "subject", .wants = WANTS_TEXT},
    {.name = "from", .wants = WANTS_TEXT, .check = check_from},
    {.name = NULL},
};

static const struct command replace_commands[] = {
    {.name = "replace",
        .positionals = {{.name = "the replacement", .type = WANTS_TEXT}},
        .tags = replace_tags,
        .check = check_replace,
        .run = run_replace},
    {.name = NULL},
};

const struct extension ext_replace = {
    .name = "replace",
    .document = "RFC 5703",
    .needs = SIEVE_CAN_EDIT,
    .commands = replace_commands,
};

static const struct tag enclose_tags[] = {
    {.name = "subject", .wants = WANTS_TEXT},
    {.name = "headers", .wants = WANTS_TEXTS, .check = check_headers},
    {.name = NULL},
};

static const struct command enclose_commands[] = {
    {.name = "enclose",
        .positionals = {{.name = "the text", .type = WANTS_TEXT}},
        .tags = enclose_tags,
        .run = run_enclose},
    {.name = NULL},
};

const struct extension ext_enclose = {
    .name = "enclose",
    .document = "RFC 5703",
    .needs = SIEVE_CAN_EDIT,
    .commands = enclose_commands,
};
