#include "store/maildir_name.h"
#include "store/mutf7.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

START_TEST(folder_names_have_their_form_on_disk)
{
	static const struct {
		const char *text, *encoded;
	} rows[] = {
	    {"", ""},
	    {"Junk", "Junk"},
	    {"R&D", "R&-D"},
	    {"&", "&-"},
	    {"Entw\xC3\xBCrfe", "Entw&APw-rfe"},
	    {"\xC3\xBC.\xC3\xBC", "&APw-.&APw-"},
	    {"\xC3\xBC&", "&APw-&-"},
	    /* The examples of RFC 3501. */
	    {"~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
	        "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
	    {"\xE2\x98\xBA!", "&Jjo-!"},
	    /* Outside the first plane: two UTF-16 units. */
	    {"\xF0\x9F\x98\x80", "&2D3eAA-"},
	    {"\xF0\x90\x80\x80", "&2ADcAA-"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes encoded = {0};
		ck_assert(mutf7_append(&encoded, span_of(rows[i].text)));
		ck_assert_str_eq(bytes_terminate(&encoded), rows[i].encoded);
		bytes_clear(&encoded);
	}
	struct bytes none = {0};
	ck_assert(!mutf7_append(&none, span_of("\xFF")));
	ck_assert_uint_eq(none.len, 0);
}
END_TEST

START_TEST(folder_names_have_one_canonical_form)
{
	static const struct {
		struct span name;
		char separator;
		const char *canonical; /* null: refused */
	} rows[] = {
	    {SPAN(""), '.', ""},
	    {SPAN("inbox"), '.', ""},
	    {SPAN("INBOX.inbox"), '.', ""},
	    {SPAN("INBOX.Work.Reports"), '.', "Work.Reports"},
	    {SPAN("INBOX/Work/Reports"), '/', "Work.Reports"},
	    {SPAN("Work.INBOX"), '.', "Work.INBOX"},
	    {SPAN("INBOXES"), '.', "INBOXES"},
	    {SPAN("a~b.~c"), '.', "a~b.~c"},
	    {SPAN("Gr\xC3\xBC\xC3\x9F"
	          "e"),
	        '.',
	        "Gr\xC3\xBC\xC3\x9F"
	        "e"},
	    {SPAN("new"), '.', "new"},
	    {SPAN("."), '.', NULL},
	    {SPAN(".."), '.', NULL},
	    {SPAN("../x"), '/', NULL},
	    {SPAN("a/../b"), '/', NULL},
	    {SPAN("a/./b"), '/', NULL},
	    {SPAN("v1.2"), '/', NULL},
	    {SPAN("a/b"), '.', NULL},
	    {SPAN("a..b"), '.', NULL},
	    {SPAN("a."), '.', NULL},
	    {SPAN("INBOX."), '.', NULL},
	    {SPAN("/etc"), '/', NULL},
	    {SPAN("~root"), '.', NULL},
	    {SPAN("INBOX.~root"), '.', NULL},
	    {SPAN("a\0b"), '.', NULL},
	    {SPAN("a\nb"), '.', NULL},
	    {SPAN("a\x7F"), '.', NULL},
	    {SPAN("a\xC2\x85"), '.', NULL},
	    {SPAN("\xFF"), '.', NULL},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span canonical;
		const char *why;
		bool is_good = maildir_folder_name(
		    arena, rows[i].separator, false, rows[i].name, &canonical, &why);
		ck_assert_msg(is_good == (rows[i].canonical != NULL), "row %zu", i);
		ck_assert_msg(is_good == (why == NULL), "row %zu", i);
		if (is_good)
			ck_assert_msg(span_is(canonical, rows[i].canonical), "row %zu", i);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(folder_names_fit_a_directory_entry)
{
	struct arena *arena = arena_new();
	struct span canonical;
	const char *why;
	char name[300];
	memset(name, 'x', sizeof(name));
	ck_assert(
	    maildir_folder_name(arena, '.', false, (struct span){name, 254}, &canonical, &why));
	ck_assert(
	    !maildir_folder_name(arena, '.', false, (struct span){name, 255}, &canonical, &why));
	ck_assert_str_eq(why, "too long");

	/* It is the form on disk that counts: 100 times &APw- does not fit, in UTF-8 it does. */
	struct bytes long_name = {0};
	for (int i = 0; i < 100; i++)
		bytes_append_text(&long_name, "\xC3\xBCx");
	struct span wide = span_first(bytes_span(&long_name), 240);
	ck_assert(!maildir_folder_name(arena, '.', false, wide, &canonical, &why));
	ck_assert(maildir_folder_name(arena, '.', true, wide, &canonical, &why));
	ck_assert_uint_eq(strlen(maildir_disk_name(arena, true, canonical)), 241);
	bytes_clear(&long_name);
	ck_assert_str_eq(maildir_disk_name(arena, false, span_of("")), ".");
	ck_assert_str_eq(maildir_disk_name(arena, false, span_of("a.\xC3\xBC")), ".a.&APw-");
	arena_free(&arena);
}
END_TEST

START_TEST(host_names_cannot_change_what_a_name_means)
{
	static const struct {
		const char *host, *shown;
	} rows[] = {
	    {"mx1.example.org", ".mx1.example.org"},
	    {NULL, ".localhost"},
	    {"", ".localhost"},
	    {"../../x", "...\\057..\\057x"},
	    {"x:2,S", ".x\\0722\\054S"},
	    {"x,S=1", ".x\\054S\\0751"},
	    {"\xC3\xBC", ".\\303\\274"},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = maildir_unique_name(arena, rows[i].host, 7);
		size_t at = strlen(name) - strlen(rows[i].shown);
		ck_assert_str_eq(name + at, rows[i].shown);
	}
	char host[1000];
	memset(host, '/', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	const char *name = maildir_unique_name(arena, host, 4294967295U);
	name = maildir_final_name(arena, name, UINT64_MAX, UINT64_MAX, "DFPRST");
	ck_assert_uint_le(strlen(name), MAILDIR_NAME_MAX);
	arena_free(&arena);
}
END_TEST

START_TEST(unique_names_are_unique)
{
	struct arena *arena = arena_new();
	char *one = maildir_unique_name(arena, "h", 0);
	char *two = maildir_unique_name(arena, "h", 0);
	ck_assert_str_ne(one, two);
	/* <sec>.M<usec>P<pid>_<n>R<16 hex>.<host> */
	long long second;
	long micro;
	long process;
	unsigned number;
	unsigned long long random;
	int end = 0;
	int fields = sscanf(
	    one, "%lld.M%6ldP%ld_%uR%16llx.h%n", &second, &micro, &process, &number, &random, &end);
	ck_assert_int_eq(fields, 5);
	ck_assert_int_eq(end, (int)strlen(one));
	arena_free(&arena);
}
END_TEST

START_TEST(flags_become_sorted_letters)
{
	static const struct {
		const char *flags[5];
		const char *letters, *name;
	} rows[] = {
	    {{NULL}, "", "n,S=10,W=12"},
	    {{"\\Seen"}, "S", "n,S=10,W=12:2,S"},
	    {{"\\SEEN", "\\flagged", "\\seen"}, "FS", "n,S=10,W=12:2,FS"},
	    {{"\\Deleted", "$forwarded", "\\Draft", "\\Answered"}, "DPRT", "n,S=10,W=12:2,DPRT"},
	    {{"$Junk", "\\Recent", "Seen", "\\"}, "", "n,S=10,W=12"},
	};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span flags[5];
		size_t count = 0;
		for (; rows[i].flags[count] != NULL; count++)
			flags[count] = span_of(rows[i].flags[count]);
		char letters[MAILDIR_FLAGS_SIZE];
		maildir_flag_letters(flags, count, letters);
		ck_assert_str_eq(letters, rows[i].letters);
		ck_assert_str_eq(maildir_final_name(arena, "n", 10, 12, letters), rows[i].name);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(names_on_disk_are_read_back)
{
	static const struct {
		const char *name;
		const char *text; /* null: nobody writes it so */
	} rows[] = {
	    {"Work.2024", "Work.2024"},
	    {"Entw&APw-rfe", "Entw\xC3\xBCrfe"},
	    {"R&-D", "R&D"},
	    {"&2D3eAA-", "\xF0\x9F\x98\x80"},
	    {"Entw&APw", NULL},
	    {"&AGE-", NULL}, /* "a" needs no shift */
	    {"&2D0-", NULL}, /* half a character */
	    {"&3gA-", NULL}, /* its other half */
	    {"&AP!-", NULL},
	    {"&APw-&APw-", NULL}, /* two shifts where one would do */
	    {"\xC3\xBC", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		bool is_read = mutf7_decode(&text, span_of(rows[i].name));
		ck_assert_msg(is_read == (rows[i].text != NULL), "%s", rows[i].name);
		if (is_read)
			ck_assert_str_eq(bytes_terminate(&text), rows[i].text);
		bytes_clear(&text);
	}
}
END_TEST

UNIT_TESTS("maildir_name", names_on_disk_are_read_back, folder_names_have_their_form_on_disk,
    folder_names_have_one_canonical_form, folder_names_fit_a_directory_entry,
    host_names_cannot_change_what_a_name_means, unique_names_are_unique,
    flags_become_sorted_letters)
