#include "mail/address.h"
#include "tests/unit/unit.h"

static struct arena *arena;

START_TEST(addresses_are_split_and_judged)
{
	static const struct {
		const char *text;
		const char *local; /* null: must be refused */
		const char *domain;
	} rows[] = {
	    {"anna@example.org", "anna", "example.org"},
	    {"anna", "anna", ""},
	    {"", "", ""},
	    {"\"odd user\"@example.org", "odd user", "example.org"},
	    {"\"a\\\"b\\\\c\"@x", "a\"b\\c", "x"},
	    {"@relay,@other:anna@example.org", "anna", "example.org"},
	    {"gr\xC3\xBC\xC3\x9F@b\xC3\xBC"
	     "cher.example",
	        "gr\xC3\xBC\xC3\x9F",
	        "b\xC3\xBC"
	        "cher.example"},
	    {"a.b..c.@x", "a.b..c.", "x"},
	    {"user@[192.0.2.1]", "user", "[192.0.2.1]"},
	    {"user@[IPv6:2001:db8::1]", "user", "[IPv6:2001:db8::1]"},
	    {"a@b@c", "a@b", "c"},
	    {"a+b@x", "a+b", "x"},
	    {"@example.org", NULL, NULL},
	    {"@@example.org", NULL, NULL},
	    {"@relay:@@[:]x", NULL, NULL},
	    {"@relay:", NULL, NULL},
	    {"anna@", NULL, NULL},
	    {"an na@x", NULL, NULL},
	    {"anna@ex ample", NULL, NULL},
	    {"<anna@x>", NULL, NULL},
	    {"\"open@x", NULL, NULL},
	    {"\"a\"b@x", NULL, NULL},
	    {"\"a\\", NULL, NULL},
	    {"a\nb@x", NULL, NULL},
	    {"\xFF@x", NULL, NULL},
	};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address;
		const char *why;
		bool is_ok = address_parse(arena, span_of(rows[i].text), &address, &why);
		ck_assert_msg(is_ok == (rows[i].local != NULL), "%s: %s", rows[i].text, why);
		if (!is_ok) {
			ck_assert_ptr_nonnull(why);
			continue;
		}
		ck_assert_msg(span_is(address.local, rows[i].local), "%s", rows[i].text);
		ck_assert_msg(span_is(address.domain, rows[i].domain), "%s", rows[i].text);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(an_address_has_an_end)
{
	char text[ADDRESS_MAX + 2];
	struct address address;
	arena = arena_new();
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'a';
	ck_assert(address_parse(arena, (struct span){text, ADDRESS_MAX}, &address, NULL));
	ck_assert(!address_parse(arena, (struct span){text, ADDRESS_MAX + 1}, &address, NULL));
	ck_assert(!address_parse(arena, (struct span){"a\0b", 3}, &address, NULL));
	arena_free(&arena);
}
END_TEST

START_TEST(quotes_may_be_gone_on_a_command_line)
{
	static const struct {
		const char *text;
		const char *written; /* null: must be refused */
	} rows[] = {
	    {"anna@example.org", "anna@example.org"},
	    {"odd user@example.org", "\"odd user\"@example.org"},
	    {"odd user", "\"odd user\""},
	    {"\"odd user\"@x", "\"odd user\"@x"},
	    {"a\"b\\c@x", "\"a\\\"b\\\\c\"@x"},
	    {"@x", NULL},
	    {"an na@ex ample", NULL},
	    {"a\nb@x", NULL},
	    {"a \xFF@x", NULL},
	};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address;
		const char *why = NULL;
		bool is_ok = address_parse_unquoted(arena, span_of(rows[i].text), &address, &why);
		ck_assert_msg(is_ok == (rows[i].written != NULL), "%s: %s", rows[i].text, why);
		ck_assert_msg(!is_ok || span_is(address.text, rows[i].written), "%s", rows[i].text);
		ck_assert_msg(is_ok || why != NULL, "%s", rows[i].text);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(null_senders_have_many_names)
{
	ck_assert(address_is_null_sender(SPAN("")));
	ck_assert(address_is_null_sender(SPAN("<>")));
	ck_assert(address_is_null_sender(SPAN("MAILER-DAEMON")));
	ck_assert(address_is_null_sender(SPAN("mailer-daemon")));
	ck_assert(!address_is_null_sender(SPAN("MAILER-DAEMON@example.org")));
}
END_TEST

START_TEST(detail_begins_at_the_first_delimiter)
{
	static const struct {
		const char *local, *delimiters, *user, *detail;
	} rows[] = {
	    {"anna+lists", "+", "anna", "lists"},
	    {"anna+a+b", "+", "anna", "a+b"},
	    {"anna-x+y", "+-", "anna", "x+y"},
	    {"+anna", "+", "+anna", NULL},
	    {"anna+", "+", "anna", ""},
	    {"anna+x", "", "anna+x", NULL},
	    {"anna", "+", "anna", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span user;
		struct span detail;
		address_split_detail(span_of(rows[i].local), rows[i].delimiters, &user, &detail);
		ck_assert_msg(span_is(user, rows[i].user), "%s", rows[i].local);
		ck_assert_int_eq(detail.data == NULL, rows[i].detail == NULL);
		ck_assert(rows[i].detail == NULL || span_is(detail, rows[i].detail));
	}
}
END_TEST

START_TEST(quoting_undoes_parsing)
{
	static const char *const rows[][2] = {{"anna", "anna"}, {"odd user", "\"odd user\""},
	    {"a\"b", "\"a\\\"b\""}, {"a..b", "\"a..b\""}, {".a", "\".a\""}, {"a.", "\"a.\""},
	    {"", "\"\""}, {"a.b", "a.b"}};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(address_quote_local(arena, span_of(rows[i][0])).data, rows[i][1]);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("address", addresses_are_split_and_judged, an_address_has_an_end,
    quotes_may_be_gone_on_a_command_line, null_senders_have_many_names,
    detail_begins_at_the_first_delimiter, quoting_undoes_parsing)
