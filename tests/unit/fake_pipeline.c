/* fake_pipeline.c - a pipeline whose recipients do as their names say, for tests of what stands
 * in front of it: no... unknown, full... full unless a probe, late... trouble, crash... dies at
 * delivery, crashrcpt... at RCPT too, hang... never ends. Each delivered message leaves a line
 * "recipient size" in the file that FAKE_DELIVERIES names. */
#include "deliver/pipeline.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct pipeline {
	int unused;
};

struct pipeline *pipeline_open(const struct settings *settings, struct status *status)
{
	static struct pipeline pipeline;
	(void)settings;
	(void)status;
	return &pipeline;
}

void pipeline_close(struct pipeline **pipeline)
{
	*pipeline = NULL;
}

static bool is_named(const struct pipeline_recipient *recipient, const char *prefix)
{
	return span_starts_with(recipient->envelope.address.local, prefix);
}

void pipeline_remember(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count)
{
	(void)pipeline;
	(void)call;
	(void)envelope;
	(void)spool;
	(void)recipients;
	(void)count;
}

bool pipeline_admit(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct pipeline_recipient *recipient,
    struct status *status)
{
	(void)pipeline;
	(void)envelope;
	if (is_named(recipient, "crashrcpt"))
		raise(SIGKILL);
	if (is_named(recipient, "no"))
		return status_set(status, CAUSE_USER_UNKNOWN, NULL);
	if (is_named(recipient, "full") && !call->is_probe)
		return status_set(status, CAUSE_MAILBOX_FULL, NULL);
	return true;
}

static void note_delivered(const struct pipeline_recipient *recipient, const struct spool *spool)
{
	char line[512];
	const char *path = getenv("FAKE_DELIVERIES");
	struct span text = recipient->envelope.address.text;
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int len = snprintf(line, sizeof(line), "%.*s %llu\n", (int)text.len, text.data,
	    (unsigned long long)spool_size_bytes(spool));
	if (fd >= 0 && write(fd, line, (size_t)len) != len)
		abort();
	if (fd >= 0)
		close(fd);
}

static void deliver(
    const struct pipeline_recipient *recipient, const struct spool *spool, struct status *status)
{
	status_delivered(status);
	if (is_named(recipient, "late"))
		status_set(status, CAUSE_MAILBOX, NULL);
	else
		note_delivered(recipient, spool);
}

void pipeline_deliver(struct pipeline *pipeline, const struct pipeline_call *call,
    const struct envelope *envelope, const struct spool *spool,
    const struct pipeline_recipient *recipients, size_t count, struct status *statuses_out,
    void (*told)(void *context, size_t index, const struct status *status), void *context)
{
	(void)pipeline;
	(void)call;
	(void)envelope;
	for (size_t i = 0; i < count; i++) {
		if (is_named(&recipients[i], "crash"))
			raise(SIGKILL);
		while (is_named(&recipients[i], "hang"))
			pause();
		deliver(&recipients[i], spool, &statuses_out[i]);
		told(context, i, &statuses_out[i]);
	}
}
