/* relay_pool.c - connections kept between deliveries. */
#include "store/relay.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Servers close what is idle for some minutes; one of ours is asked sooner. */
#define IDLE_MS INT64_C(30000)
#define BROKEN_MS INT64_C(10000)
#define CONNECT_MS INT64_C(10000)
#define LMTP_PORT "24"
/* Servers that are remembered; of more, those that were used last. */
#define PLACES_MAX 16

struct relay_pool {
	struct relay_line lines[PLACES_MAX];
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
	for (size_t i = 0; *pool != NULL && i < PLACES_MAX; i++) {
		part(&(*pool)->lines[i]);
		free((*pool)->lines[i].place);
	}
	free(*pool);
	*pool = NULL;
}

/* Null: nothing is known of it. */
static const struct relay_line *find_line(const struct relay_pool *pool, const char *place)
{
	for (size_t i = 0; i < PLACES_MAX; i++) {
		const struct relay_line *line = &pool->lines[i];
		if (line->place != NULL && strcmp(line->place, place) == 0)
			return line;
	}
	return NULL;
}

static struct relay_line *line_of(struct relay_pool *pool, const char *place)
{
	const struct relay_line *known = find_line(pool, place);
	struct relay_line *line = &pool->lines[0];
	if (known != NULL)
		return &pool->lines[known - pool->lines];
	for (size_t i = 1; i < PLACES_MAX; i++) {
		if (pool->lines[i].idle_since_ms < line->idle_since_ms)
			line = &pool->lines[i];
	}
	assert(!line->is_taken);
	part(line);
	free(line->place);
	*line = (struct relay_line){.place = memory_string(place)};
	return line;
}

static void is_down(struct relay_line *line, bool is_mute)
{
	line->broken_until_ms = clock_monotonic_ms() + BROKEN_MS;
	line->is_mute = is_mute;
}

void relay_line_is_mute(struct relay_line *line)
{
	is_down(line, true);
}

bool relay_pool_is_broken(const struct relay_pool *pool, const char *place)
{
	const struct relay_line *line = find_line(pool, place);
	return line != NULL && line->broken_until_ms > clock_monotonic_ms();
}

struct relay_line *relay_pool_take(
    struct relay_pool *pool, const char *place, int64_t deadline_ms, struct status *status)
{
	struct relay_line *line = line_of(pool, place);
	assert(!line->is_taken);
	int64_t now_ms = clock_monotonic_ms();
	int64_t limit_ms = now_ms + CONNECT_MS < deadline_ms ? now_ms + CONNECT_MS : deadline_ms;
	if (line->connection != NULL && now_ms - line->idle_since_ms > IDLE_MS)
		part(line);
	line->is_taken = line->connection != NULL;
	if (line->is_taken)
		return line;
	if (line->is_mute && line->broken_until_ms > now_ms) {
		status_fail(status, CAUSE_MAILBOX, "%s did not answer a moment ago", place);
		return NULL;
	}
	line->broken_until_ms = 0;
	line->idle_since_ms = now_ms;
	line->connection = smtp_connection_open(place, LMTP_PORT, limit_ms, status);
	line->is_taken = line->connection != NULL;
	if (line->is_taken)
		return line;
	is_down(line, clock_left_ms(limit_ms) == 0);
	return NULL;
}

void relay_pool_give(struct relay_line *line)
{
	line->is_taken = false;
	line->idle_since_ms = clock_monotonic_ms();
}
