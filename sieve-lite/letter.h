#ifndef SIEVE_LITE_LETTER_H
#define SIEVE_LITE_LETTER_H

#include "mail/compose.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/options.h"
#include "sieve-lite/run.h"

/* What a script sends of its own: an answer, a notification, a report. */

/* The mailboxes in `text` (RFC 5322 mailbox-list). False: it is empty or not all of it is one. */
bool letter_mailboxes(struct arena *arena, struct span text, struct compose_mailbox **mailboxes_out,
    size_t *count_out);

/* The Message-ID of the letter of that kind about the message being filtered; `which` tells apart
 * several of them in one run. */
struct span letter_id(struct run *run, const char *kind, struct span which);

/* The subject of the message being filtered, as people see it; empty: it has none. */
struct span letter_old_subject(struct run *run);

/* No more than so many characters of a Subject. */
struct span letter_limit_subject(struct span subject);

/* The address of whom the script belongs to. */
struct span letter_owner(const struct run *run);

/* A template (template.h) with "%{subject}"; one that is not well formed gives the subject. */
struct span letter_expand(struct run *run, const char *text, struct span subject);

/* The address that a setting means: "sender", "recipient", "orig_recipient", "user_email",
 * "postmaster" or "<address>". False: the setting is empty or means none. */
bool letter_source(struct arena *arena, const struct sieve_input *input,
    const struct sieve_options *options, struct span setting, struct address *address_out);

/* Tags that say how a copy is filed stand only beside ":fcc" (RFC 8580). False: reported. */
bool letter_check_copy(struct checker *checker, const struct node *node);

/* Completes an ACTION_SEND, and files a copy where :fcc says so. Takes over `text`. */
void letter_send(struct run *run, const struct node *node, struct action *action,
    const struct action_letter *letter, struct bytes *text);
/* Completes one that is not sent. */
void letter_withhold(struct run *run, struct action *action, const char *name, const char *why);

#endif
