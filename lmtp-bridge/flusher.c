/* flusher.c - looks for announced mail, twice a second, at the times of two directories. */
#include "lmtp-bridge/flusher.h"

#include "base/clock.h"
#include "deliver/sweep.h"
#include "lmtp-bridge/signals.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 500
/* Two clocks that meet in a file's time. */
#define OVERLAP_S 2

static void leave(int number)
{
	(void)number;
	_exit(EXIT_SUCCESS);
}

int flusher_run(const struct settings *settings, struct board *board)
{
	/* At the start, and then now and then, also what nobody announces any more. */
	int64_t retry_ms = 0;
	int64_t thorough_ms = 0;
	time_t looked_at = 0;
	pid_t parent = getppid();
	struct sweep *sweep = sweep_new(settings, 0);
	signals_end(leave);
	while (getppid() == parent) {
		int64_t now_ms = clock_monotonic_ms();
		time_t now = clock_now().tv_sec;
		bool is_thorough = now_ms >= thorough_ms;
		bool is_retry = is_thorough || now_ms >= retry_ms;
		struct sweep_round round = {
		    .is_thorough = is_thorough, .since = is_retry ? 0 : looked_at - OVERLAP_S};
		struct sweep_tally tally;
		if (sweep_has_news(sweep) || is_retry) {
			sweep_begin(sweep, &round);
			looked_at = now;
		}
		if (is_retry)
			retry_ms = now_ms + (int64_t)settings->outbox.retry_min_s * 1000;
		if (is_thorough)
			thorough_ms = now_ms + (int64_t)settings->outbox.retry_max_s * 1000;
		poll(NULL, 0, LOOK_MS);
		sweep_look(sweep);
		if (sweep_count(sweep, &tally))
			board_set_outbox(board, tally.waiting + tally.failed, tally.items);
	}
	sweep_free(&sweep);
	return EXIT_SUCCESS;
}
