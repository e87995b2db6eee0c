/* ext_vacation.c - answers while the user is away (RFC 5230, RFC 6131).
 *
 *	vacation [":days" number / ":seconds" number] [":subject" string] [":from" string]
 *	         [":addresses" string-list] [":mime"] [":handle" string] <reason: string>
 *
 * An answer is decided and written here; why there is none is told in the action all the same, so
 * that people can read it in the record. Whether this sender was answered before is asked last:
 * asking also remembers. */
#include "base/number.h"
#include "base/utf8.h"
#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/letter.h"
#include "sieve-lite/vacation.h"

#define NAME "vacation"
#define DAY_SECONDS 86400
#define SECONDS_MAX (UINT64_C(1) << 31) /* RFC 6131 section 2 */

static struct span tag_text(struct run *run, const struct node *node, const char *name)
{
	const struct argument *use = node_tag(node, name);
	return use != NULL ? run_text(run, &use->value->texts[0]) : SPAN("");
}

/* -- Checks ------------------------------------------------------------------------------------ */

static bool check_seconds(struct checker *checker, struct node *node, struct argument *use)
{
	(void)node;
	if (use->value->number <= SECONDS_MAX)
		return true;
	problem_error(checker->problems, use->value->at, "':seconds' must be less than 2147483648");
	return false;
}

static bool check_from(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *from = &use->value->texts[0];
	struct compose_mailbox *mailboxes;
	size_t count;
	(void)node;
	if (!text_is_constant(from) ||
	    letter_mailboxes(checker->arena, from->literal, &mailboxes, &count))
		return true;
	problem_error(checker->problems, from->at, "'%s' is no address to send from",
	    problem_quote(checker->problems, from->literal));
	return false;
}

static bool check_addresses(struct checker *checker, struct node *node, struct argument *use)
{
	const struct argument *list = use->value;
	struct compose_mailbox *mailboxes;
	size_t count;
	(void)node;
	for (size_t i = 0; i < list->count; i++) {
		const struct text *text = &list->texts[i];
		if (text_is_constant(text) &&
		    !letter_mailboxes(checker->arena, text->literal, &mailboxes, &count))
			problem_warning(checker->problems, text->at,
			    "'%s' is no address; it is ignored",
			    problem_quote(checker->problems, text->literal));
	}
	return true;
}

/* The fields at the start of a MIME entity (RFC 2045 2.4), its empty line not included. A text that
 * begins with no field has none. */
static struct span entity_fields(struct span entity)
{
	struct span rest = entity;
	struct span line;
	while (rest.len > 0) {
		struct span before = rest;
		span_next_line(&rest, &line);
		bool is_folded = before.len < entity.len && line.len > 0 &&
		                 (line.data[0] == ' ' || line.data[0] == '\t');
		struct span name = span_first(line, span_find(line, ':'));
		bool is_field = name.len < line.len && header_name_is_valid(span_trim(name));
		if (!is_folded && !is_field)
			return span_first(entity, entity.len - before.len);
	}
	return entity;
}

/* 8-bit material in MIME headers (RFC 5230 section 5). */
static bool is_sound_entity(struct span entity)
{
	struct span fields = entity_fields(entity);
	for (size_t i = 0; i < fields.len; i++) {
		if ((unsigned char)fields.data[i] >= 0x80)
			return false;
	}
	return true;
}

static bool check_vacation(struct checker *checker, struct node *node)
{
	const struct text *reason = &node->positionals[0]->texts[0];
	if (!letter_check_copy(checker, node))
		return false;
	if (node_tag(node, "mime") == NULL || !text_is_constant(reason) ||
	    is_sound_entity(reason->literal))
		return true;
	problem_error(checker->problems, reason->at,
	    "with ':mime' the text begins with MIME headers, and these must be ASCII");
	return false;
}

/* -- Has this sender been answered ------------------------------------------------------------- */

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	if (value > max)
		value = max;
	return value < min ? min : value;
}

static uint64_t period(const struct run *run, const struct node *node)
{
	const struct sieve_options *options = run->script->options;
	const struct argument *days = node_tag(node, "days");
	const struct argument *seconds = node_tag(node, "seconds");
	uint64_t max = options->vacation_max_seconds;
	if (seconds != NULL)
		return clamp(seconds->value->number, options->vacation_min_short_seconds, max);
	uint64_t wanted = options->vacation_default_seconds;
	if (days != NULL)
		wanted = number_multiply(days->value->number, DAY_SECONDS);
	return clamp(wanted, options->vacation_min_seconds, max);
}

/* Counted, so that the same text in another argument is another key. */
static void append_key(struct bytes *key, const struct node *node, const char *tag)
{
	const struct argument *use = node_tag(node, tag);
	if (use == NULL) {
		bytes_append_text(key, "-:");
		return;
	}
	struct span text = use->value->texts[0].literal;
	bytes_appendf(key, "%zu:", text.len);
	bytes_append_span(key, text);
}

/* What tells this answer from others (RFC 5230 4.2): the handle, or the arguments as the script
 * has them, before variables are expanded. */
