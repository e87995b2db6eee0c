/* testsuite_execute.c - what actions do in the world of a test: one function and one row for each
 * kind of action. */
#include "sieve-lite/testsuite.h"

#include "mail/compose.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "sieve-lite/letter.h"

#define QUOTED(span) (int)(span).len, (span).data

/* Puts what is wrong into the error log; false then. */
typedef bool execute_function(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail);

/* Makes the folder where that is allowed. */
static bool prepare_store(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	(void)mail;
	bool may_create =
	    action->may_create || testsuite_config_is_on(suite, "lda_mailbox_autocreate");
	struct testsuite_folder *folder = testsuite_folder(suite, action->folder);
	if (folder == NULL && may_create)
		folder = testsuite_make_folder(suite, action->folder);
	if (folder == NULL) {
		testsuite_error(suite, "failed to store into mailbox '%.*s': it does not exist",
		    QUOTED(action->folder));
		return false;
	}
	return true;
}

static bool execute_store(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	struct testsuite_folder *folder = testsuite_folder(suite, action->folder);
	if (folder == NULL)
		return false;
	if (action->flags != NULL) {
		mail->flags = action->flags;
		mail->flag_count = action->flag_count;
	}
	testsuite_store(suite, folder, mail);
	if (span_is(folder->name, "INBOX") && action->letter == NULL)
		suite->outcome.is_keep_done = true;
	return true;
}

/* Pigeonhole mails every refusal, so its tests look for that mail. Nobody is told of a message
 * from nobody (RFC 5429 2.1.1). */
static bool execute_reject(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	struct testsuite_mail notice = {.recipient.address = mail->envelope.sender};
	const struct mdn mdn = {.message = mail->message,
	    .envelope = &mail->envelope,
	    .recipient = &mail->recipient,
	    .reason = action->text,
	    .subject = SPAN("Rejected mail"),
	    .postmaster = span_of(suite->options.postmaster),
	    .now = suite->input.now.tv_sec};
	if (mail->envelope.sender.text.len == 0)
		return true;
	notice.recipient.original = notice.recipient.address;
	notice.envelope.sender.text = SPAN("");
	notice.message = mdn_compose(suite->arena, &mdn);
	testsuite_send(suite, &notice);
	return true;
}

#define MARK "X-Sieve-Redirected-From"

static bool was_redirected_by(
    struct testsuite *suite, const struct message *message, const struct address *by)
{
	struct span rest = message->head;
	struct header_field field;
	while (by->text.len > 0 && header_next(&rest, &field)) {
		if (span_is_nocase(field.name, MARK) &&
		    span_equals_nocase(header_unfold(suite->arena, field.value), by->text))
			return true;
	}
	return false;
}

/* The message as it is sent on: with our mark, without the trace of this delivery. */
static const struct message *make_redirected(
    struct testsuite *suite, const struct testsuite_mail *mail)
{
	struct message *message = ARENA_NEW(suite->arena, struct message);
	struct span left = mail->message->head;
	struct span rest = left;
	struct span recipient = mail->recipient.address.text;
	struct header_field field;
	struct bytes head = {0};
	bytes_appendf(&head, MARK ": %.*s\n", QUOTED(recipient));
	if (!header_find(left, "Message-ID", &field))
		compose_words(&head, "Message-ID",
		    compose_message_id(
		        suite->arena, "redirect", &recipient, 1, SPAN("example.com")));
	while (header_next(&rest, &field)) {
		if (!span_is_nocase(field.name, "Return-Path"))
			continue;
		size_t before = (size_t)(field.whole.data - left.data);
		bytes_append_span(&head, span_first(left, before));
		left = span_from(left, before + field.whole.len);
	}
	bytes_append_span(&head, left);
	*message = message_with_head(mail->message, arena_span(suite->arena, bytes_span(&head)));
	bytes_clear(&head);
	return message;
}

static bool execute_redirect(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	struct address sender;
	/* The message as it came tells; what goes round is kept. */
	if (was_redirected_by(suite, suite->mail.message, &mail->recipient.address) ||
	    was_redirected_by(suite, suite->mail.message, &suite->user_email)) {
		suite->outcome.is_keep_owed = true;
		return true;
	}
	mail->message = make_redirected(suite, mail);
	/* The null sender stays what it is. */
	if (mail->envelope.sender.text.len > 0 &&
	    letter_source(suite->arena, &suite->input, &suite->options,
	        testsuite_config(suite, "sieve_redirect_envelope_from"), &sender))
		mail->envelope.sender = sender;
	address_parse(suite->arena, action->address, &mail->recipient.address, NULL);
	testsuite_send(suite, mail);
	return true;
}

