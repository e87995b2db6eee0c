#ifndef DELIVER_PARENT_H
#define DELIVER_PARENT_H

#include "mail/status.h"

#include <stdint.h>

/* The process the MTA sees. It forks a child that does the work, holds the clock, and alone
 * writes to descriptors 1 and 2. Linked with the C library only, so that nothing that goes
 * wrong in the pipeline, loading it included, can end otherwise than with status 75. */

/* What the child sends through its pipe; small enough to arrive in one piece. */
struct parent_note {
	enum { PARENT_DEADLINE, PARENT_STATUS } kind;
	int64_t deadline_ms; /* clock.h: the child must have answered by then */
	struct status status;
};

/* Until the child has read the configuration. */
#define PARENT_DEADLINE_MS ((int64_t)240 * 1000)

/* Forks, runs `work` in the child (it sends notes to the descriptor and returns; its standard
 * output and error go nowhere, but to a terminal), waits for its status or the deadline, kills
 * it if need be, and reads standard input to its end. The status is always set. */
void parent_run(void (*work)(void *context, int notes_fd), void *context, struct status *status);

/* Prints the one line of a failure ("5.2.2 Mailbox is full"), nothing on success; returns the
 * exit status. */
int parent_answer(const struct status *status);

#endif
