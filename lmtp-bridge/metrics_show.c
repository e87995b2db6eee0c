/* metrics_show.c - the board for people: lmtp-bridge --status. */
#include "lmtp-bridge/metrics.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const state_names[BOARD_STATES] = {"free", "waits", "works"};
static const char *const kind_names[BOARD_KINDS] = {"", "delivery", "lmtp", "policy", "service"};

static void show_time(struct bytes *to, int64_t ms)
{
	if (ms < 10000)
		bytes_appendf(to, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else if (ms < 600000)
		bytes_appendf(to, "%" PRId64 " s", ms / 1000);
	else
		bytes_appendf(to, "%" PRId64 " h %02" PRId64 " min", ms / 3600000, ms / 60000 % 60);
}

/* Of the last minute, which is not quite over. */
static double rate(const struct board *board, int64_t now_ms)
{
	uint64_t sum = 0;
	int64_t now_s = now_ms / 1000;
	for (unsigned i = 0; i < BOARD_SECONDS; i++) {
		int64_t second = atomic_load(&board->second[i]);
		if (second < now_s && second >= now_s - 60)
			sum += atomic_load(&board->second_count[i]);
	}
	int64_t up_s = (now_ms - atomic_load(&board->started_ms)) / 1000;
	return (double)sum / (double)(up_s < 1 ? 1 : up_s < 60 ? up_s : 60);
}

static void show_causes(
    struct bytes *to, const char *title, const _Atomic uint64_t counts[CAUSE_COUNT])
{
	bytes_appendf(to, "%s", title);
	for (unsigned i = 0; i < CAUSE_COUNT; i++) {
		uint64_t count = atomic_load(&counts[i]);
		if (count > 0 || i == 0)
			bytes_appendf(to, "  %s %" PRIu64, cause_name((enum cause)i), count);
	}
	bytes_append_byte(to, '\n');
}

/* The bound of the bucket that holds the `percent`th of a hundred. */
static double quantile_ms(const struct board_histogram *histogram, uint64_t count, unsigned percent)
{
	uint64_t seen = 0;
	unsigned i = 0;
	for (; i < BOARD_BUCKETS - 1; i++) {
		seen += atomic_load(&histogram->counts[i]);
		if (seen * 100 >= count * percent)
			break;
	}
	return (double)board_bounds_us[i < BOARD_BUCKETS - 1 ? i : BOARD_BUCKETS - 2] / 1000;
}

static void show_stages(const struct board *board, struct bytes *to)
{
	for (unsigned s = 0; s < BOARD_STAGES; s++) {
		const struct board_histogram *histogram = &board->stages[s];
		uint64_t count = 0;
		for (unsigned i = 0; i < BOARD_BUCKETS; i++)
			count += atomic_load(&histogram->counts[i]);
		if (count > 0)
			bytes_appendf(to,
			    "%-8s  %10" PRIu64 "  mean %9.3f ms  median <= %g ms  99 %% <= %g ms\n",
			    board_stage_name((enum board_stage)s), count,
			    (double)atomic_load(&histogram->sum_us) / 1000 / (double)count,
			    quantile_ms(histogram, count, 50), quantile_ms(histogram, count, 99));
	}
}

static void show_processes(const struct board *board, struct bytes *to, int64_t now_ms)
{
	uint32_t end = board_slot_end(board);
	for (uint32_t i = 0; i < end; i++) {
		const struct board_slot *slot = &board->slots[i];
		uint32_t kind = atomic_load(&slot->kind);
		uint32_t state = atomic_load(&slot->state);
		char text[BOARD_TEXT];
		char peer[sizeof(slot->peer)];
		if (kind == BOARD_NOTHING || kind >= BOARD_KINDS || state >= BOARD_STATES)
			continue;
		board_text_of(board, i, text, sizeof(text));
		board_peer_of(board, i, peer, sizeof(peer));
		bytes_appendf(to, "%8d  %-8s  %-6s ", (int)atomic_load(&slot->pid),
		    kind_names[kind], state_names[state]);
		show_time(to, now_ms - atomic_load(&slot->since_ms));
		if (kind == BOARD_DELIVERY)
			bytes_appendf(to, "  served %" PRIu64, atomic_load(&slot->done_count));
		if (peer[0] != '\0')
			bytes_appendf(to, "  [%s]", peer);
		if (state == BOARD_BUSY && text[0] != '\0')
			bytes_appendf(to, "  %s", text);
		bytes_append_byte(to, '\n');
	}
}

static size_t count_of(const struct board *board, enum board_kind kind, bool only_busy)
{
	size_t count = 0;
	uint32_t end = board_slot_end(board);
	for (uint32_t i = 0; i < end; i++)
		count += atomic_load(&board->slots[i].kind) == kind &&
		         (!only_busy || atomic_load(&board->slots[i].state) == BOARD_BUSY);
	return count;
}

void metrics_show(const struct board *board, struct bytes *to)
{
	int64_t now_ms = clock_monotonic_ms();
	bytes_appendf(to, "lmtp-bridge %d, up ", (int)atomic_load(&board->supervisor_pid));
	show_time(to, now_ms - atomic_load(&board->started_ms));
	bytes_appendf(to,
	    "\nsessions  %zu now, %zu with a message; %" PRIu64 " so far, %" PRIu64 " sent away\n",
	    count_of(board, BOARD_LMTP, false), count_of(board, BOARD_LMTP, true),
	    atomic_load(&board->counters[BOARD_SESSIONS]),
	    atomic_load(&board->counters[BOARD_REFUSED_ALL]) +
	        atomic_load(&board->counters[BOARD_REFUSED_CLIENT]));
	bytes_appendf(
	    to, "rate      %.1f deliveries/s over the last minute\n", rate(board, now_ms));
	bytes_appendf(to, "messages  %" PRIu64 ", %" PRIu64 " bytes\n",
	    atomic_load(&board->counters[BOARD_MESSAGES]),
	    atomic_load(&board->counters[BOARD_BYTES]));
	show_causes(to, "rcpt    ", board->admitted);
	show_causes(to, "mail    ", board->delivered);
	if (atomic_load(&board->lost_replies.lost) > 0)
		bytes_appendf(to,
		    "replies   %" PRIu64 " lost, %" PRIu64 " of them remembered; %" PRIu64
		    " messages came again\n",
		    atomic_load(&board->lost_replies.lost),
		    atomic_load(&board->lost_replies.remembered),
		    atomic_load(&board->lost_replies.recognised));
	if (atomic_load(&board->outbox_users) >= 0)
		bytes_appendf(to, "outbox    %" PRId64 " messages wait, of %" PRId64 " users\n",
		    atomic_load(&board->outbox_items), atomic_load(&board->outbox_users));
	bytes_appendf(to, "crashes   %" PRIu64 " of delivery processes, %" PRIu64 " of others\n\n",
	    atomic_load(&board->counters[BOARD_CRASHES_DELIVERY]),
	    atomic_load(&board->counters[BOARD_CRASHES_SESSION]));
	show_stages(board, to);
	bytes_append_byte(to, '\n');
	show_processes(board, to, now_ms);
}
