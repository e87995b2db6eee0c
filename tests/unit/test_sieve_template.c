/* Texts of the site's with pieces of the message in them. */
#include "sieve-lite/template.h"
#include "tests/unit/unit.h"

static bool look_up(void *context, struct span name, struct span *value_out)
{
	(void)context;
	if (span_is(name, "subject"))
		*value_out = SPAN(" Gr\xC3\xBC\xC3\x9F %{x} ");
	else if (span_is(name, "empty"))
		*value_out = SPAN("");
	else
		return false;
	return true;
}

START_TEST(texts_are_expanded)
{
	static const struct {
		const char *text;
		const char *expanded; /* null: refused */
	} rows[] = {
	    {"", ""},
	    {"plain 100 % %x", "plain 100 % %x"},
	    {"Auto:%{subject}!", "Auto: Gr\xC3\xBC\xC3\x9F %{x} !"},
	    {"%%{subject}", "%{subject}"},
	    {"%{ subject|trim }", "Gr\xC3\xBC\xC3\x9F %{x}"},
	    {"%{subject | trim | upper}", "GR\xC3\xBC\xC3\x9F %{X}"},
	    {"%{subject | trim | truncate(4) | lower}", "gr\xC3\xBC"},
	    {"%{subject | trim | truncate(3)}", "Gr"},
	    {"%{subject | truncate(900)}", " Gr\xC3\xBC\xC3\x9F %{x} "},
	    {"%{empty}%{empty | trim | upper | truncate(3)}", ""},
	    {"%{subject", NULL},
	    {"%{}", NULL},
	    {"%{|lower}", NULL},
	    {"%{nothing}", NULL},
	    {"%{subject | }", NULL},
	    {"%{subject | truncate}", NULL},
	    {"%{subject | truncate(x)}", NULL},
	    {"%{subject | truncate(3}", NULL},
	    {"%{subject | reverse}", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes to = {0};
		bytes_append_text(&to, "<");
		bool is_expanded = template_expand(&to, span_of(rows[i].text), look_up, NULL);
		ck_assert_msg(is_expanded == (rows[i].expanded != NULL), "%s", rows[i].text);
		ck_assert_str_eq(
		    bytes_terminate(&to) + 1, rows[i].expanded != NULL ? rows[i].expanded : "");
		bytes_clear(&to);
	}
}
END_TEST

UNIT_TESTS("sieve template", texts_are_expanded)
