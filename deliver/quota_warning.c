/* quota_warning.c - tells a program that a mailbox fills up. */
#include "deliver/quota_warning.h"

#include "base/clock.h"
#include "base/detach.h"
#include "base/log.h"
#include "base/spawn.h"

#include <inttypes.h>

#define TIME_LIMIT_S 60

struct run {
	const char *argv[4];
	const char *env[12];
};

static void run_command(void *context)
{
	const struct run *run = context;
	struct spawn_request request = {.argv = run->argv,
	    .env = run->env,
	    .deadline_ms = clock_monotonic_ms() + (int64_t)TIME_LIMIT_S * 1000};
	struct spawn_result result;
	spawn_run(&request, &result);
	bytes_clear(&result.output);
}

static const char *text_variable(struct arena *arena, const char *name, struct span value)
{
	return arena_textf(arena, "%s=%.*s", name, (int)value.len, value.data);
}

static const char *number_variable(struct arena *arena, const char *name, uint64_t value)
{
	return arena_textf(arena, "%s=%" PRIu64, name, value);
}

void quota_warning_run(const struct delivery *delivery, const struct warning_settings *warning,
    const struct quota_change *change)
{
	struct arena *arena = delivery->arena;
	struct run run = {.argv = {"/bin/sh", "-c", warning->command, NULL},
	    .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	        text_variable(arena, "USER", delivery->user.name),
	        text_variable(arena, "LOGNAME", delivery->user.name),
	        text_variable(arena, "HOME", delivery->user.home),
	        text_variable(arena, "RECIPIENT", delivery->recipient->envelope.address.text),
	        text_variable(arena, "QUOTA_WARNING", span_of(warning->title)),
	        number_variable(arena, "QUOTA_STORAGE_BYTES", change->after.storage_bytes),
	        number_variable(arena, "QUOTA_STORAGE_LIMIT_BYTES", change->limit.storage_bytes),
	        number_variable(arena, "QUOTA_MESSAGE_COUNT", change->after.message_count),
	        number_variable(arena, "QUOTA_MESSAGE_LIMIT", change->limit.message_count), NULL}};
	log_write(LOG_LEVEL_INFO, "%s: quota warning \"%s\" for %.*s", delivery->call->id,
	    warning->title, (int)delivery->user.name.len, delivery->user.name.data);
	/* Twice the time of the command: what ends this process would leave the command alone. */
	detach_run(run_command, &run, NULL, 0, 2 * TIME_LIMIT_S);
}
