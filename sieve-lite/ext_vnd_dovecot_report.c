/* ext_vnd_dovecot_report.c - tells an address what kind of mail this is, as an abuse report (RFC
 *5965).
 *
 *	report [":headers_only"] <feedback-type: string> <message: string> <recipient: string>
 *
 * The reported message is a part of the report. One that is too long for memory is reported with
 * its header alone. */
#include "base/utf8.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/letter.h"

#include <string.h>

#define NAME "report"
#define REPORTED_BYTES ((uint64_t)1024 * 1024)

/* token of RFC 2045 5.1 */
static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		if (byte <= ' ' || byte >= 0x7F || strchr("()<>@,;:\\\"/[]?=", byte) != NULL)
			return false;
	}
	return text.len > 0;
}

static bool check_report(struct checker *checker, struct node *node)
{
	const struct text *type = &node->positionals[0]->texts[0];
	const struct text *recipient = &node->positionals[2]->texts[0];
	struct address address;
	bool is_sound = true;
	if (text_is_constant(type) && !is_token(span_trim(type->literal))) {
		problem_error(checker->problems, type->at, "'%s' is no feedback type",
		    problem_quote(checker->problems, type->literal));
		is_sound = false;
	}
	if (text_is_constant(recipient) &&
	    !address_list_target(checker->arena, recipient->literal, &address)) {
		problem_error(checker->problems, recipient->at, "'%s' is no address to send to",
		    problem_quote(checker->problems, recipient->literal));
		is_sound = false;
	}
	return is_sound;
}

/* -- The report -------------------------------------------------------------------------------- */

struct report {
	struct span type;
	struct address recipient;
	struct span id;
	bool has_headers_only;
};

static struct address site_address(struct run *run)
{
	const struct sieve_options *options = run->script->options;
	const struct envelope_recipient *recipient = run->input->recipient;
	struct address address = {.text = SPAN("")};
	if (letter_source(
	        run->arena, run->input, options, span_of(options->report_from), &address) ||
	    letter_source(run->arena, run->input, options, SPAN("postmaster"), &address))
		return address;
	struct span domain = recipient != NULL ? recipient->address.domain : SPAN("");
	address.text = arena_spanf(run->arena, "postmaster@%.*s", (int)domain.len, domain.data);
	return address;
}

static void append_path(struct run *run, struct bytes *to, const char *name, struct span address)
{
	compose_words(to, name, arena_spanf(run->arena, "<%.*s>", (int)address.len, address.data));
}

/* The last one is Pigeonhole's; abuse desks have learned to read it. */
static void append_feedback(struct run *run, struct bytes *to, const struct report *report)
{
	const struct sieve_input *input = run->input;
	const struct envelope_recipient *recipient = input->recipient;
	bytes_append_text(to, "Content-Type: message/feedback-report\n\n");
	compose_words(to, "Version", SPAN("1"));
	compose_words(to, "Feedback-Type", report->type);
	compose_words(to, "User-Agent", SPAN(PACKAGE_NAME "/" PACKAGE_VERSION));
	if (input->envelope != NULL)
		append_path(run, to, "Original-Mail-From", input->envelope->sender.text);
	if (recipient == NULL)
		return;
	struct span original =
	    recipient->original.text.len > 0 ? recipient->original.text : recipient->address.text;
	append_path(run, to, "Original-Rcpt-To", original);
	append_path(run, to, "Dovecot-Reporting-User",
	    input->user_email != NULL ? input->user_email->text : original);
}

/* All of the message, from memory or its file; null data with the run ended. */
static struct span read_message(struct run *run)
{
	uint64_t size = run->message->size_bytes;
	struct status status;
	size_t got = 0;
	run_spend_bytes(run, size);
	if (run->unwind != UNWIND_NONE)
		return (struct span){NULL, 0};
	char *data = arena_new_items(run->arena, (size_t)size + 1, 1);
	if (!message_read(run->message, 0, data, (size_t)size, &got, &status))
		run_cannot_tell(run, "what the message says");
	return (struct span){data, got};
}

static void append_original(struct run *run, struct bytes *to, const struct report *report)
{
	bool is_whole = !report->has_headers_only && run->message->size_bytes <= REPORTED_BYTES;
	struct span text = is_whole ? read_message(run) : run->message->head;
	bytes_append_text(to,
	    is_whole ? "Content-Type: message/rfc822\n" : "Content-Type: text/rfc822-headers\n");
	bytes_append_text(to, "Content-Disposition: attachment\n");
	if (!utf8_is_ascii(text))
		bytes_append_text(to, "Content-Transfer-Encoding: 8bit\n");
	bytes_append_byte(to, '\n');
	compose_foreign(to, report->id, text);
}

