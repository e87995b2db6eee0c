/* sieve_host.c - the world, as a script may ask for it. Every answer may be "cannot tell": the
 * reason is kept for the log, the mail is tried again. */
#include "deliver/sieve_host.h"

#include "base/clock.h"
#include "base/log.h"

/* -- mailboxes --------------------------------------------------------------------------------- */

static enum sieve_answer mailbox_exists(void *context, struct span name)
{
	struct sieve_questions *questions = context;
	struct delivery *delivery = questions->delivery;
	struct span folder;
	struct status why;
	if (!store_folder_name(delivery->arena, delivery->store, name, &folder, &why))
		return SIEVE_NO;
	switch (store_has_folder(delivery->store, folder, &questions->trouble)) {
	case STORE_YES:
		return SIEVE_YES;
	case STORE_NO:
		return SIEVE_NO;
	case STORE_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

/* -- memory ------------------------------------------------------------------------------------ */

static enum sieve_answer is_duplicate(void *context, struct span id, uint64_t seconds, bool is_last)
{
	struct sieve_questions *questions = context;
	switch (seen_ask(
	    questions->seen, questions->delivery, id, seconds, is_last, &questions->trouble)) {
	case SEEN_YES:
		return SIEVE_YES;
	case SEEN_NO:
		return SIEVE_NO;
	case SEEN_CANNOT_TELL:
		break;
	}
	return SIEVE_CANNOT_TELL;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static enum sieve_answer is_out_of_time(void *context)
{
	const struct sieve_questions *questions = context;
	return clock_left_ms(questions->delivery->call->deadline_ms) == 0 ? SIEVE_YES : SIEVE_NO;
}

struct sieve_host sieve_host_of(struct sieve_questions *questions)
{
	return (struct sieve_host){
	    .context = questions,
	    .mailbox_exists = mailbox_exists,
	    .is_duplicate = is_duplicate,
	    .is_out_of_time = is_out_of_time,
	};
}
