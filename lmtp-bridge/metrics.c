/* metrics.c - the board as Prometheus reads it, https://prometheus.io/docs/instrumenting/
 * exposition_formats/. No label has a value that a client chooses. */
#include "lmtp-bridge/metrics.h"

#include "base/clock.h"

#include <inttypes.h>

static void head(struct bytes *to, const char *name, const char *type, const char *help)
{
	bytes_appendf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(
    struct bytes *to, const char *name, const char *type, const char *help, uint64_t value)
{
	head(to, name, type, help);
	bytes_appendf(to, "%s %" PRIu64 "\n", name, value);
}

static uint64_t counter(const struct board *board, enum board_counter which)
{
	return atomic_load_explicit(&board->counters[which], memory_order_relaxed);
}

static void causes(struct bytes *to, const char *name, const char *help,
    const _Atomic uint64_t counts[CAUSE_COUNT])
{
	head(to, name, "counter", help);
	for (unsigned i = 0; i < CAUSE_COUNT; i++)
		bytes_appendf(to, "%s{cause=\"%s\"} %" PRIu64 "\n", name, cause_name((enum cause)i),
		    atomic_load(&counts[i]));
}

static void stages(const struct board *board, struct bytes *to)
{
	static const char name[] = "ladle_stage_seconds";
	head(to, name, "histogram", "How long each stage took for one recipient or message.");
	for (unsigned s = 0; s < BOARD_STAGES; s++) {
		const struct board_histogram *histogram = &board->stages[s];
		const char *stage = board_stage_name((enum board_stage)s);
		uint64_t sum = 0;
		for (unsigned i = 0; i < BOARD_BUCKETS - 1; i++) {
			sum += atomic_load(&histogram->counts[i]);
			bytes_appendf(to, "%s_bucket{stage=\"%s\",le=\"%g\"} %" PRIu64 "\n", name,
			    stage, (double)board_bounds_us[i] / 1e6, sum);
		}
		sum += atomic_load(&histogram->counts[BOARD_BUCKETS - 1]);
		bytes_appendf(
		    to, "%s_bucket{stage=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, stage, sum);
		bytes_appendf(to, "%s_sum{stage=\"%s\"} %.6f\n", name, stage,
		    (double)atomic_load(&histogram->sum_us) / 1e6);
		bytes_appendf(to, "%s_count{stage=\"%s\"} %" PRIu64 "\n", name, stage, sum);
	}
}

static void processes(const struct board *board, struct bytes *to)
{
	static const char *const kinds[BOARD_KINDS] = {[BOARD_DELIVERY] = "delivery",
	    [BOARD_LMTP] = "lmtp",
	    [BOARD_POLICY] = "policy",
	    [BOARD_SERVICE] = "service"};
	static const char *const states[BOARD_STATES] = {"free", "held", "busy"};
	uint64_t counts[BOARD_KINDS][BOARD_STATES] = {0};
	uint32_t end = board_slot_end(board);
	for (uint32_t i = 0; i < end; i++) {
		uint32_t kind = atomic_load(&board->slots[i].kind);
		uint32_t state = atomic_load(&board->slots[i].state);
		if (kind < BOARD_KINDS && state < BOARD_STATES)
			counts[kind][state]++;
	}
	head(to, "ladle_processes", "gauge",
	    "Processes by what they are for, and whether they are free, wait for somebody, or "
	    "work.");
	for (unsigned k = BOARD_DELIVERY; k < BOARD_KINDS; k++) {
		for (unsigned s = 0; s < BOARD_STATES; s++)
			bytes_appendf(to, "ladle_processes{kind=\"%s\",state=\"%s\"} %" PRIu64 "\n",
			    kinds[k], states[s], counts[k][s]);
	}
}

void metrics_format(const struct board *board, struct bytes *to)
{
	double up_s = (double)(clock_monotonic_ms() - atomic_load(&board->started_ms)) / 1000;
	int64_t outbox = atomic_load(&board->outbox_users);
	head(to, "ladle_up_seconds", "gauge", "How long the bridge has been running.");
	bytes_appendf(to, "ladle_up_seconds %.3f\n", up_s);
	one(to, "ladle_sessions_total", "counter", "Sessions begun.",
	    counter(board, BOARD_SESSIONS));
	processes(board, to);
	head(to, "ladle_refused_total", "counter",
	    "Connections and recipients refused because a limit was reached.");
	bytes_appendf(to,
	    "ladle_refused_total{limit=\"sessions\"} %" PRIu64 "\n"
	    "ladle_refused_total{limit=\"client_sessions\"} %" PRIu64 "\n"
	    "ladle_refused_total{limit=\"user_sessions\"} %" PRIu64 "\n",
	    counter(board, BOARD_REFUSED_ALL), counter(board, BOARD_REFUSED_CLIENT),
	    counter(board, BOARD_REFUSED_USER));
	one(to, "ladle_messages_total", "counter", "Messages received to their end.",
	    counter(board, BOARD_MESSAGES));
	one(to, "ladle_message_bytes_total", "counter", "Bytes of those messages.",
	    counter(board, BOARD_BYTES));
	causes(to, "ladle_rcpt_total",
	    "Answers to RCPT and to the policy service, by cause; \"delivered\" is yes.",
	    board->admitted);
	causes(to, "ladle_deliveries_total",
	    "What became of each recipient of each message, by cause.", board->delivered);
	one(to, "ladle_lost_replies_total", "counter",
	    "Answers of success, one for each recipient, that the client is not known to have "
	    "heard.",
	    atomic_load(&board->lost_replies.lost));
	one(to, "ladle_remembered_replies_total", "counter",
	    "Those of them that were remembered, so that the message is known when it comes again.",
	    atomic_load(&board->lost_replies.remembered));
	one(to, "ladle_replays_total", "counter",
	    "Recipients of messages that came again after a lost reply, and were not stored twice.",
	    atomic_load(&board->lost_replies.recognised));
	stages(board, to);
	head(to, "ladle_crashes_total", "counter", "Processes that ended badly.");
	bytes_appendf(to,
	    "ladle_crashes_total{kind=\"delivery\"} %" PRIu64 "\n"
	    "ladle_crashes_total{kind=\"other\"} %" PRIu64 "\n",
	    counter(board, BOARD_CRASHES_DELIVERY), counter(board, BOARD_CRASHES_SESSION));
	head(to, "ladle_reloads_total", "counter",
	    "Configurations read again, by whether they were taken.");
	bytes_appendf(to,
	    "ladle_reloads_total{result=\"taken\"} %" PRIu64 "\n"
	    "ladle_reloads_total{result=\"refused\"} %" PRIu64 "\n",
	    counter(board, BOARD_RELOADS), counter(board, BOARD_RELOADS_REFUSED));
	if (outbox >= 0) {
		one(to, "ladle_outbox_messages", "gauge",
		    "Messages that waited to be sent when the flusher last saw to all of them.",
		    (uint64_t)atomic_load(&board->outbox_items));
		one(to, "ladle_outbox_users", "gauge",
		    "Users whose outbox had something left when the flusher last saw to all of "
		    "them.",
		    (uint64_t)outbox);
	}
}
