#include "base/arena.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(span_compares_ascii_without_case)
{
	ck_assert(span_equals_nocase(SPAN("Return-PATH"), SPAN("return-path")));
	ck_assert(!span_equals_nocase(SPAN("\xC4"), SPAN("\xE4")));
	ck_assert(span_is_nocase(SPAN("SubJect"), "sUbject") && span_is_nocase(SPAN(""), ""));
	ck_assert(!span_is_nocase(SPAN("sub"), "subject") && !span_is_nocase(SPAN("sub"), ""));
	ck_assert(!span_is_nocase(SPAN("subject"), "sub") && !span_is_nocase(SPAN("a\0"), "a"));
	ck_assert(!span_equals(SPAN("a\0b"), SPAN("a\0c")));
	ck_assert(span_starts_with_nocase(SPAN("From x"), "FROM "));
	ck_assert(!span_starts_with(SPAN("Fr"), "From"));
}
END_TEST

START_TEST(span_gives_pieces_and_lines)
{
	struct span rest = SPAN("a,,b,");
	struct span piece;
	const char *expected[] = {"a", "", "b", ""};
	for (size_t i = 0; i < 4; i++) {
		ck_assert(span_next_piece(&rest, ',', &piece));
		ck_assert(span_is(piece, expected[i]));
	}
	ck_assert(!span_next_piece(&rest, ',', &piece));
	rest = SPAN("one\n\nlast");
	ck_assert(span_next_line(&rest, &piece) && span_is(piece, "one"));
	ck_assert(span_next_line(&rest, &piece) && span_is(piece, ""));
	ck_assert(span_next_line(&rest, &piece) && span_is(piece, "last"));
	ck_assert(!span_next_line(&rest, &piece));
	ck_assert(span_is(span_trim(SPAN(" \t x y\r\n")), "x y"));
	ck_assert_uint_eq(span_find_last(SPAN("a@b@c"), '@'), 3);
}
END_TEST

START_TEST(bytes_grow_and_drop)
{
	struct bytes bytes = {0};
	for (int i = 0; i < 1000; i++)
		bytes_appendf(&bytes, "%03d,", i);
	ck_assert_uint_eq(bytes.len, 4000);
	bytes_drop(&bytes, 3996);
	ck_assert_str_eq(bytes_terminate(&bytes), "999,");
	bytes_drop(&bytes, 100);
	ck_assert_uint_eq(bytes.len, 0);
	bytes_clear(&bytes);
}
END_TEST

START_TEST(arena_copies_and_resets)
{
	struct arena *arena = arena_new();
	for (int round = 0; round < 3; round++) {
		struct span copy = arena_span(arena, SPAN("nul\0inside"));
		ck_assert(span_equals(copy, SPAN("nul\0inside")));
		ck_assert_str_eq(arena_textf(arena, "%d-%s", 7, "x"), "7-x");
		char *large = arena_new_items(arena, 100000, 1);
		for (int i = 0; i < 100000; i++)
			ck_assert_int_eq(large[i], 0);
		memset(large, 1, 100000);
		arena_reset(arena);
	}
	arena_free(&arena);
	ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(utf8_refuses_what_rfc_3629_refuses)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
	    {"plain", true},
	    {"gr\xC3\xBC\xC3\x9F", true},
	    {"\xE2\x82\xAC", true},
	    {"\xF0\x9F\x90\x9F", true},
	    {"\xC0\x80", false},
	    {"\xE0\x80\x80", false},
	    {"\xED\xA0\x80", false},
	    {"\xF4\x90\x80\x80", false},
	    {"\xC3", false},
	    {"\x80", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(utf8_is_valid(span_of(rows[i].text)) == rows[i].valid, "row %zu", i);
	struct bytes out = {0};
	utf8_append(&out, 0x20AC);
	utf8_append(&out, 0x1F41F);
	utf8_append(&out, 0xD800);
	ck_assert_str_eq(bytes_terminate(&out), "\xE2\x82\xAC\xF0\x9F\x90\x9F\xEF\xBF\xBD");
	bytes_clear(&out);
}
END_TEST

START_TEST(room_for_nothing_is_somewhere)
{
	struct bytes bytes = {0};
	ck_assert_ptr_nonnull(bytes_reserve(&bytes, 0));
	ck_assert_uint_eq(bytes.len, 0);
	bytes_clear(&bytes);
}
END_TEST

UNIT_TESTS("bytes", span_compares_ascii_without_case, span_gives_pieces_and_lines,
    bytes_grow_and_drop, room_for_nothing_is_somewhere, arena_copies_and_resets,
    utf8_refuses_what_rfc_3629_refuses)