static bool execute_pipe(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	if (testsuite_pipe(suite, action->program, mail->message))
		return true;
	suite->outcome.is_keep_owed = true;
	if (action->program->may_fail)
		testsuite_forget_errors(suite);
	return action->program->may_fail;
}

static bool execute_send(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	const struct action_letter *letter = action->letter;
	struct testsuite_mail sent = {.message = mail->message};
	address_parse(suite->arena, letter->sender, &sent.envelope.sender, NULL);
	for (size_t i = 0; i < letter->recipient_count; i++) {
		address_parse(suite->arena, letter->recipients[i], &sent.recipient.address, NULL);
		sent.recipient.original = sent.recipient.address;
		testsuite_send(suite, &sent);
	}
	return true;
}

static bool execute_nothing(
    struct testsuite *suite, const struct action *action, struct testsuite_mail *mail)
{
	(void)suite;
	(void)action;
	(void)mail;
	return true;
}

static const struct {
	const char *name; /* null: action_name(); as test_result_action calls it */
	execute_function *prepare;
	execute_function *execute;
	bool stores; /* such actions are executed before all others */
} kinds[] = {
    [ACTION_KEEP] = {"keep", prepare_store, execute_store, true},
    [ACTION_FILEINTO] = {"store", prepare_store, execute_store, true},
    [ACTION_DISCARD] = {"discard", NULL, execute_nothing, false},
    [ACTION_REDIRECT] = {"redirect", NULL, execute_redirect, false},
    [ACTION_REJECT] = {"reject", NULL, execute_reject, false},
    [ACTION_PIPE] = {"pipe", NULL, execute_pipe, false},
    [ACTION_SEND] = {NULL, NULL, execute_send, false}, /* by what it is */
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static bool is_known(const struct action *action)
{
	return (size_t)action->kind < KIND_COUNT && kinds[action->kind].execute != NULL;
}

const char *testsuite_action_name(const struct action *action)
{
	const char *name = is_known(action) ? kinds[action->kind].name : NULL;
	return name != NULL ? name : action_name(action);
}

static bool prepare(struct testsuite *suite, const struct action *action)
{
	if (is_known(action))
		return kinds[action->kind].prepare == NULL ||
		       kinds[action->kind].prepare(suite, action, NULL);
	testsuite_error(suite, "no test can do this: %s", action_name(action));
	return false;
}

static bool execute(struct testsuite *suite, const struct action *action)
{
	struct testsuite_mail mail = suite->mail;
	if (action->message != NULL)
		mail.message = action->message;
	return kinds[action->kind].execute(suite, action, &mail);
}

bool testsuite_prepare(struct testsuite *suite, struct sieve_result *result)
{
	const struct action *action = result->actions.first;
	if (result->done != NULL)
		action = result->done->next;
	for (; action != NULL; action = action->next) {
		if (!prepare(suite, action))
			return false;
	}
	result->done = result->actions.last;
	return true;
}

static bool execute_some(
    struct testsuite *suite, const struct action *first, const struct action *last, bool stores)
{
	bool is_good = true;
	if (first == NULL || last == NULL)
		return true;
	for (const struct action *action = first; action != last->next; action = action->next) {
		if (kinds[action->kind].stores == stores)
			is_good = execute(suite, action) && is_good;
	}
	return is_good;
}

bool testsuite_finish(
    struct testsuite *suite, struct sieve_result *result, const struct action *first, bool is_good)
{
	is_good = execute_some(suite, first, result->done, true) && is_good;
	is_good = execute_some(suite, first, result->done, false) && is_good;
	/* What could not be done must not lose the message; then it is kept as it came. */
	if (!is_good)
		result->keep = (struct action){.kind = ACTION_KEEP, .is_implicit = true};
	bool has_keep = result->implicit_keep || suite->outcome.is_keep_owed || !is_good;
	if (has_keep && !suite->outcome.is_keep_done)
		is_good = execute(suite, &result->keep) && is_good;
	suite->outcome.has_failed = !is_good;
	return is_good;
}

bool testsuite_execute(struct testsuite *suite, struct run *run)
{
	struct sieve_result *result = run->result;
	const struct action *before = result->done;
	if (suite->outcome.has_failed)
		return false;
	bool is_good = testsuite_prepare(suite, result);
	const struct action *first = before != NULL ? before->next : result->actions.first;
	run_settle_keep(run);
	/* Where not all can be done, nothing is. */
	return testsuite_finish(
	    suite, result, is_good && result->done != before ? first : NULL, is_good);
}
