/* relay_pool.c - connections kept between deliveries. */
#include "store/relay.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Servers close what is idle for some minutes; one of ours is asked sooner. */
#define IDLE_MS INT64_C(30000)
#define BROKEN_MS INT64_C(10000)
#define CONNECT_MS INT64_C(10000)
#define LMTP_PORT "24"

struct relay_pool {
	struct relay_line lines[RELAY_LINES_MAX];
};

struct relay_pool *relay_pool_new(void)
{
	return memory_new(1, sizeof(struct relay_pool));
}

void relay_line_close(struct relay_line *line)
{
	smtp_connection_close(&line->connection);
	line->server = (struct smtp_server){0};
}

/* One that nobody uses: the server learns that its last reply has arrived. */
static void part(struct relay_line *line)
{
	smtp_connection_part(&line->connection);
	relay_line_close(line);
}

void relay_pool_free(struct relay_pool **pool)
{
	for (size_t i = 0; *pool != NULL && i < RELAY_LINES_MAX; i++) {
		if ((*pool)->lines[i].is_taken)
			relay_line_close(&(*pool)->lines[i]);
		else
			part(&(*pool)->lines[i]);
		free((*pool)->lines[i].place);
	}
	free(*pool);
	*pool = NULL;
}

/* A free line to the place, best an open one, else one that can be made so. */
static struct relay_line *find_line(struct relay_pool *pool, const char *place)
{
	struct relay_line *best = NULL;
	for (size_t i = 0; i < RELAY_LINES_MAX; i++) {
		struct relay_line *line = &pool->lines[i];
		if (line->is_taken)
			continue;
		if (line->place != NULL && strcmp(line->place, place) == 0)
			return line;
		if (best == NULL || line->idle_since_ms < best->idle_since_ms)
			best = line;
	}
	if (best == NULL)
		return NULL;
	part(best);
	free(best->place);
	*best = (struct relay_line){.place = memory_string(place)};
	return best;
}

void relay_line_is_mute(struct relay_line *line)
{
	line->broken_until_ms = line->mute_until_ms = clock_monotonic_ms() + BROKEN_MS;
}

static bool is_broken(const struct relay_pool *pool, const char *place, bool is_mute)
{
	for (size_t i = 0; i < RELAY_LINES_MAX; i++) {
		const struct relay_line *line = &pool->lines[i];
		int64_t until_ms = is_mute ? line->mute_until_ms : line->broken_until_ms;
		if (line->place != NULL && strcmp(line->place, place) == 0 &&
		    until_ms > clock_monotonic_ms())
			return true;
	}
	return false;
}

bool relay_pool_is_broken(const struct relay_pool *pool, const char *place)
{
	return is_broken(pool, place, false);
}

struct relay_line *relay_pool_take(
    struct relay_pool *pool, const char *place, int64_t deadline_ms, struct status *status)
{
	struct relay_line *line = find_line(pool, place);
	int64_t now_ms = clock_monotonic_ms();
	if (line == NULL) {
		status_fail(status, CAUSE_TOO_BUSY, "%d connections are in use", RELAY_LINES_MAX);
		return NULL;
	}
	if (line->connection != NULL && now_ms - line->idle_since_ms > IDLE_MS)
		part(line);
	if (line->connection == NULL && is_broken(pool, place, true)) {
		status_fail(status, CAUSE_MAILBOX, "%s did not answer a moment ago", place);
		return NULL;
	}
	if (line->connection == NULL) {
		int64_t limit_ms = now_ms + CONNECT_MS;
		limit_ms = limit_ms < deadline_ms ? limit_ms : deadline_ms;
		line->connection = smtp_connection_open(place, LMTP_PORT, limit_ms, status);
		line->broken_until_ms =
		    line->connection == NULL ? clock_monotonic_ms() + BROKEN_MS : 0;
		if (line->connection == NULL && clock_left_ms(limit_ms) == 0)
			relay_line_is_mute(line);
	}
	line->is_taken = line->connection != NULL;
	return line->is_taken ? line : NULL;
}

void relay_pool_give(struct relay_line *line)
{
	line->is_taken = false;
	line->idle_since_ms = clock_monotonic_ms();
}
