#include "deliver/expand.h"
#include "tests/unit/unit.h"

START_TEST(a_setting_gets_what_belongs_to_the_user)
{
	static const struct {
		const char *text;
		const char *expanded; /* null: refused */
	} rows[] = {
	    {"maildir:~/Maildir", "maildir:/home/anna/Maildir"},
	    {"~/.dovecot.sieve", "/home/anna/.dovecot.sieve"},
	    {"~", "/home/anna"},
	    {"/var/~anna/~/x", "/var/~anna/~/x"},
	    {"maildir:/srv/%{domain}/%{user}", "maildir:/srv/example.org/anna@example.org"},
	    {"/s/%{local}/%{detail}/%{uid}%%", "/s/anna/lists/1007%"},
	    {"%{home}/x", "/home/anna/x"},
	    {"plain", "plain"},
	    {"", ""},
	    {"/x/%{usr}", NULL},
	    {"/x/%user", NULL},
	    {"/x/%{user", NULL},
	    {"/x/%", NULL},
	};
	struct user user = {.name = SPAN("anna@example.org"),
	    .local = SPAN("anna"),
	    .domain = SPAN("example.org"),
	    .detail = SPAN("lists"),
	    .uid = 1007,
	    .home = SPAN("/home/anna"),
	    .source = "virtual"};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct status status;
		const char *got = NULL;
		bool is_good = expand(arena, "store.location", rows[i].text, &user, &got, &status);
		ck_assert_msg(is_good == (rows[i].expanded != NULL), "%s", rows[i].text);
		if (is_good)
			ck_assert_str_eq(got, rows[i].expanded);
		else
			ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(no_address_leads_out_of_its_directory)
{
	static const struct span bad[] = {
	    {"..", 2}, {".", 1}, {"../anna", 7}, {"a/b", 3}, {"a\0b", 3}};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct user user = {
		    .name = bad[i], .local = bad[i], .detail = bad[i], .source = "x"};
		struct status status;
		const char *got;
		ck_assert(!expand(arena, "s", "/srv/%{user}", &user, &got, &status));
		ck_assert(!expand(arena, "s", "/srv/%{detail}", &user, &got, &status));
	}
	arena_free(&arena);
}
END_TEST

START_TEST(a_user_without_a_home_is_told)
{
	struct user user = {.name = SPAN("anna"), .home = SPAN(""), .source = "virtual"};
	struct arena *arena = arena_new();
	struct status status;
	const char *got;
	ck_assert(!expand(arena, "store.location", "maildir:~/M", &user, &got, &status));
	ck_assert_str_eq(status.detail, "store.location = \"maildir:~/M\" wants a home directory, "
	                                "but the source \"virtual\" has none for \"anna\"");
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("expand", a_setting_gets_what_belongs_to_the_user, no_address_leads_out_of_its_directory,
    a_user_without_a_home_is_told)
