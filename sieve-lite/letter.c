#include "sieve-lite/letter.h"

#include "base/utf8.h"
#include "sieve-lite/address_list.h"
#include "sieve-lite/fields.h"
#include "sieve-lite/folder_name.h"
#include "sieve-lite/template.h"

#define MAILBOXES_MAX 16
#define SUBJECT_CHARACTERS 256

bool letter_mailboxes(struct arena *arena, struct span text, struct compose_mailbox **mailboxes_out,
    size_t *count_out)
{
	struct compose_mailbox *mailboxes =
	    arena_new_items(arena, MAILBOXES_MAX, sizeof(*mailboxes));
	const struct listed_address *listed = address_list_parse(arena, text);
	size_t count = 0;
	for (; listed != NULL; listed = listed->next) {
		if (!listed->is_valid || count == MAILBOXES_MAX)
			return false;
		mailboxes[count++] =
		    (struct compose_mailbox){.name = address_list_name(arena, listed),
		        .address = listed->address.text,
		        .is_quoted = span_find(listed->phrase, '"') < listed->phrase.len};
	}
	*mailboxes_out = mailboxes;
	*count_out = count;
	return count > 0;
}

struct span letter_id(struct run *run, const char *kind, struct span which)
{
	const struct envelope *envelope = run->input->envelope;
	const struct envelope_recipient *recipient = run->input->recipient;
	struct field *field = field_find(run, SPAN("Message-ID"));
	struct span id = field != NULL ? field->raw : SPAN("");
	struct span queue_id = envelope != NULL ? envelope->queue_id : SPAN("");
	const struct span pieces[] = {
	    id,
	    queue_id,
	    envelope != NULL ? envelope->sender.text : SPAN(""),
	    recipient != NULL ? recipient->address.text : SPAN(""),
	    which,
	    /* What has no name is told by all that is known of it. */
	    id.len + queue_id.len == 0 ? run->message->head : SPAN(""),
	};
	return compose_message_id(run->arena, kind, pieces, sizeof(pieces) / sizeof(pieces[0]),
	    recipient != NULL ? recipient->address.domain : SPAN(""));
}

struct span letter_old_subject(struct run *run)
{
	struct field *field = field_find(run, SPAN("Subject"));
	return field != NULL ? field_text(run, field) : SPAN("");
}

struct span letter_limit_subject(struct span subject)
{
	struct span rest = subject;
	uint32_t character;
	for (size_t i = 0; i < SUBJECT_CHARACTERS && rest.len > 0; i++) {
		if (!utf8_next(&rest, &character))
			rest = span_from(rest, 1);
	}
	return span_first(subject, subject.len - rest.len);
}

struct span letter_owner(const struct run *run)
{
	const struct sieve_input *input = run->input;
	if (input->user_email != NULL)
		return input->user_email->text;
	return input->recipient != NULL ? input->recipient->address.text : SPAN("");
}

static bool look_up_subject(void *subject, struct span name, struct span *value_out)
{
	*value_out = *(struct span *)subject;
	return span_is(name, "subject");
}

struct span letter_expand(struct run *run, const char *text, struct span subject)
{
	struct bytes expanded = {0};
	if (!template_expand(&expanded, span_of(text), look_up_subject, &subject))
		bytes_append_span(&expanded, subject);
	struct span copy = arena_span(run->arena, bytes_span(&expanded));
	run_spend_bytes(run, copy.len);
	bytes_clear(&expanded);
	return copy;
}

bool letter_source(struct arena *arena, const struct sieve_input *input,
    const struct sieve_options *options, struct span setting, struct address *address_out)
{
	const struct envelope_recipient *recipient = input->recipient;
	const struct address *address = NULL;
	setting = span_trim(setting);
	if (span_is_nocase(setting, "sender") && input->envelope != NULL)
		address = &input->envelope->sender;
	else if (span_is_nocase(setting, "recipient") && recipient != NULL)
		address = &recipient->address;
	else if ((span_is_nocase(setting, "orig_recipient") ||
	             span_is_nocase(setting, "original_recipient")) &&
	         recipient != NULL)
		address =
		    recipient->original.text.len > 0 ? &recipient->original : &recipient->address;
	else if (span_is_nocase(setting, "user_email") && recipient != NULL)
		address = input->user_email != NULL ? input->user_email : &recipient->address;
	if (address != NULL) {
		*address_out = *address;
		return true;
	}
	if (span_is_nocase(setting, "postmaster"))
		setting = span_of(options->postmaster);
	if (setting.len >= 2 && setting.data[0] == '<' && setting.data[setting.len - 1] == '>')
		setting = span_from(span_first(setting, setting.len - 1), 1);
	return setting.len > 0 && address_parse(arena, setting, address_out, NULL);
}

bool letter_check_copy(struct checker *checker, const struct node *node)
{
	static const char *const names[] = {"create", "flags", "specialuse", "mailboxid"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct argument *use = node_tag(node, names[i]);
		if (use == NULL || node_tag(node, "fcc") != NULL)
			continue;
		problem_error(checker->problems, use->at, "':%s' needs ':fcc'", names[i]);
		return false;
	}
	return true;
}

static void file_copy(
    struct run *run, const struct node *node, const struct argument *fcc, const struct action *sent)
{
	struct span folder = run_text(run, &fcc->value->texts[0]);
	if (!folder_name_is_valid(folder)) {
		run_fail(run, "the mailbox has an invalid name");
		return;
	}
	struct action *filed = run_act(run, node, ACTION_FILEINTO);
	if (filed == NULL)
		return;
	filed->folder = run_folder(run, node, folder);
	filed->letter = sent->letter;
	filed->message = sent->message;
}

/* Tags beside ":fcc" speak of the copy. */
static void clear_storing(struct action *action)
{
	action->may_create = false;
	action->flags = NULL;
	action->flag_count = 0;
	action->special_use = SPAN("");
}

void letter_send(struct run *run, const struct node *node, struct action *action,
    const struct action_letter *letter, struct bytes *text)
{
	struct action_letter *copy = ARENA_NEW(run->arena, struct action_letter);
	const struct argument *fcc = node_tag(node, "fcc");
	*copy = *letter;
	run_spend_bytes(run, text->len);
	clear_storing(action);
	action->letter = copy;
	action->message = compose_finish(run->arena, text);
	for (size_t i = 0; i < copy->recipient_count; i++)
		run_tell_value(run, SPAN("sent to"), copy->recipients[i], SPAN(""), true);
	if (fcc != NULL && run->unwind == UNWIND_NONE)
		file_copy(run, node, fcc, action);
}

void letter_withhold(struct run *run, struct action *action, const char *name, const char *why)
{
	struct action_letter *letter = ARENA_NEW(run->arena, struct action_letter);
	*letter = (struct action_letter){.name = name, .sender = SPAN(""), .withheld = why};
	action->letter = letter;
	action->message = NULL;
	run_tell_value(run, SPAN("not sent"), span_of(why), SPAN(""), false);
}