static void append_fields(
    struct run *run, struct bytes *to, const struct report *report, struct span from)
{
	struct compose_mailbox author = {
	    .name = SPAN("Postmaster"), .address = from, .is_bracketed = true};
	struct compose_mailbox recipient = {
	    .address = report->recipient.text, .is_bracketed = true};
	struct span subject = letter_old_subject(run);
	if (subject.len == 0)
		subject = SPAN("(no subject)");
	if (!span_starts_with_nocase(from, "postmaster@"))
		author.name = SPAN("");
	compose_words(to, "Message-ID", report->id);
	compose_date(to, run->input->now.tv_sec);
	compose_mailboxes(to, "From", &author, 1);
	compose_mailboxes(to, "To", &recipient, 1);
	subject = arena_spanf(run->arena, "Report: %.*s", (int)subject.len, subject.data);
	compose_text(to, "Subject", letter_limit_subject(subject));
	compose_words(to, "Auto-Submitted", SPAN("auto-generated (report)"));
	compose_words(to, "Precedence", SPAN("bulk"));
}

static void compose(struct run *run, struct bytes *to, const struct report *report,
    struct span from, struct span message)
{
	append_fields(run, to, report, from);
	compose_multipart(to, "multipart/report; report-type=feedback-report", report->id);
	compose_part(to, report->id);
	compose_body(to, message);
	compose_part(to, report->id);
	append_feedback(run, to, report);
	compose_part(to, report->id);
	append_original(run, to, report);
	compose_end(to, report->id);
}

/* -- report ------------------------------------------------------------------------------------ */

/* What loops would be made of: reports to whom the script belongs to, and of reports. */
static const char *why_not(struct run *run, const struct report *report)
{
	const struct sieve_input *input = run->input;
	struct field *type = field_find(run, SPAN("Content-Type"));
	const struct address *to = &report->recipient;
	if ((input->recipient != NULL && (address_equals(to, &input->recipient->address) ||
	                                     address_equals(to, &input->recipient->original))) ||
	    (input->user_email != NULL && address_equals(to, input->user_email)))
		return "it would go to the user";
	struct span value = type != NULL ? field_text(run, type) : SPAN("");
	for (; value.len > 0; value = span_from(value, 1)) {
		if (span_starts_with_nocase(value, "feedback-report"))
			return "the message is a report itself";
	}
	return NULL;
}

struct reported {
	struct span type;
	struct span recipient;
	struct reported *next;
};

/* One report of a type goes to an address. */
static bool is_reported(struct run *run, const struct report *report)
{
	struct reported **list = run_state(run, &ext_vnd_dovecot_report, sizeof(struct reported *));
	for (struct reported *one = *list; one != NULL; one = one->next) {
		if (span_equals_nocase(one->type, report->type) &&
		    span_equals_nocase(one->recipient, report->recipient.text))
			return true;
	}
	struct reported *one = ARENA_NEW(run->arena, struct reported);
	*one = (struct reported){report->type, report->recipient.text, *list};
	*list = one;
	return false;
}

static void run_report(struct run *run, const struct node *node)
{
	struct report report = {.has_headers_only = node_tag(node, "headers_only") != NULL};
	struct span recipient = run_text(run, &node->positionals[2]->texts[0]);
	struct bytes text = {0};
	report.type = span_trim(run_text(run, &node->positionals[0]->texts[0]));
	if (!is_token(report.type)) {
		run_fail(run, "this is no feedback type");
		return;
	}
	if (!address_list_target(run->arena, recipient, &report.recipient)) {
		run_fail(run, "this is no address to send to");
		return;
	}
	if (is_reported(run, &report))
		return;
	struct action *action = run_act(run, node, ACTION_SEND);
	if (action == NULL)
		return;
	const char *why = why_not(run, &report);
	if (why != NULL) {
		letter_withhold(run, action, NAME, why);
		return;
	}
	struct span from = site_address(run).text;
	struct span *recipients = ARENA_NEW(run->arena, struct span);
	*recipients = report.recipient.text;
	const struct action_letter letter = {.name = NAME,
	    .sender = SPAN(""), /* nobody waits for an answer, and none can begin a loop */
	    .recipients = recipients,
	    .recipient_count = 1};
	report.id = letter_id(run, NAME,
	    arena_spanf(run->arena, "%.*s %.*s", (int)report.type.len, report.type.data,
	        (int)report.recipient.text.len, report.recipient.text.data));
	compose(run, &text, &report, from, run_text(run, &node->positionals[1]->texts[0]));
	letter_send(run, node, action, &letter, &text);
}

static const struct tag own_tags[] = {{.name = "headers_only"}, {.name = NULL}};

static const struct command commands[] = {
    {.name = NAME,
        .positionals = {{.name = "the feedback type", .type = WANTS_TEXT},
            {.name = "the message", .type = WANTS_TEXT},
            {.name = "the address", .type = WANTS_TEXT}},
        .tags = own_tags,
        .stays_beside_refusal = true,
        .check = check_report,
        .run = run_report},
    {.name = NULL},
};

const struct extension ext_vnd_dovecot_report = {
    .name = "vnd.dovecot.report",
    .document = "Pigeonhole",
    .needs = SIEVE_CAN_SEND,
    .commands = commands,
};
