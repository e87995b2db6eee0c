#include "base/identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

static int is_already(uid_t uid, gid_t gid)
{
	return getuid() == uid && geteuid() == uid && getgid() == gid && getegid() == gid;
}

int identity_become(uid_t uid, gid_t gid, const char *name)
{
	if (uid == 0) {
		errno = EPERM;
		return -1;
	}
	if (is_already(uid, gid))
		return 0;
#ifdef __linux__
	/* The kernel forgets it when the identity changes. */
	int death_signal = 0;
	prctl(PR_GET_PDEATHSIG, &death_signal);
#endif
	int groups = name != NULL ? initgroups(name, gid) : setgroups(1, &gid);
	/* Groups first: once the uid is gone, nothing else can be changed. */
	if (groups != 0 || setgid(gid) != 0 || setuid(uid) != 0)
		return -1;
	if (!is_already(uid, gid) || setuid(0) == 0 || seteuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, death_signal);
#endif
	return 0;
}
