#include "base/sync_many.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* More of them are no faster: a disk takes few flushes at a time. */
#define HELPERS_MAX 7
#define STACK_BYTES ((size_t)256 * 1024)

struct crew {
	struct sync_one *syncs;
	size_t count;
	atomic_size_t next;
};

static void *work(void *context)
{
	struct crew *crew = context;
	size_t i;
	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->count)
		crew->syncs[i].error = fsync(crew->syncs[i].fd) == 0 ? 0 : errno;
	return NULL;
}

static size_t start_helpers(struct crew *crew, pthread_t helpers[HELPERS_MAX])
{
	size_t wanted = crew->count - 1 < HELPERS_MAX ? crew->count - 1 : HELPERS_MAX;
	size_t started = 0;
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	if (pthread_attr_init(&attributes) != 0)
		return 0;
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* A helper inherits the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < wanted && pthread_create(&helpers[started], &attributes, work, crew) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

void sync_many(struct sync_one *syncs, size_t count)
{
	struct crew crew = {.syncs = syncs, .count = count};
	pthread_t helpers[HELPERS_MAX];
	size_t started = count > 1 ? start_helpers(&crew, helpers) : 0;
	work(&crew);
	for (size_t i = 0; i < started; i++)
		pthread_join(helpers[i], NULL);
}
