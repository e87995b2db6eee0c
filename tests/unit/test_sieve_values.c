/* What tests make of header values: encoded words, addresses; and the wildcard match. */
#include "sieve-lite/address_list.h"
#include "sieve-lite/header_text.h"
#include "sieve-lite/match.h"
#include "tests/unit/sieve_room.h"

static struct arena *arena;

START_TEST(encoded_words_are_decoded)
{
	static const struct {
		struct span value;
		struct span text;
	} rows[] = {
	    {SPAN(""), SPAN("")},
	    {SPAN("plain"), SPAN("plain")},
	    {SPAN("=?us-ascii?Q?a_b=20c?="), SPAN("a b c")},
	    {SPAN("=?UTF-8?q?=C3=BC?="), SPAN("\xC3\xBC")},
	    {SPAN("=?utf-8?B?w7w=?="), SPAN("\xC3\xBC")},
	    {SPAN("=?utf-8?B?w7w?="), SPAN("\xC3\xBC")},
	    {SPAN("=?iso-8859-1?Q?=FC?="), SPAN("\xC3\xBC")},
	    {SPAN("=?iso-8859-15?Q?=A4?="), SPAN("\xE2\x82\xAC")},
	    {SPAN("=?windows-1252?Q?=80?="), SPAN("\xE2\x82\xAC")},
	    {SPAN("=?koi8-r?B?8NLJ18XU?="),
	        SPAN("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82")},
	    {SPAN("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="), SPAN("\xE6\x97\xA5\xE6\x9C\xAC")},
	    {SPAN("=?utf-8*de?Q?a?="), SPAN("a")},
	    {SPAN("a =?utf-8?Q?b?= c"), SPAN("a b c")},
	    {SPAN("=?utf-8?Q?a?= =?utf-8?Q?b?="), SPAN("ab")},
	    {SPAN("=?utf-8?Q?a?=  \t =?iso-8859-1?Q?b?="), SPAN("ab")},
	    {SPAN("=?utf-8?Q?a?= x =?utf-8?Q?b?="), SPAN("a x b")},
	    {SPAN("=?utf-8?Q?a?==?utf-8?Q?b?="), SPAN("ab")},
	    {SPAN("x=?utf-8?Q?a?=y"), SPAN("xay")},
	    /* a character cut in two */
	    {SPAN("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), SPAN("\xC3\xBC")},
	    {SPAN("=?utf-8?B?ww==?= =?utf-8?B?vA==?="), SPAN("\xC3\xBC")},
	    /* NUL does not end it */
	    {SPAN("=?utf-8?Q?a=00b?="), SPAN("a\0b")},
	    /* what cannot be decoded stays */
	    {SPAN("=?utf-8?Q?=FF?="), SPAN("\xFF")},
	    {SPAN("=?utf-8?Q?G=C3=BC_=C3?="), SPAN("G\xC3\xBC \xC3")},
	    {SPAN("=?shift_jis?B?gqD/?="), SPAN("\xE3\x81\x82\xEF\xBF\xBD")},
	    {SPAN("=?klingon?Q?a?="), SPAN("=?klingon?Q?a?=")},
	    {SPAN("=?klingon?Q?a?= =?utf-8?Q?b?="), SPAN("=?klingon?Q?a?= b")},
	    {SPAN("=?utf-8?Q?b?= =?klingon?Q?a?= =?utf-8?Q?b?="), SPAN("b =?klingon?Q?a?= b")},
	    {SPAN("=?utf-8?X?a?="), SPAN("=?utf-8?X?a?=")},
	    {SPAN("=?utf-8?Q?a"), SPAN("=?utf-8?Q?a")},
	    {SPAN("=?utf-8?Q"), SPAN("=?utf-8?Q")},
	    {SPAN("=?=?=?"), SPAN("=?=?=?")},
	    {SPAN("?="), SPAN("?=")},
	    {SPAN("=?u//IGNORE?Q?a?="), SPAN("=?u//IGNORE?Q?a?=")},
	    {SPAN("=?utf-8?Q?=4?="), SPAN("=4")},
	    {SPAN("=?utf-8?Q?a b?="), SPAN("a b")},
	    {SPAN("=?utf-8?Q?"
	          "?="),
	        SPAN("")},
	    {SPAN("raw \xC3\xBC \xFF =?utf-8?Q?=C3=BC?="), SPAN("raw \xC3\xBC \xFF \xC3\xBC")},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arena = arena_new();
		struct span text = header_text_decode(arena, rows[i].value);
		ck_assert_msg(span_equals(text, rows[i].text), "%s gives %.*s", rows[i].value.data,
		    (int)text.len, text.data);
		arena_free(&arena);
	}
}
END_TEST

/* Made to be read again and again by a careless decoder. */
START_TEST(hostile_words_take_linear_time)
{
	static const char *const pieces[] = {"=?a?q?x ", "=?", "=?x?q?=00?= ", "=?utf-8?b?", "?="};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct bytes value = {0};
		while (value.len < 1024 * 1024)
			bytes_append_text(&value, pieces[i]);
		bytes_append_text(&value, "?=");
		arena = arena_new();
		header_text_decode(arena, bytes_span(&value));
		arena_free(&arena);
		bytes_clear(&value);
	}
}
END_TEST

START_TEST(address_lists_are_read)
{
	static const struct {
		const char *value;
		const char
		    *addresses; /* local|domain, separated by blanks; "!" and text: invalid */
	} rows[] = {
	    {"", ""},
	    {"a@x", "a|x"},
	    {" a@x , b@y.z ", "a|x b|y.z"},
	    {"<a@x>", "a|x"},
	    {"A B <a@x>, \"C, D\" <c@y>", "a|x c|y"},
	    {"John Q. Public <john@x>", "john|x"},
	    {"a@x (comment), (other) b@y", "a|x b|y"},
	    {"a(one(two)three) @ (four) x . y (\\)) ", "a|x.y"},
	    {"\"odd user\"@x", "odd user|x"},
	    {"\"a\\\"b\"@x", "a\"b|x"},
	    {"\"a\".b@x", "a.b|x"},
	    {"a@[192.0.2.1]", "a|[192.0.2.1]"},
	    {"<@r1,@r2:a@x>", "a|x"},
	    {"g: a@x, b@y;", "a|x b|y"},
	    {"g:;", ""},
	    {"undisclosed-recipients:;, c@z", "c|z"},
	    {"g: A <a@x>; , b@y", "a|x b|y"},
	    {",,a@x,,", "a|x"},
	    {"a@x\n\t, b@y", "a|x b|y"},
	    {"gr\xC3\xBC\xC3\x9F@b\xC3\xBC.example", "gr\xC3\xBC\xC3\x9F|b\xC3\xBC.example"},
	    {"=?utf-8?Q?a=2C_b?= <a@x>", "a|x"},
	    {"a@x <b@y>", "b|y"},
	    {"a@x b@y", "a|x"},
	    {"a@x; b@y;", "a|x b|y"},
	    {"a <b@x> c, d@y", "b|x d|y"},
	    {"a@x@y", "!a@x@y"},
	    {"root", "!root"},
	    {"root, a@x", "!root a|x"},
	    {"a.@x", "a.|x"},
	    {"a..b@x", "a..b|x"},
	    {"a@x..y", "!a@x..y"},
	    {"a@", "!a@"},
	    {"@x", "!@x"},
	    {"<>", "!<>"},
	    {"<a@x", "!<a@x"},
	    {"\"a", "!\"a"},
	    {"a@[1", "!a@[1"},
	    {"(a", ""},
	    {"a b@x, c@y", "!a b@x c|y"},
	    {"; a@x", "a|x"},
	    {"g: h: a@x;", "!h: a@x"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		arena = arena_new();
		const struct listed_address *listed =
		    address_list_parse(arena, span_of(rows[i].value));
		for (; listed != NULL; listed = listed->next) {
			const struct address *address = &listed->address;
			if (text.len > 0)
				bytes_append_byte(&text, ' ');
			bytes_append_text(&text, listed->is_valid ? "" : "!");
			bytes_append_span(&text, listed->is_valid ? address->local : address->text);
			bytes_append_text(&text, listed->is_valid ? "|" : "");
			bytes_append_span(&text, address->domain);
		}
		ck_assert_str_eq(bytes_terminate(&text), rows[i].addresses);
		bytes_clear(&text);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(wildcards_take_as_little_as_possible)
{
	static const struct {
		const char *pattern;
		const char *value;
		const char *parts; /* null: no match */
	} rows[] = {
	    {"", "", ""},
	    {"", "a", NULL},
	    {"*", "", "[]"},
	    {"*", "abc", "[abc]"},
	    {"?", "a", "[a]"},
	    {"?", "", NULL},
	    {"a?c", "abc", "[b]"},
	    {"a*c", "abcbc", "[bcb]"},
	    {"*a", "bab", NULL},
	    {"*b*", "abab", "[a][ab]"},
	    {"**", "ab", "[][ab]"},
	    {"*?*", "ab", "[][a][b]"},
	    {"[*] *", "[acme] [fwd] out", "[acme][[fwd] out]"},
	    {"coyote@**.com", "coyote@acme.example.com", "[][acme.example]"},
	    {"\\*", "*", ""},
	    {"\\*", "a", NULL},
	    {"a\\?", "a?", ""},
	    {"\\\\*", "\\x", "[x]"},
	    {"\\a", "a", ""},
	    {"a\\", "a\\", ""},
	    {"*aab", "aaaab", "[aa]"},
	    {"A*", "aX", "[X]"},
	    {"*a*b*c*", "xaybzcw", "[x][y][z][w]"},
	};
	struct sieve_room room;
	room_open(&room, SPAN("\n"));
	struct run run = {.arena = room.arena, .input = &room.input};
	const struct extension *core = registry_extension(3);
	const struct matching how = {.comparator = &core->comparators[1]};
	struct match match = {.run = &run, .how = &how};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span parts[8];
		size_t count;
		struct bytes text = {0};
		bool result = match_glob(
		    &match, span_of(rows[i].value), span_of(rows[i].pattern), parts, 8, &count);
		ck_assert_msg(result == (rows[i].parts != NULL), "%s", rows[i].pattern);
		for (size_t j = 0; result && j < count; j++)
			bytes_appendf(&text, "[%.*s]", (int)parts[j].len, parts[j].data);
		if (result)
			ck_assert_str_eq(bytes_terminate(&text), rows[i].parts);
		bytes_clear(&text);
	}
	room_close(&room);
}
END_TEST

UNIT_TESTS("sieve values", encoded_words_are_decoded, hostile_words_take_linear_time,
    address_lists_are_read, wildcards_take_as_little_as_possible)