static struct span response_key(struct run *run, const struct node *node)
{
	struct bytes key = {0};
	struct span sender = address_lower(run->arena, run->input->envelope->sender.text);
	bytes_appendf(&key, NAME ":%zu:", sender.len);
	bytes_append_span(&key, sender);
	if (node_tag(node, "handle") != NULL) {
		bytes_append_text(&key, "handle:");
		bytes_append_span(&key, tag_text(run, node, "handle"));
	} else {
		append_key(&key, node, "subject");
		append_key(&key, node, "from");
		bytes_append_text(&key, node_tag(node, "mime") != NULL ? "mime:" : "text:");
		bytes_append_span(&key, node->positionals[0]->texts[0].literal);
	}
	struct span copy = arena_span(run->arena, bytes_span(&key));
	run_spend_bytes(run, copy.len);
	bytes_clear(&key);
	return copy;
}

static bool was_answered(struct run *run, const struct node *node)
{
	const struct sieve_host *host = run->input->host;
	uint64_t seconds = period(run, node);
	if (seconds == 0 || host == NULL || host->is_duplicate == NULL)
		return false;
	return run_answer(run,
	    host->is_duplicate(host->context, response_key(run, node), seconds, false),
	    "whether the sender was answered before");
}

/* -- The answer -------------------------------------------------------------------------------- */

/* A name of several words in quotes, as most people's programs write it. */
static struct compose_mailbox mailbox_of(struct run *run, const struct listed_address *listed)
{
	struct compose_mailbox mailbox = {
	    .name = address_list_name(run->arena, listed), .address = listed->address.text};
	mailbox.is_quoted = span_find(mailbox.name, ' ') < mailbox.name.len;
	return mailbox;
}

/* Whom the header calls by the sender's address, with the name that stands there. */
static struct compose_mailbox find_author(struct run *run)
{
	static const char *const names[] = {"Sender", "Resent-From", "From"};
	const struct address *sender = &run->input->envelope->sender;
	bool is_any = run->script->options->vacation_to_ignores_envelope;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct field *field = field_find(run, span_of(names[i]));
		const struct listed_address *listed =
		    field != NULL ? field_addresses(run, field) : NULL;
		for (; listed != NULL; listed = listed->next) {
			if (listed->is_valid &&
			    (is_any || address_equals(&listed->address, sender)))
				return mailbox_of(run, listed);
		}
	}
	return (struct compose_mailbox){.address = sender->text};
}

static struct span find_subject(struct run *run, const struct node *node)
{
	const struct sieve_options *options = run->script->options;
	struct span subject = tag_text(run, node, "subject");
	struct span old = letter_old_subject(run);
	if (subject.len == 0 && old.len == 0)
		subject = span_of(options->vacation_default_subject);
	else if (subject.len == 0)
		subject = letter_expand(run, options->vacation_subject_template, old);
	return letter_limit_subject(subject);
}

static void append_from(
    struct run *run, const struct node *node, struct bytes *to, const struct address *own)
{
	struct span from = tag_text(run, node, "from");
	struct compose_mailbox only = {.address = own->text};
	struct compose_mailbox *mailboxes = &only;
	size_t count = 1;
	if (from.len > 0 && !letter_mailboxes(run->arena, from, &mailboxes, &count))
		run_fail(run, "this is no address to send from");
	else
		compose_mailboxes(to, "From", mailboxes, count);
}

/* The script's own entity. Of its header only what describes its body is taken. */
static void append_entity(struct run *run, struct bytes *to, struct span entity)
{
	struct bytes lines = {0};
	for (size_t i = 0; i < entity.len; i++) {
		if (entity.data[i] == '\r' && i + 1 < entity.len && entity.data[i + 1] == '\n')
			continue;
		if (entity.data[i] != '\0')
			bytes_append_byte(&lines, entity.data[i] == '\r' ? '\n' : entity.data[i]);
	}
	struct span text = bytes_span(&lines);
	struct span fields = entity_fields(text);
	struct span body = span_from(text, fields.len);
	struct header_field field;
	bool has_encoding = false;
	if (!is_sound_entity(text))
		run_fail(run, "with ':mime' the text begins with MIME headers: only ASCII");
	while (header_next(&fields, &field)) {
		if (!span_starts_with_nocase(field.name, "Content-"))
			continue;
		has_encoding =
		    has_encoding || span_is_nocase(field.name, "Content-Transfer-Encoding");
		bytes_append_span(to, field.whole);
	}
	if (to->data[to->len - 1] != '\n')
		bytes_append_byte(to, '\n');
	if (!has_encoding && !utf8_is_ascii(body))
		bytes_append_text(to, "Content-Transfer-Encoding: 8bit\n");
	if (!span_starts_with(body, "\n"))
		bytes_append_byte(to, '\n');
	bytes_append_span(to, body);
	if (to->data[to->len - 1] != '\n')
		bytes_append_byte(to, '\n');
	bytes_clear(&lines);
}

