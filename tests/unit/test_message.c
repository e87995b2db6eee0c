#include "base/file.h"
#include "mail/header.h"
#include "mail/message.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct status status;

/* A finished spool with these bytes, given in pieces of `step`. */
static struct spool *spool_with(struct span bytes, size_t step)
{
	struct spool *spool = spool_new("/tmp");
	for (; bytes.len > 0; bytes = span_from(bytes, step)) {
		struct span piece = span_first(bytes, step);
		ck_assert(spool_append(spool, piece.data, piece.len, &status));
	}
	ck_assert(spool_finish(spool, &status));
	return spool;
}

START_TEST(line_ends_have_one_treatment)
{
	static const struct {
		struct span wire, stored;
		uint64_t lines;
	} rows[] = {
	    {SPAN("a\r\nb\r\n"), SPAN("a\nb\n"), 2},
	    {SPAN("bare\nlf\r\n"), SPAN("bare\nlf\n"), 2},
	    {SPAN("bare\rcr\r\n"), SPAN("bare\rcr\n"), 1},
	    {SPAN("\r\r\n\r"), SPAN("\r\n\r"), 0},
	    {SPAN("a\r\r\r\n\n"), SPAN("a\r\r\n\n"), 1},
	    {SPAN("nul\0\r\n\xFF\xFE"), SPAN("nul\0\n\xFF\xFE"), 1},
	    {SPAN(""), SPAN(""), 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step < 8; step++) {
			struct spool *spool = spool_with(rows[i].wire, step);
			struct span stored = spool_in_memory(spool);
			ck_assert_msg(
			    span_equals(stored, rows[i].stored), "row %zu step %zu", i, step);
			ck_assert_uint_eq(spool_line_count(spool), rows[i].lines);
			ck_assert_int_eq(spool_descriptor(spool), -1);
			spool_free(&spool);
		}
	}
}
END_TEST

START_TEST(a_long_message_goes_to_a_file_and_comes_back)
{
	struct bytes long_text = {0};
	for (int i = 0; i < 200000; i++)
		bytes_appendf(&long_text, "line %d\r\n", i);
	for (size_t step = 1000; step < 10000000; step *= 30) {
		struct spool *spool = spool_with(bytes_span(&long_text), step);
		ck_assert_int_ge(spool_descriptor(spool), 0);
		ck_assert_ptr_null(spool_in_memory(spool).data);
		ck_assert_uint_eq(spool_line_count(spool), 200000);
		ck_assert_uint_eq(spool_size_bytes(spool), long_text.len - 200000);
		char part[12];
		size_t got;
		ck_assert(spool_read(spool, 7, part, 9, &got, &status));
		ck_assert(got == 9 && memcmp(part, "line 1\nli", 9) == 0);
		ck_assert(spool_read(spool, spool_size_bytes(spool) - 3, part, 12, &got, &status));
		ck_assert(got == 3 && memcmp(part, "99\n", 3) == 0);
		ck_assert(spool_read(spool, spool_size_bytes(spool) + 3, part, 12, &got, &status));
		ck_assert_uint_eq(got, 0);
		spool_free(&spool);
	}
	bytes_clear(&long_text);
}
END_TEST

START_TEST(a_spool_that_cannot_grow_fails_for_good_and_for_now)
{
	struct spool *spool = spool_new("/nonexistent");
	char chunk[SPOOL_MEMORY_BYTES / 2 + 1];
	memset(chunk, 'x', sizeof(chunk));
	ck_assert(spool_append(spool, chunk, sizeof(chunk), &status));
	ck_assert(!spool_append(spool, chunk, sizeof(chunk), &status));
	memset(&status, 0, sizeof(status));
	ck_assert(!spool_append(spool, "x", 1, &status));
	ck_assert_int_eq(status_exit(&status), 75);
	ck_assert(!spool_finish(spool, &status));
	spool_free(&spool);
}
END_TEST

