#include "lmtp-bridge/enclosure.h"

#include "base/log.h"
#include "base/sandbox.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#ifdef __SANITIZE_ADDRESS__
#include <sys/prctl.h>

/* LeakSanitizer asks this at the end of a process. One that is shut in may not look for leaks. */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return prctl(PR_GET_SECCOMP) != 0;
}
#endif

bool enclosure_enter(const struct settings *settings)
{
	char layers[64];
	if (settings->lmtp.sandbox == SANDBOX_OFF)
		return true;
	/* The time zone is a file, read once. */
	tzset();
	if (sandbox_enter(settings->spool_directory, layers, sizeof(layers)) != 0) {
		log_write(LOG_LEVEL_ERROR, "session: cannot be shut in (%s): %s", layers,
		    strerror(errno));
		return false;
	}
	log_write(LOG_LEVEL_DEBUG, "session: shut in by %s", layers);
	return true;
}
