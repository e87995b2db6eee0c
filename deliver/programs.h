#ifndef DELIVER_PROGRAMS_H
#define DELIVER_PROGRAMS_H

#include "deliver/delivery.h"
#include "deliver/outbox.h"
#include "sieve-lite/sieve.h"

/* Programs of the site's that scripts name (sieve.programs): run as the user, from one directory
 * for each purpose, with the envelope in their environment. */

/* The kind of an outbox item that is for a program. */
#define PROGRAMS_PIPE "pipe"

/* What struct sieve_host wants of these. `trouble` is set for SIEVE_PROGRAM_CANNOT_TELL; other
 * failures are noted. */
enum sieve_program_end programs_filter(struct delivery *delivery,
    const struct action_program *program, const struct message *message,
    const struct message **message_out, struct status *trouble);
enum sieve_program_end programs_execute(struct delivery *delivery, struct arena *arena,
    const struct action_program *program, const struct message *message, struct span input,
    struct span *output_out, struct status *trouble);

/* Takes "pipe" to programs that are not there off the list; the message is kept then. */
void programs_judge(struct delivery *delivery);

/* Hands an item of kind PROGRAMS_PIPE to its program, as struct outbox_transport has it. */
enum outbox_answer programs_pipe(struct delivery *delivery, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size);

/* Whether the settings make sense. */
bool programs_check(const struct programs_settings *settings, struct status *status);

#endif