static void compose(
    struct run *run, const struct node *node, struct bytes *to, const struct address *own)
{
	struct span reason = run_text(run, &node->positionals[0]->texts[0]);
	struct compose_mailbox author = find_author(run);
	compose_words(to, "Message-ID", letter_id(run, NAME, SPAN("")));
	compose_date(to, run->input->now.tv_sec);
	append_from(run, node, to, own);
	compose_mailboxes(to, "To", &author, 1);
	compose_text(to, "Subject", find_subject(run, node));
	compose_threading(to, run->message->head);
	compose_words(to, "Auto-Submitted", SPAN("auto-replied (vacation)"));
	compose_words(to, "Precedence", SPAN("bulk"));
	compose_words(to, "X-Auto-Response-Suppress", SPAN("All"));
	compose_words(to, "MIME-Version", SPAN("1.0"));
	if (node_tag(node, "mime") != NULL)
		append_entity(run, to, reason);
	else
		compose_body(to, reason);
}

/* The envelope's sender: scripts can name addresses of others, so none of theirs is taken. */
static struct span envelope_sender(const struct run *run, const struct address *own)
{
	const struct sieve_input *input = run->input;
	const struct sieve_options *options = run->script->options;
	const struct envelope_recipient *recipient = input->recipient;
	if (!options->vacation_sends_from_recipient)
		return SPAN("");
	if (own == &recipient->address || own == input->user_email)
		return own->text;
	bool is_original = options->vacation_uses_original && recipient->original.text.len > 0;
	return is_original ? recipient->original.text : recipient->address.text;
}

/* -- vacation ---------------------------------------------------------------------------------- */

/* The addresses in ":addresses" that are some. */
static struct address *own_addresses(struct run *run, const struct node *node, size_t *count_out)
{
	const struct argument *use = node_tag(node, "addresses");
	size_t max = use != NULL ? use->value->count : 0;
	struct address *addresses = arena_new_items(run->arena, max + 1, sizeof(*addresses));
	run_spend_bytes(run, (max + 1) * sizeof(*addresses));
	*count_out = 0;
	for (size_t i = 0; i < max; i++) {
		const struct listed_address *listed =
		    address_list_parse(run->arena, run_text(run, &use->value->texts[i]));
		if (listed != NULL && listed->is_valid)
			addresses[(*count_out)++] = listed->address;
	}
	return addresses;
}

/* Whether `action` or one behind it is an answer. */
static bool has_answer(const struct action *action)
{
	for (; action != NULL; action = action->next) {
		if (action->kind == ACTION_SEND && action->letter != NULL &&
		    span_is(span_of(action->letter->name), NAME))
			return true;
	}
	return false;
}

static void run_vacation(struct run *run, const struct node *node)
{
	if (has_answer(run_first_action(run))) {
		run_fail(run, "'vacation' can be done only once");
		return;
	}
	/* An earlier script of the chain has answered. */
	if (has_answer(run->result->actions.first))
		return;
	struct action *action = run_act(run, node, ACTION_SEND);
	if (action == NULL)
		return;
	size_t count;
	const struct address *addresses = own_addresses(run, node, &count);
	const struct address *own = NULL;
	const char *why = run->input->is_answered ? "an earlier script has answered it"
	                                          : vacation_why_not(run, addresses, count, &own);
	if (why == NULL && was_answered(run, node))
		why = "its sender was answered not long ago";
	if (why != NULL) {
		letter_withhold(run, action, NAME, why);
		return;
	}
	struct bytes text = {0};
	const struct action_letter letter = {.name = NAME,
	    .sender = envelope_sender(run, own),
	    .recipients = &run->input->envelope->sender.text,
	    .recipient_count = 1};
	compose(run, node, &text, own);
	letter_send(run, node, action, &letter, &text);
}

static const struct tag own_tags[] = {
    {.name = "days", .wants = WANTS_NUMBER, .group = "period"},
    {.name = "subject", .wants = WANTS_TEXT},
    {.name = "from", .wants = WANTS_TEXT, .check = check_from},
    {.name = "addresses", .wants = WANTS_TEXTS, .check = check_addresses},
    {.name = "mime"},
    {.name = "handle", .wants = WANTS_TEXT},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = NAME,
        .positionals = {{.name = "the reason", .type = WANTS_TEXT}},
        .tags = own_tags,
        .check = check_vacation,
        .run = run_vacation},
    {.name = NULL},
};

const struct extension ext_vacation = {
    .name = NAME,
    .document = "RFC 5230",
    .needs = SIEVE_CAN_SEND | SIEVE_CAN_REMEMBER,
    .commands = commands,
};

static const struct tag seconds_tags[] = {
    {.name = "seconds",
        .on = NAME,
        .wants = WANTS_NUMBER,
        .group = "period",
        .check = check_seconds},
    {.name = NULL},
};

const struct extension ext_vacation_seconds = {
    .name = "vacation-seconds",
    .document = "RFC 6131",
    .needs = SIEVE_CAN_SEND | SIEVE_CAN_REMEMBER,
    .implies = NAME,
    .tags = seconds_tags,
};
