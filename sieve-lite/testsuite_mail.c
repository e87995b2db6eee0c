/* testsuite_mail.c - the messages of a test, the mailbox they are stored in, and what was sent. All
 * of it in memory, for as long as the test file runs. */
#include "sieve-lite/testsuite.h"

#include "base/memory.h"
#include "mail/header.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/fields.h"

/* -- Messages and envelopes -------------------------------------------------------------------- */

/* Pigeonhole's, so that its users find what they know. */
static const char initial_message[] = "From: sender@example.com\n"
                                      "To: recipient@example.org\n"
                                      "Subject: Frop!\n"
                                      "\n"
                                      "Friep!\n";

/* The address in the first of these fields that is there and has one; else `otherwise`. */
static struct address address_from(
    struct testsuite *suite, struct span head, const char *const *names, const char *otherwise)
{
	struct address address;
	struct header_field field;
	for (; *names != NULL; names++) {
		if (!header_find(head, *names, &field))
			continue;
		const struct listed_address *listed = address_list_parse(suite->arena, field.value);
		if (listed != NULL && listed->is_valid)
			return listed->address;
	}
	address_parse(suite->arena, span_of(otherwise), &address, NULL);
	return address;
}

struct spool *testsuite_spool(struct testsuite *suite)
{
	struct testsuite_spool *spool = ARENA_NEW(suite->arena, struct testsuite_spool);
	*spool = (struct testsuite_spool){spool_new("/tmp"), suite->spools};
	suite->spools = spool;
	return spool->spool;
}

const struct message *testsuite_make_message(struct testsuite *suite, struct span text)
{
	struct status status;
	struct message *message = ARENA_NEW(suite->arena, struct message);
	struct spool *spool = testsuite_spool(suite);
	bool is_made = spool_append(spool, text.data, text.len, &status) &&
	               spool_finish(spool, &status) &&
	               message_open(suite->arena, spool, message, &status);
	return is_made ? message : NULL;
}

void testsuite_guess_envelope(struct testsuite *suite, struct testsuite_mail *mail)
{
	static const char *const recipient_names[] = {"Envelope-To", "To", NULL};
	static const char *const sender_names[] = {"Return-Path", "Sender", "From", NULL};
	struct span head = mail->message->head;
	mail->envelope = (struct envelope){0};
	mail->recipient = (struct envelope_recipient){0};
	mail->recipient.address =
	    address_from(suite, head, recipient_names, "recipient@example.com");
	mail->recipient.original = mail->recipient.address;
	mail->envelope.sender = address_from(suite, head, sender_names, "sender@example.com");
}

bool testsuite_new_mail(struct testsuite *suite, struct span text, struct testsuite_mail *mail_out)
{
	*mail_out = (struct testsuite_mail){.message = testsuite_make_message(suite, text)};
	if (mail_out->message == NULL)
		return false;
	testsuite_guess_envelope(suite, mail_out);
	return true;
}

void testsuite_initial_mail(struct testsuite *suite, struct testsuite_mail *mail_out)
{
	if (!testsuite_new_mail(suite, SPAN(initial_message), mail_out))
		memory_exhausted();
}

bool testsuite_is_member(struct span name)
{
	static const char *const names[] = {
	    "message", "envelope.from", "envelope.to", "envelope.orig_to", "envelope.auth"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_is_nocase(name, names[i]))
			return true;
	}
	return false;
}

void testsuite_set_envelope(struct testsuite *suite, struct span member, struct span value)
{
	struct testsuite_mail *mail = &suite->mail;
	struct address address;
	value = arena_span(suite->arena, span_trim(value));
	if (span_is_nocase(member, "envelope.auth")) {
		mail->auth = suite->input.auth = value;
		return;
	}
	if (value.len >= 2 && value.data[0] == '<' && value.data[value.len - 1] == '>')
		value = span_from(span_first(value, value.len - 1), 1);
	if (!address_parse(suite->arena, value, &address, NULL)) {
		testsuite_error(
		    suite, "envelope address '%.*s' is invalid", (int)value.len, value.data);
		address = (struct address){SPAN(""), SPAN(""), SPAN("")};
	}
	if (span_is_nocase(member, "envelope.from")) {
		mail->envelope.sender = address;
		return;
	}
	if (span_is_nocase(member, "envelope.to"))
		mail->recipient.address = address;
	mail->recipient.original = address;
}

