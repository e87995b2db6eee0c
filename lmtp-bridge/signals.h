#ifndef LMTP_BRIDGE_SIGNALS_H
#define LMTP_BRIDGE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Signals arrive only while a process waits, in ppoll() with signals_while_waiting(): so nothing
 * is ever interrupted half-way, and a signal just before the wait is not missed. */

/* Blocks TERM, INT, HUP and CHLD and notes them from then on; ignores PIPE. */
void signals_begin(void);
/* For a process that runs others: they get the usual ways of signals. INT and HUP do nothing to
 * it, TERM what `at_term` does (also one that came before), or nothing if that is null: a delivery
 * process stops when its last session does. */
void signals_end(void (*at_term)(int));

const sigset_t *signals_while_waiting(void);

bool signals_is_stopping(void); /* TERM or INT came */
bool signals_take_reload(void); /* HUP came since last asked */

#endif
