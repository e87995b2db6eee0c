/* ext_enotify.c - notifications (RFC 5435) by mail (RFC 5436).
 *
 *	notify [":from" string] [":importance" <"1" / "2" / "3">] [":options" string-list]
 *	       [":message" string] <method: string>
 *	valid_notify_method <notification-uris: string-list>
 *	notify_method_capability [COMPARATOR] [MATCH-TYPE] <notification-uri: string>
 *	                         <notification-capability: string> <key-list: string-list>
 *	set ":encodeurl" ...
 *
 * A method that cannot be used is an error when it is used (3.2). Where it stands in the script as
 * it is, and the script never asks which methods there are, that is certain before. */
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/letter.h"
#include "sieve-lite/mailto.h"
#include "sieve-lite/match.h"
#include "sieve-lite/vacation.h"

#include <string.h>

#define NAME "notify"

/* -- Methods ----------------------------------------------------------------------------------- */

enum method_use { METHOD_GOOD, METHOD_BROKEN, METHOD_UNKNOWN };

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool is_scheme(struct span scheme)
{
	for (size_t i = 0; i < scheme.len; i++) {
		char byte = ascii_lower(scheme.data[i]);
		bool is_letter = byte >= 'a' && byte <= 'z';
		bool is_other =
		    (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.';
		if (!is_letter && (i == 0 || !is_other))
			return false;
	}
	return scheme.len > 0;
}

static enum method_use read_method(struct arena *arena, const struct sieve_options *options,
    struct span method, struct mailto *mailto_out, const char **why_out)
{
	const struct mailto_limits limits = {
	    options->notify_max_recipients, options->notify_max_fields};
	struct span scheme = span_first(method, span_find(method, ':'));
	*why_out = "it is no URI";
	if (scheme.len == method.len || !is_scheme(scheme))
		return METHOD_BROKEN;
	*why_out = "notifications can only be sent by 'mailto:'";
	if (!span_is_nocase(scheme, "mailto"))
		return METHOD_UNKNOWN;
	bool is_good =
	    mailto_parse(arena, span_from(method, scheme.len + 1), &limits, mailto_out, why_out);
	return is_good ? METHOD_GOOD : METHOD_BROKEN;
}

/* For the length of the run; it is paid for. */
static enum method_use read_at_run(
    struct run *run, struct span method, struct mailto *mailto_out, const char **why_out)
{
	*why_out = NULL;
	run_spend_bytes(run, method.len * 8 + sizeof(struct mailto_recipient) * 32);
	if (run->unwind != UNWIND_NONE)
		return METHOD_BROKEN;
	return read_method(run->arena, run->script->options, method, mailto_out, why_out);
}

/* -- Checks ------------------------------------------------------------------------------------ */

struct asked {
	bool is_asked; /* the script tests what methods there are */
};

static bool check_asking(struct checker *checker, struct node *node)
{
	struct asked *asked = checker_state(checker, &ext_enotify, sizeof(*asked));
	(void)node;
	asked->is_asked = true;
	return true;
}

static bool check_method(struct checker *checker, const struct text *text)
{
	const struct asked *asked = checker_state(checker, &ext_enotify, sizeof(*asked));
	struct mailto mailto;
	const char *why;
	if (!text_is_constant(text))
		return true;
	enum method_use use =
	    read_method(checker->arena, checker->options->options, text->literal, &mailto, &why);
	if (use == METHOD_BROKEN || (use == METHOD_UNKNOWN && !asked->is_asked)) {
		problem_error(checker->problems, text->at, "'%s' cannot be notified: %s",
		    problem_quote(checker->problems, text->literal), why);
		return false;
	}
	if (use == METHOD_GOOD && mailto.is_cut)
		problem_warning(checker->problems, text->at,
		    "too many recipients or fields; the last ones are left out");
	if (use == METHOD_GOOD && mailto.recipient_count == 0)
		problem_warning(checker->problems, text->at, "this names nobody; nothing is sent");
	return true;
}

static bool check_notify(struct checker *checker, struct node *node)
{
	return letter_check_copy(checker, node) &&
	       check_method(checker, &node->positionals[0]->texts[0]);
}

static bool is_sender(struct arena *arena, struct span text)
{
	struct compose_mailbox *mailboxes;
	size_t count;
	return letter_mailboxes(arena, text, &mailboxes, &count) && count == 1;
}

static bool check_from(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *from = &use->value->texts[0];
	(void)node;
	if (!text_is_constant(from) || is_sender(checker->arena, from->literal))
		return true;
	problem_error(checker->problems, from->at, "'%s' is no address to send from",
	    problem_quote(checker->problems, from->literal));
	return false;
}

static bool is_importance(struct span text)
{
	return text.len == 1 && text.data[0] >= '1' && text.data[0] <= '3';
}

static bool check_importance(struct checker *checker, struct node *node, struct argument *use)
{
	const struct text *text = &use->value->texts[0];
	(void)node;
	if (!text_is_constant(text) || is_importance(text->literal))
		return true;
	problem_error(checker->problems, text->at, "':importance' must be \"1\", \"2\" or \"3\"");
	return false;
}

/* optionname "=" value, where optionname = l-d *l-d-p (3.5) */
static bool is_option(struct span text)
{
	struct span name = span_first(text, span_find(text, '='));
	for (size_t i = 0; i < name.len; i++) {
		char byte = ascii_lower(name.data[i]);
		bool is_alphanumeric = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
		if (!is_alphanumeric && (i == 0 || (byte != '.' && byte != '-' && byte != '_')))
			return false;
	}
	return name.len > 0 && name.len < text.len;
}

static bool check_options(struct checker *checker, struct node *node, struct argument *use)
{
	(void)node;
	for (size_t i = 0; i < use->value->count; i++) {
		const struct text *text = &use->value->texts[i];
		if (!text_is_constant(text) || is_option(text->literal))
			continue;
		problem_error(checker->problems, text->at, "'%s' is no option: expected name=value",
		    problem_quote(checker->problems, text->literal));
		return false;
	}
	return true;
}

/* -- The notification -------------------------------------------------------------------------- */

struct notification {
	struct mailto mailto;
	struct span from;    /* of ":from"; null data: not given */
	struct span message; /* of ":message"; null data: not given */
	char importance;     /* '1' to '3' */
	struct compose_mailbox author;
	struct span sender; /* of the envelope */
};

static struct span tag_text(struct run *run, const struct node *node, const char *name)
{
	const struct argument *use = node_tag(node, name);
	return use != NULL ? run_text(run, &use->value->texts[0]) : (struct span){NULL, 0};
}

/* False: the run has failed. */
static bool read_arguments(struct run *run, const struct node *node, struct notification *it)
{
	const char *why;
	struct span importance = tag_text(run, node, "importance");
	struct span method = run_text(run, &node->positionals[0]->texts[0]);
	it->from = tag_text(run, node, "from");
	it->message = tag_text(run, node, "message");
	it->importance =
	    importance.data != NULL && is_importance(importance) ? importance.data[0] : '2';
	if (read_at_run(run, method, &it->mailto, &why) != METHOD_GOOD)
		run_fail(run, "this cannot be notified: %s", why);
	else if (importance.data != NULL && !is_importance(importance))
		run_fail(run, "':importance' must be \"1\", \"2\" or \"3\"");
	else if (it->from.data != NULL && !is_sender(run->arena, it->from))
		run_fail(run, "this is no address to send from");
	return run->unwind == UNWIND_NONE;
}

/* Who speaks (RFC 5436 2.7). Mail without a sender makes mail without a sender. */
static void find_sender(struct run *run, struct notification *it)
{
	const struct sieve_options *options = run->script->options;
	const struct envelope *envelope = run->input->envelope;
	struct compose_mailbox *mailboxes;
	struct address address;
	size_t count;
	it->author = (struct compose_mailbox){.address = letter_owner(run), .is_bracketed = true};
	if (run->input->user_email == NULL &&
	    letter_source(
	        run->arena, run->input, options, span_of(options->notify_from), &address) &&
	    address.text.len > 0)
		it->author.address = address.text;
	if (it->from.data != NULL && letter_mailboxes(run->arena, it->from, &mailboxes, &count))
		it->author = mailboxes[0];
	it->sender = it->author.address;
	if (letter_source(
	        run->arena, run->input, options, span_of(options->notify_envelope_from), &address))
		it->sender = address.text;
	if (envelope == NULL || envelope->sender.text.len == 0)
		it->sender = SPAN("");
}

static bool is_notification(const struct action *action)
{
	return action->kind == ACTION_SEND && action->letter != NULL &&
	       span_is(span_of(action->letter->name), NAME);
}

static bool is_notified(const struct run *run, struct span address)
{
	const struct action *action = run->result->actions.first;
	for (; action != NULL; action = action->next) {
		for (size_t i = 0; is_notification(action) && i < action->letter->recipient_count;
		     i++) {
			if (span_equals_nocase(action->letter->recipients[i], address))
				return true;
		}
	}
	return false;
}

/* Nobody is told twice by one run. True: all are told already. */
static bool drop_notified(const struct run *run, struct mailto *mailto)
{
	size_t kept = 0;
	size_t count = mailto->recipient_count;
	for (size_t i = 0; i < count; i++) {
		if (!is_notified(run, mailto->recipients[i].mailbox.address))
			mailto->recipients[kept++] = mailto->recipients[i];
	}
	mailto->recipient_count = kept;
	return count > 0 && kept == 0;
}

static void append_recipients(
    struct run *run, struct bytes *to, const struct mailto *mailto, const char *name, bool is_copy)
{
	struct compose_mailbox *mailboxes = arena_new_items(
	    run->arena, mailto->recipient_count + 1, sizeof(struct compose_mailbox));
	size_t count = 0;
	for (size_t i = 0; i < mailto->recipient_count; i++) {
		if (mailto->recipients[i].is_copy == is_copy)
			mailboxes[count++] = mailto->recipients[i].mailbox;
	}
	if (count > 0)
		compose_mailboxes(to, name, mailboxes, count);
}

/* owner-email is a quoted string (RFC 5436 2.7.1). */
static void append_auto_submitted(struct run *run, struct bytes *to)
{
	struct bytes value = {0};
	struct span owner = letter_owner(run);
	bytes_append_text(&value, "auto-notified; owner-email=\"");
	for (size_t i = 0; i < owner.len; i++) {
		if (owner.data[i] == '"' || owner.data[i] == '\\')
			bytes_append_byte(&value, '\\');
		bytes_append_byte(&value, owner.data[i]);
	}
	bytes_append_byte(&value, '"');
	compose_words(to, "Auto-Submitted", bytes_span(&value));
	bytes_clear(&value);
}

static void append_subject(struct run *run, struct bytes *to, const struct notification *it)
{
	struct span subject = it->message.data != NULL ? it->message : it->mailto.subject;
	if (subject.data == NULL) {
		struct span old = letter_old_subject(run);
		if (old.len == 0)
			old = SPAN("(no subject)");
		subject = arena_spanf(run->arena, "Notification: %.*s", (int)old.len, old.data);
	}
	compose_text(to, "Subject", letter_limit_subject(subject));
}

static void append_importance(struct bytes *to, char importance)
{
	static const struct {
		struct span priority;
		struct span importance;
	} values[] = {{{"1 (Highest)", 11}, {"High", 4}}, {{"3 (Normal)", 10}, {"Normal", 6}},
	    {{"5 (Lowest)", 10}, {"Low", 3}}};
	compose_words(to, "X-Priority", values[importance - '1'].priority);
	compose_words(to, "Importance", values[importance - '1'].importance);
}

static void append_field(struct run *run, struct bytes *to, const struct mailto_field *field)
{
	char *name = arena_text(run->arena, field->name);
	if (name[0] >= 'a' && name[0] <= 'z')
		name[0] = (char)(name[0] - 'a' + 'A');
	compose_text(to, name, field->value);
}

static void compose(struct run *run, struct bytes *to, const struct notification *it)
{
	const struct mailto *mailto = &it->mailto;
	struct bytes which = {0};
	for (size_t i = 0; i < mailto->recipient_count; i++) {
		bytes_append_span(&which, mailto->recipients[i].mailbox.address);
		bytes_append_byte(&which, ' ');
	}
	append_auto_submitted(run, to);
	compose_words(to, "Message-ID", letter_id(run, NAME, bytes_span(&which)));
	compose_date(to, run->input->now.tv_sec);
	compose_mailboxes(to, "From", &it->author, 1);
	append_recipients(run, to, mailto, "To", false);
	append_recipients(run, to, mailto, "Cc", true);
	append_subject(run, to, it);
	compose_words(to, "Precedence", SPAN("bulk"));
	append_importance(to, it->importance);
	for (size_t i = 0; i < mailto->field_count; i++)
		append_field(run, to, &mailto->fields[i]);
	compose_words(to, "MIME-Version", SPAN("1.0"));
	compose_body(to, mailto->body.data != NULL ? mailto->body : SPAN("You have new mail.\n"));
	bytes_clear(&which);
}

static bool is_over_limit(struct run *run)
{
	uint64_t count = 0;
	const struct action *action = run->result->actions.first;
	for (; action != NULL; action = action->next)
		count += is_notification(action) ? 1 : 0;
	return count >= run->script->options->max_notifications;
}

static void send(
    struct run *run, const struct node *node, struct action *action, struct notification *it)
{
	size_t count = it->mailto.recipient_count;
	struct span *recipients = arena_new_items(run->arena, count + 1, sizeof(struct span));
	struct bytes text = {0};
	find_sender(run, it);
	for (size_t i = 0; i < count; i++)
		recipients[i] = it->mailto.recipients[i].mailbox.address;
	const struct action_letter letter = {
	    .name = NAME, .sender = it->sender, .recipients = recipients, .recipient_count = count};
	compose(run, &text, it);
	letter_send(run, node, action, &letter, &text);
}

static void run_notify(struct run *run, const struct node *node)
{
	struct notification it = {.importance = '2'};
	if (!read_arguments(run, node, &it))
		return;
	if (drop_notified(run, &it.mailto)) {
		run_tell_value(
		    run, SPAN("not sent"), SPAN("they are notified already"), SPAN(""), false);
		return;
	}
	if (is_over_limit(run)) {
		run_fail(run, "too many notifications: at most %llu",
		    (unsigned long long)run->script->options->max_notifications);
		return;
	}
	struct action *action = run_act(run, node, ACTION_SEND);
	if (action == NULL)
		return;
	if (it.mailto.recipient_count == 0)
		letter_withhold(run, action, NAME, "it names nobody");
	else if (vacation_is_auto_submitted(run))
		letter_withhold(run, action, NAME, "the message was sent automatically");
	else
		send(run, node, action, &it);
}

/* -- Tests ------------------------------------------------------------------------------------- */

static bool test_valid_notify_method(struct run *run, const struct node *node)
{
	const struct argument *methods = node->positionals[0];
	for (size_t i = 0; i < methods->count; i++) {
		struct mailto mailto;
		const char *why = NULL;
		struct span method = run_text(run, &methods->texts[i]);
		bool is_good = read_at_run(run, method, &mailto, &why) == METHOD_GOOD;
		run_tell_value(run, SPAN("method"), method, SPAN(""), is_good);
		if (!is_good)
			return false;
	}
	return true;
}

/* Mail waits: whether somebody reads it at once is not known (RFC 5436 2.2). */
static bool test_notify_method_capability(struct run *run, const struct node *node)
{
	struct mailto mailto;
	const char *why;
	struct match match = match_begin(run, node);
	struct span method = run_text(run, &node->positionals[0]->texts[0]);
	struct span capability = run_text(run, &node->positionals[1]->texts[0]);
	if (read_at_run(run, method, &mailto, &why) != METHOD_GOOD ||
	    !span_is_nocase(capability, "online"))
		return false;
	match_value(&match, capability, SPAN("maybe"));
	return match_end(&match);
}

/* -- set :encodeurl ---------------------------------------------------------------------------- */

static struct span modify_encodeurl(struct run *run, struct span value)
{
	struct bytes encoded = {0};
	for (size_t i = 0; i < value.len; i++) {
		char byte = value.data[i];
		bool is_unreserved = (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z') ||
		                     (byte >= '0' && byte <= '9') ||
		                     (byte != '\0' && strchr("-._~", byte) != NULL);
		if (is_unreserved)
			bytes_append_byte(&encoded, byte);
		else
			bytes_appendf(&encoded, "%%%02X", (unsigned)(unsigned char)byte);
	}
	struct span copy = arena_span(run->arena, bytes_span(&encoded));
	run_spend_bytes(run, copy.len);
	bytes_clear(&encoded);
	return copy;
}

static const struct tag notify_tags[] = {
    {.name = "from", .wants = WANTS_TEXT, .check = check_from},
    {.name = "importance", .wants = WANTS_TEXT, .check = check_importance},
    {.name = "options", .wants = WANTS_TEXTS, .check = check_options},
    {.name = "message", .wants = WANTS_TEXT},
    {.name = NULL},
};

static const struct command commands[] = {
    {.name = NAME,
        .positionals = {{.name = "the method", .type = WANTS_TEXT}},
        .tags = notify_tags,
        .stays_beside_refusal = true,
        .check = check_notify,
        .run = run_notify},
    {.name = "valid_notify_method",
        .positionals = {{.name = "the methods", .type = WANTS_TEXTS}},
        .check = check_asking,
        .test = test_valid_notify_method},
    {.name = "notify_method_capability",
        .positionals = {{.name = "the method", .type = WANTS_TEXT},
            {.name = "the capability", .type = WANTS_TEXT},
            {.name = "the keys", .type = WANTS_TEXTS}},
        .is_comparing = true,
        .check = check_asking,
        .test = test_notify_method_capability},
    {.name = NULL},
};

static const struct tag tags[] = {
    {.name = "encodeurl",
        .on = "set",
        .group = "encodeurl",
        .precedence = 15,
        .modify = modify_encodeurl},
    {.name = NULL},
};

const struct extension ext_enotify = {
    .name = "enotify",
    .document = "RFC 5435",
    .needs = SIEVE_CAN_SEND,
    .commands = commands,
    .tags = tags,
};
