/* Figures that processes share: what each of them may do with them, and bounds that hold whatever
 * stands in them. */
#include "lmtp-bridge/board.h"
#include "lmtp-bridge/metrics.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(void (*work)(struct board *), struct board *board)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		work(board);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void count(struct board *board)
{
	board_hide_replies(board);
	board_add(board, BOARD_MESSAGES, 7);
	board_delivered(board, CAUSE_DELIVERED);
	board_text(board, 0, "id", SPAN("a@x"));
}

static void forget_replies(struct board *board)
{
	board_hide_replies(board);
	/* The first and the last of them: none may be left over on a page with other figures. */
	board_lost_replies(board)->buckets[0] = 0;
}

static void forget_last_reply(struct board *board)
{
	board_hide_replies(board);
	board_lost_replies(board)->buckets[REPLAY_BUCKETS - 1] = 0;
}

START_TEST(a_session_counts_and_cannot_reach_the_lost_replies)
{
	struct board *board = board_open("");
	ck_assert_ptr_nonnull(board);
	board_lost_replies(board)->buckets[0] = 3;
	board_lost_replies(board)->buckets[REPLAY_BUCKETS - 1] = 4;
	ck_assert_int_eq(in_child(count, board), 0);
	ck_assert_uint_eq(board->counters[BOARD_MESSAGES], 7);
	ck_assert_uint_eq(board->delivered[CAUSE_DELIVERED], 1);
	ck_assert_int_ne(in_child(forget_replies, board), 0);
	ck_assert_int_ne(in_child(forget_last_reply, board), 0);
	ck_assert_int_eq(board_lost_replies(board)->buckets[0], 3);
	ck_assert_int_eq(board_lost_replies(board)->buckets[REPLAY_BUCKETS - 1], 4);
	board_close(&board);
}
END_TEST

/* As one that was taken over would leave it. */
START_TEST(any_bytes_are_within_bounds)
{
	struct board *board = board_open("");
	char text[BOARD_TEXT + 1];
	memset(board->open_part, 0xFF, BOARD_OPEN_BYTES);
	ck_assert_uint_eq(board_slot_end(board), BOARD_SLOTS);
	ck_assert_uint_eq(board_slot_take(board, BOARD_LMTP, 1, BOARD_HELD), BOARD_NO_SLOT);
	ck_assert_uint_eq(board_count_free(board, 1), 0);
	ck_assert_int_eq(board_state_of(board, 0), BOARD_BUSY);
	board_text_of(board, 0, text, sizeof(text));
	ck_assert_uint_le(strlen(text), BOARD_TEXT);
	ck_assert_uint_le(board_user_count(board, 0, 5), BOARD_SLOTS);
	board_user_add(board, 0, 5);
	board_state(board, 0, BOARD_FREE);
	board_state(board, 0, BOARD_BUSY);
	board_slot_clear(board, 0);
	ck_assert_uint_eq(board_slot_take(board, BOARD_LMTP, 1, BOARD_HELD), 0);
	board_close(&board);
}
END_TEST

/* A library that is loaded later must not come to lie within what board_close() takes away. */
START_TEST(nothing_else_comes_to_lie_where_the_lost_replies_were)
{
	struct board *board = board_open("");
	void *place = &board->lost_replies;
	board_hide_replies(board);
	char *other = mmap(place, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(other, MAP_FAILED);
	ck_assert_ptr_ne(other, place);
	board_close(&board);
	other[0] = 1;
	munmap(other, 4096);
}
END_TEST

/* An administrator's terminal obeys control characters; U+009B is one of two bytes. */
START_TEST(what_is_shown_has_no_control_characters)
{
	struct board *board = board_open("");
	struct bytes shown = {0};
	uint32_t slot = board_slot_take(board, BOARD_LMTP, 0, BOARD_BUSY);
	board_text(board, slot, "id",
	    SPAN("\x1B[31m\xC2\x9B"
	         "2J\xC3\xBC@x"));
	memcpy(board->slots[slot].peer, "\x1B]0;x\a\xC2\x9B", sizeof("\x1B]0;x\a\xC2\x9B"));
	metrics_show(board, &shown);
	const char *text = bytes_terminate(&shown);
	ck_assert_ptr_nonnull(strstr(text, "id ?[31m??2J\xC3\xBC@x"));
	ck_assert_ptr_nonnull(strstr(text, "[?]0;x???]"));
	ck_assert_ptr_null(strchr(text, 0x1B));
	bytes_clear(&shown);
	board_close(&board);
}
END_TEST

UNIT_TESTS("board", a_session_counts_and_cannot_reach_the_lost_replies, any_bytes_are_within_bounds,
    nothing_else_comes_to_lie_where_the_lost_replies_were, what_is_shown_has_no_control_characters)