void testsuite_show(struct testsuite *suite, struct run *run, const struct testsuite_mail *mail)
{
	/* What was decided about the message before stays with it. */
	for (struct action *action = run->result->actions.first; action != NULL;
	     action = action->next) {
		if (action->message == NULL)
			action->message = suite->mail.message;
	}
	suite->mail = *mail;
	suite->input.message = mail->message;
	suite->input.auth = mail->auth;
	suite->input.flags = mail->flags;
	suite->input.flag_count = mail->flag_count;
	run->message = mail->message;
	run->unenclosed = NULL;
	fields_forget(run);
}

/* -- The mailbox ------------------------------------------------------------------------------- */

static bool is_named(const struct testsuite_folder *folder, struct span name)
{
	bool is_inbox = name.len == 0 || span_is_nocase(name, "INBOX");
	return is_inbox ? span_is(folder->name, "INBOX") : span_equals(folder->name, name);
}

static struct testsuite_folder **find_folder(struct testsuite *suite, struct span name)
{
	struct testsuite_folder **link = &suite->folders;
	while (*link != NULL && !is_named(*link, name))
		link = &(*link)->next;
	return link;
}

struct testsuite_folder *testsuite_folder(struct testsuite *suite, struct span name)
{
	return *find_folder(suite, name);
}

struct testsuite_folder *testsuite_make_folder(struct testsuite *suite, struct span name)
{
	struct testsuite_folder **link = find_folder(suite, name);
	if (*link == NULL) {
		*link = ARENA_NEW(suite->arena, struct testsuite_folder);
		(*link)->name = arena_span(suite->arena, name);
		(*link)->id = arena_spanf(suite->arena, "F%u", ++suite->folder_count);
	}
	return *link;
}

void testsuite_delete_folder(struct testsuite *suite, struct span name)
{
	struct testsuite_folder **link = find_folder(suite, name);
	if (*link != NULL)
		*link = (*link)->next;
}

static void append(
    struct testsuite *suite, struct testsuite_mail **end, const struct testsuite_mail *mail)
{
	while (*end != NULL)
		end = &(*end)->next;
	*end = ARENA_NEW(suite->arena, struct testsuite_mail);
	**end = *mail;
	(*end)->next = NULL;
}

void testsuite_store(
    struct testsuite *suite, struct testsuite_folder *folder, const struct testsuite_mail *mail)
{
	append(suite, &folder->first, mail);
}

void testsuite_send(struct testsuite *suite, const struct testsuite_mail *mail)
{
	append(suite, &suite->sent, mail);
}

const struct testsuite_mail *testsuite_mail_at(const struct testsuite_mail *first, uint64_t index)
{
	for (; first != NULL && index > 0; index--)
		first = first->next;
	return first;
}

enum sieve_answer testsuite_mailbox_exists(void *context, struct span folder)
{
	struct testsuite *suite = context;
	return testsuite_folder(suite, folder) != NULL ? SIEVE_YES : SIEVE_NO;
}

enum sieve_answer testsuite_mailbox_by_id(
    void *context, struct arena *arena, struct span id, struct span *folder_out)
{
	const struct testsuite *suite = context;
	const struct testsuite_folder *folder = suite->folders;
	(void)arena;
	while (folder != NULL && !span_equals(folder->id, id))
		folder = folder->next;
	if (folder == NULL)
		return SIEVE_NO;
	*folder_out = folder->name;
	return SIEVE_YES;
}

enum sieve_answer testsuite_metadata(void *context, struct arena *arena, struct span folder,
    struct span annotation, struct span *value_out)
{
	const struct testsuite *suite = context;
	(void)arena;
	for (const struct testsuite_metadata *metadata = suite->metadata; metadata != NULL;
	     metadata = metadata->next) {
		if ((metadata->folder.data == NULL) != (folder.data == NULL) ||
		    !span_equals(metadata->folder, folder) ||
		    !span_equals_nocase(metadata->annotation, annotation))
			continue;
		*value_out = metadata->value;
		return SIEVE_YES;
	}
	return SIEVE_NO;
}

void testsuite_set_metadata(
    struct testsuite *suite, struct span folder, struct span annotation, struct span value)
{
	struct testsuite_metadata *metadata = ARENA_NEW(suite->arena, struct testsuite_metadata);
	*metadata = (struct testsuite_metadata){folder, annotation, value, suite->metadata};
	suite->metadata = metadata;
}
