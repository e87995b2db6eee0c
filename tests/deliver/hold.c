/* hold.c - a library for LD_PRELOAD that makes a store that never answers, or one that crashes.
 *
 *	HOLD=sleep	fsync() does not return
 *	HOLD=crash	fsync() ends the process with a signal
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int hold(void)
{
	const char *how = getenv("HOLD");
	if (how != NULL && strcmp(how, "crash") == 0)
		raise(SIGSEGV);
	for (;;)
		pause();
}

int fsync(int fd)
{
	(void)fd;
	return hold();
}

int fdatasync(int fd)
{
	(void)fd;
	return hold();
}
