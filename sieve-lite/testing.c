#include "sieve-lite/testing.h"

#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/run.h"

#include <errno.h>
#include <string.h>

#define INITIAL_MESSAGE \
	"From: sender@example.com\nTo: recipient@example.org\nSubject: Frop!\n\nFriep!\n"

static struct testing_setting *find_setting(struct testing_setting *first, struct span name)
{
	while (first != NULL && !span_equals(first->name, name))
		first = first->next;
	return first;
}

void testing_set(struct testing *testing, struct span name, struct span value)
{
	struct testing_setting *setting = find_setting(testing->settings, name);
	if (setting == NULL) {
		setting = ARENA_NEW(testing->arena, struct testing_setting);
		setting->name = arena_span(testing->arena, name);
		setting->next = testing->settings;
		testing->settings = setting;
	}
	setting->value = arena_span(testing->arena, value);
}

void testing_unset(struct testing *testing, struct span name)
{
	struct testing_setting **link = &testing->settings;
	while (*link != NULL && !span_equals((*link)->name, name))
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

static struct span setting_in_force(const struct testing *testing, const char *name)
{
	struct testing_setting *setting = find_setting(testing->in_force, span_of(name));
	return setting != NULL ? setting->value : (struct span){NULL, 0};
}

void testing_reload(struct testing *testing)
{
	testing->in_force = NULL;
	for (struct testing_setting *from = testing->settings; from != NULL; from = from->next) {
		struct testing_setting *copy = ARENA_NEW(testing->arena, struct testing_setting);
		*copy = (struct testing_setting){from->name, from->value, testing->in_force};
		testing->in_force = copy;
	}
	struct span delimiter = setting_in_force(testing, "recipient_delimiter");
	testing->input.recipient_delimiter =
	    delimiter.data != NULL ? arena_text(testing->arena, delimiter) : "+";
}

/* The first address in the first of the fields that has one, else `fallback`. */
static struct address address_from(
    struct testing *testing, const char *const *fields, const char *fallback)
{
	struct address address = {0};
	struct header_field field;
	for (; *fields != NULL; fields++) {
		if (!header_find(testing->message.head, *fields, &field))
			continue;
		const struct listed_address *listed =
		    address_list_parse(testing->arena, field.value);
		if (listed != NULL && listed->is_valid)
			return listed->address;
		if (span_is(span_trim(field.value), "<>")) {
			address_parse(testing->arena, SPAN(""), &address, NULL);
			return address;
		}
	}
	address_parse(testing->arena, span_of(fallback), &address, NULL);
	return address;
}

bool testing_set_message(struct testing *testing, struct span text)
{
	static const char *const to[] = {"Envelope-To", "To", NULL};
	static const char *const from[] = {"Return-Path", "Sender", "From", NULL};
	struct status status;
	struct testing_message *made = ARENA_NEW(testing->arena, struct testing_message);
	made->spool = spool_new("/tmp");
	made->next = testing->messages;
	testing->messages = made;
	if (!spool_append(made->spool, text.data, text.len, &status) ||
	    !spool_finish(made->spool, &status) ||
	    !message_open(testing->arena, made->spool, &made->message, &status))
		return false;
	testing->message = made->message;
	testing->recipient = (struct envelope_recipient){0};
	testing->recipient.address = address_from(testing, to, "recipient@example.com");
	testing->recipient.original = testing->recipient.address;
	testing->envelope = (struct envelope){0};
	testing->envelope.sender = address_from(testing, from, "sender@example.com");
	return true;
}

bool testing_set_envelope(struct testing *testing, struct span member, struct span value)
{
	struct address address;
	if (span_is(value, "<>"))
		value = SPAN("");
	if (value.len > 2 && value.data[0] == '<' && value.data[value.len - 1] == '>')
		value = span_from(span_first(value, value.len - 1), 1);
	if (!address_parse(testing->arena, value, &address, NULL))
		return false;
	if (span_is_nocase(member, "envelope.from")) {
		testing->envelope.sender = address;
	} else if (span_is_nocase(member, "envelope.to")) {
		testing->recipient.address = address;
		testing->recipient.original = address;
	} else if (span_is_nocase(member, "envelope.orig_to")) {
		testing->recipient.original = address;
	} else {
		return span_is_nocase(member, "envelope.auth");
	}
	return true;
}

void testing_reset_result(struct testing *testing)
{
	testing->result = (struct sieve_result){.implicit_keep = true};
}

bool testing_compile(struct testing *testing, struct span path)
{
	struct bytes source = {0};
	const struct sieve_compile_options options = {
	    .name = arena_text(testing->arena, path), .abilities = SIEVE_CAN_EVERYTHING};
	testing->errors = (struct sieve_errors){0};
	testing->script = NULL;
	if (testing->read_script(testing->context, path, &source) == 0)
		testing->script =
		    sieve_compile(testing->arena, bytes_span(&source), &options, &testing->errors);
	else
		testing->errors.error_count = 1;
	bytes_clear(&source);
	return testing->script != NULL;
}

bool testing_run_script(struct testing *testing, bool is_appending)
{
	const char *outer_failure = testing->failure;
	testing->errors = (struct sieve_errors){0};
	if (testing->script == NULL)
		return false;
	if (!is_appending)
		testing_reset_result(testing);
	testing->failure = NULL;
	testing->result.errors = (struct sieve_errors){0};
	enum sieve_end end =
	    run_script(testing->arena, testing->script, &testing->input, &testing->result);
	testing->errors = testing->result.errors;
	bool has_failed = testing->failure != NULL;
	testing->failure = outer_failure;
	return end == SIEVE_DONE && !has_failed;
}

bool testing_run(struct testing *testing, const char *name, struct span source)
{
	const struct sieve_compile_options options = {
	    .name = name, .abilities = SIEVE_CAN_EVERYTHING};
	testing->errors = (struct sieve_errors){0};
	struct sieve_script *script =
	    sieve_compile(testing->arena, source, &options, &testing->errors);
	if (script == NULL)
		return false;
	testing_reset_result(testing);
	testing->failure = NULL;
	enum sieve_end end = run_script(testing->arena, script, &testing->input, &testing->result);
	if (end != SIEVE_DONE)
		testing->errors = testing->result.errors;
	return end == SIEVE_DONE && testing->failure == NULL;
}

void testing_init(struct testing *testing)
{
	testing->input = (struct sieve_input){
	    .message = &testing->message,
	    .envelope = &testing->envelope,
	    .recipient = &testing->recipient,
	    .now = {.tv_sec = 1795255200},
	    .host = &testing->host,
	    .testing = testing,
	};
	testing_set_message(testing, SPAN(INITIAL_MESSAGE));
	testing_reload(testing);
	testing_reset_result(testing);
}

void testing_clear(struct testing *testing)
{
	for (struct testing_message *made = testing->messages; made != NULL; made = made->next)
		spool_free(&made->spool);
	testing->messages = NULL;
}