START_TEST(the_header_ends_where_it_ends)
{
	static const struct {
		const char *text, *head;
	} rows[] = {
	    {"A: b\n\nbody\n", "A: b\n\n"},
	    {"A: b\n c\n\td\nE : f\n\nbody", "A: b\n c\n\td\nE : f\n\n"},
	    {"A: b\nno field\nC: d\n\nbody", "A: b\nno field\nC: d\n\n"},
	    {"A: b\nFrom x y\n>From x y\n:\nC: d\n\n", "A: b\nFrom x y\n>From x y\n:\nC: d\n\n"},
	    {"A: b\n", "A: b\n"},
	    {"A: b", "A: b"},
	    {"\nbody", "\n"},
	    {"no empty line\nat all", "no empty line\nat all"},
	    {" folded first\nA: b\n\n", " folded first\nA: b\n\n"},
	    {"From x y\nA: b\n\n", "From x y\nA: b\n\n"},
	    {"", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct spool *spool = spool_with(span_of(rows[i].text), 100);
		struct message message;
		ck_assert(message_open(arena, spool, &message, &status));
		ck_assert_msg(span_is(message.head, rows[i].head), "row %zu", i);
		ck_assert_uint_eq(message.size_bytes, strlen(rows[i].text));
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

/* All of a version as message_write() gives it. */
static struct bytes written(const struct message *message)
{
	struct bytes all = {0};
	int fd = file_open_unnamed("/tmp");
	ck_assert(message_write(message, fd, &status));
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(file_read_all(fd, SIZE_MAX / 2, &all), 0);
	close(fd);
	ck_assert_uint_eq(all.len, message->size_bytes);
	return all;
}

START_TEST(a_version_has_another_head_and_the_same_tail)
{
	struct arena *arena = arena_new();
	for (size_t body_len = 0; body_len < 1000000; body_len = body_len * 50 + 1) {
		struct bytes text = {0};
		bytes_append_text(&text, "A: b\n\n");
		for (size_t i = 0; i < body_len; i++)
			bytes_append_byte(&text, i % 70 == 69 ? '\n' : 'x');
		struct spool *spool = spool_with(bytes_span(&text), 4096);
		struct message message;
		ck_assert(message_open(arena, spool, &message, &status));
		struct message version = message_with_head(&message, SPAN("Top: x\nA: b\n\n"));
		ck_assert_uint_eq(version.line_count, message.line_count + 1);
		struct bytes out = written(&version);
		ck_assert(span_starts_with(bytes_span(&out), "Top: x\nA: b\n\n"));
		ck_assert(span_equals(span_from(bytes_span(&out), 7), bytes_span(&text)));
		bytes_clear(&out);
		out = written(&message);
		ck_assert(span_equals(bytes_span(&out), bytes_span(&text)));
		bytes_clear(&out);
		bytes_clear(&text);
		spool_free(&spool);
	}
	arena_free(&arena);
}
END_TEST

/* The same counted byte by byte. */
static uint64_t count_lines(struct span text)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r');
	return lines;
}

START_TEST(a_draft_is_made_of_pieces)
{
	for (size_t body_len = 5; body_len < 1000000; body_len = body_len * 40) {
		struct arena *arena = arena_new();
		struct bytes text = {0};
		bytes_append_text(&text, "A: b\n\n");
		for (size_t i = 0; i < body_len; i++)
			bytes_append_byte(&text, "xx\ny\r\rz\n\0"[i % 9]);
		struct spool *spool = spool_with(bytes_span(&text), 4096);
		struct message message;
		ck_assert(message_open(arena, spool, &message, &status));
		struct bytes stored = written(&message);
		for (size_t cut = 0; cut <= 24; cut++) {
			/* Around all, then around all but a stretch of that. */
			struct message_draft draft = {.arena = arena, .spool = spool};
			message_draft_text(&draft, SPAN("before\r"));
			ck_assert(
			    message_draft_range(&draft, &message, 0, message.size_bytes, &status));
			message_draft_text(&draft, SPAN("\nfoot\n"));
			struct message whole = message_draft_finish(&draft, SPAN("H: i\n\n"));
			struct message_draft cutting = {.arena = arena, .spool = spool};
			ck_assert(message_draft_range(&cutting, &whole, 6, cut, &status));
			message_draft_text(&cutting, SPAN("\nin\r"));
			ck_assert(message_draft_range(
			    &cutting, &whole, cut + 3, whole.size_bytes, &status));
			struct message version = message_draft_finish(&cutting, SPAN("H: i\n\n"));
			struct bytes expected = {0};
			bytes_append_text(&expected, "H: i\n\nbefore\r");
			bytes_append_span(&expected, bytes_span(&stored));
			bytes_append_text(&expected, "\nfoot\n");
			struct bytes out = written(&whole);
			ck_assert(span_equals(bytes_span(&out), bytes_span(&expected)));
			ck_assert_uint_eq(whole.line_count, count_lines(bytes_span(&out)));
			bytes_clear(&out);
			struct bytes cut_text = {0};
			bytes_append_text(&cut_text, "H: i\n\n");
			if (cut > 6)
				bytes_append(&cut_text, expected.data + 6, cut - 6);
			bytes_append_text(&cut_text, "\nin\r");
			bytes_append_span(&cut_text, span_from(bytes_span(&expected), cut + 3));
			out = written(&version);
			ck_assert(span_equals(bytes_span(&out), bytes_span(&cut_text)));
			ck_assert_uint_eq(version.line_count, count_lines(bytes_span(&out)));
			bytes_clear(&out);
			bytes_clear(&cut_text);
			bytes_clear(&expected);
		}
		bytes_clear(&stored);
		bytes_clear(&text);
		spool_free(&spool);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(a_message_may_be_all_in_memory)
{
	struct arena *arena = arena_new();
	struct message version = message_of_text(arena, SPAN("C: d\r\n\r\nother\r\n\r\0x"));
	ck_assert(span_is(version.head, "C: d\n\n"));
	struct bytes out = written(&version);
	ck_assert(span_equals(bytes_span(&out), SPAN("C: d\n\nother\n\r\0x")));
	ck_assert_uint_eq(version.line_count, 3);
	bytes_clear(&out);
	version = message_of_text(arena, SPAN(""));
	ck_assert_uint_eq(version.size_bytes, 0);
	arena_free(&arena);
}
END_TEST

START_TEST(a_header_beyond_the_limit_is_cut_between_lines)
{
	struct arena *arena = arena_new();
	struct bytes text = {0};
	while (text.len < MESSAGE_HEADER_MAX + 100000)
		bytes_append_text(&text, "X-Filler: some text in a header that does not end\n");
	bytes_append_text(&text, "\nbody\n");
	struct spool *spool = spool_with(bytes_span(&text), 100000);
	struct message message;
	ck_assert(message_open(arena, spool, &message, &status));
	ck_assert_uint_le(message.head.len, MESSAGE_HEADER_MAX);
	ck_assert_uint_ge(message.head.len, MESSAGE_HEADER_MAX - 100);
	ck_assert_int_eq(message.head.data[message.head.len - 1], '\n');
	struct bytes out = written(&message);
	ck_assert(span_equals(bytes_span(&out), bytes_span(&text)));
	bytes_clear(&out);
	bytes_clear(&text);
	spool_free(&spool);
	arena_free(&arena);
}
END_TEST

START_TEST(fields_are_found_and_unfolded)
{
	struct arena *arena = arena_new();
	struct span head =
	    SPAN("Subject: one\n two\n\tthree\ngarbage\nX : y\nsubject:second\nEnd:\n\nNo: body\n");
	struct header_field field;
	ck_assert(header_find(head, "SUBJECT", &field));
	ck_assert_str_eq(header_unfold(arena, field.value).data, "one two three");
	ck_assert(header_find(head, "x", &field) && span_is(span_trim(field.value), "y"));
	ck_assert(header_find(head, "end", &field) && field.value.len == 0);
	ck_assert(!header_find(head, "no", &field));
	unsigned count = 0;
	while (header_next(&head, &field))
		count++;
	ck_assert_uint_eq(count, 4);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("message", line_ends_have_one_treatment, a_long_message_goes_to_a_file_and_comes_back,
    a_spool_that_cannot_grow_fails_for_good_and_for_now, the_header_ends_where_it_ends,
    a_version_has_another_head_and_the_same_tail, a_draft_is_made_of_pieces,
    a_message_may_be_all_in_memory, a_header_beyond_the_limit_is_cut_between_lines,
    fields_are_found_and_unfolded)
