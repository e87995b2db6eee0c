#include "lmtp-bridge/signals.h"

#include <stddef.h>

/* What a handler may touch, and all of this process's state that is global. */
static volatile sig_atomic_t is_stopping;
static volatile sig_atomic_t is_reloading;

static const int our_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
#define OUR_COUNT (sizeof(our_signals) / sizeof(our_signals[0]))

static void note(int number)
{
	if (number == SIGHUP)
		is_reloading = 1;
	else if (number != SIGCHLD)
		is_stopping = 1;
}

static void forget(int number)
{
	(void)number;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

void signals_begin(void)
{
	sigset_t ours;
	sigemptyset(&ours);
	for (size_t i = 0; i < OUR_COUNT; i++) {
		sigaddset(&ours, our_signals[i]);
		handle(our_signals[i], note, 0);
	}
	sigprocmask(SIG_BLOCK, &ours, NULL);
	handle(SIGPIPE, SIG_IGN, 0);
}

void signals_end(void (*at_term)(int))
{
	/* Handlers and not SIG_IGN, which programs started from here would inherit. */
	for (size_t i = 0; i < OUR_COUNT; i++)
		handle(our_signals[i], forget, SA_RESTART);
	if (at_term != NULL)
		handle(SIGTERM, at_term, SA_RESTART);
	handle(SIGCHLD, SIG_DFL, 0);
	handle(SIGALRM, SIG_DFL, 0);
	handle(SIGPIPE, SIG_IGN, 0);
	sigprocmask(SIG_SETMASK, signals_while_waiting(), NULL);
}

const sigset_t *signals_while_waiting(void)
{
	static sigset_t none;
	sigemptyset(&none);
	return &none;
}

bool signals_is_stopping(void)
{
	return is_stopping != 0;
}

bool signals_take_reload(void)
{
	bool is_wanted = is_reloading != 0;
	is_reloading = 0;
	return is_wanted;
}
