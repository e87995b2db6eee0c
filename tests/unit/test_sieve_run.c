/* Scripts over messages: which actions come out. */
#include "tests/unit/sieve_room.h"

static struct sieve_room room;

static const char message[] =
    "From: Anna <anna@Example.ORG>\n"
    "To: \"Bert, the one\" <bert+lists@example.net>, carla@example.com (Carla)\n"
    "Cc: friends: dora@example.com, <@relay.example:emil@example.com>; , broken\n"
    "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IGF1cyBLw7ZsbmA=?=\n"
    "X-Folded: one\n  two\n"
    "X-Caffeine: C8H10N4O2\n"
    "X-Empty:\n"
    "X-Twice: first\n"
    "x-twice :   second  \n"
    "X-Raw: gr\xC3\xBC\xC3\x9F\n"
    "\n"
    "Hello\n";

START_TEST(scripts_decide)
{
	static const struct {
		const char *script;
		const char *actions;
	} rows[] = {
	    {"", "implicit keep"},
	    {"keep;", "keep"},
	    {"keep; keep;", "keep"},
	    {"discard;", "discard"},
	    {"discard; keep;", "discard, keep"},
	    {"stop; discard;", "implicit keep"},
	    {"require \"fileinto\"; fileinto \"a\";", "fileinto a"},
	    {"require \"fileinto\"; fileinto \"a\"; fileinto \"b\";", "fileinto a, fileinto b"},
	    {"require \"fileinto\"; fileinto \"a\"; fileinto \"a\";", "fileinto a"},
	    {"require \"fileinto\"; fileinto \"a\"; fileinto \"A\";", "fileinto a, fileinto A"},
	    {"require \"fileinto\"; keep; fileinto \"Inbox\";", "keep"},
	    {"require \"fileinto\"; fileinto \"INBOX\"; keep;", "keep"},
	    {"require [\"fileinto\", \"copy\"]; fileinto :copy \"a\";",
	        "fileinto a, implicit keep"},
	    {"require [\"fileinto\", \"copy\"]; fileinto :copy \"a\"; fileinto \"a\";",
	        "fileinto a"},
	    {"require \"imap4flags\"; keep :flags \"\\\\Seen a\";", "keep [\\Seen a]"},
	    {"require \"imap4flags\"; setflag \"a B\"; keep;", "keep [a B]"},
	    {"require \"imap4flags\"; setflag \"a\"; keep; addflag \"b\";", "keep [a]"},
	    {"require \"imap4flags\"; setflag \"a\"; keep :flags \"\"; addflag \"b\";", "keep"},
	    {"require \"imap4flags\"; setflag \"a\"; addflag [\"b A\", \"\"];",
	        "implicit keep [a b]"},
	    {"require \"imap4flags\"; keep :flags \"a\"; keep :flags \"b\";", "keep [b]"},
	    {"require \"imap4flags\"; keep :flags \"a\"; keep;", "keep"},
	    {"require \"imap4flags\"; setflag \"\\\\Recent \\\\seen (x gr\xC3\xBC a\"; keep;",
	        "keep [\\seen a]"},
	    {"require [\"imap4flags\", \"variables\"]; addflag \"v\" \"a\"; keep;", "keep"},
	    {"require [\"imap4flags\", \"variables\"]; set \"v\" \"x  Y x\"; keep :flags \"${v}\";",
	        "keep [x Y]"},
	    {"if true { keep; }", "keep"},
	    {"if false { keep; } discard;", "discard"},
	    {"if true { stop; } discard;", "implicit keep"},
	    {"if true { if true { stop; } discard; } discard;", "implicit keep"},
	    {"if false {} elsif false {} else { discard; }", "discard"},
	    {"if false {} elsif true { keep; } elsif true { discard; } else { discard; }", "keep"},
	    {"if true {} elsif true { discard; } else { discard; }", "implicit keep"},
	    {"if true {} else { discard; } if false {} else { keep; }", "keep"},
	    {"if false { discard; } elsif false { discard; } keep;", "keep"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		room_open(&room, SPAN(message));
		ck_assert_msg(strcmp(room_run(&room, rows[i].script), rows[i].actions) == 0,
		    "%s gives %s, expected %s", rows[i].script, room_run(&room, rows[i].script),
		    rows[i].actions);
		room_close(&room);
	}
}
END_TEST

START_TEST(tests_see_the_message)
{
	static const struct {
		const char *test;
		bool result;
	} rows[] = {
	    {"true", true},
	    {"false", false},
	    {"not true", false},
	    {"anyof (false, false)", false},
	    {"anyof (false, true)", true},
	    {"allof (true, true)", true},
	    {"allof (true, false)", false},
	    {"not allof (true, not anyof (false, true))", true},
	    /* exists */
	    {"exists \"From\"", true},
	    {"exists [\"FROM\", \"x-empty\"]", true},
	    {"exists [\"From\", \"Nope\"]", false},
	    {"exists \"From:\"", false},
	    /* header */
	    {"header \"X-Caffeine\" \"\"", false},
	    {"header :contains \"X-Caffeine\" \"\"", true},
	    {"header :is \"x-caffeine\" \"c8h10n4o2\"", true},
	    {"header :is :comparator \"i;octet\" \"x-caffeine\" \"c8h10n4o2\"", false},
	    {"header :is \"Nope\" \"\"", false},
	    {"header :contains \"Nope\" \"\"", false},
	    {"header :is \"X-Empty\" \"\"", true},
	    {"not header :matches \"X-Empty\" \"?*\"", true},
	    {"header \"Subject\" \"gr\xC3\xBC\xC3\x9F"
	     "e aus k\xC3\xB6ln`\"",
	        true},
	    {"header :contains \"X-Raw\" \"gr\xC3\xBC\"", true},
	    {"header \"X-Folded\" \"one  two\"", true},
	    {"header \"X-Twice\" \"second\"", true},
	    {"header \"X-Twice\" [\"third\", \"FIRST\"]", true},
	    {"header [\"Nope\", \"X-Twice\"] \"first\"", true},
	    {"header \"X-Twice\" \"firstsecond\"", false},
	    {"header :matches \"X-Twice\" \"s*d\"", true},
	    /* address */
	    {"address \"from\" \"anna@example.org\"", true},
	    {"address :all \"from\" \"anna@example.org\"", true},
	    {"address :comparator \"i;octet\" \"from\" \"anna@example.org\"", false},
	    {"address :localpart \"from\" \"anna\"", true},
	    {"address :domain \"from\" \"example.org\"", true},
	    {"address :domain \"to\" \"example.com\"", true},
	    {"address \"to\" \"Bert\"", false},
	    {"address :contains \"to\" \"the one\"", false},
	    {"address :contains \"to\" \"Carla)\"", false},
	    {"address \"cc\" \"dora@example.com\"", true},
	    {"address \"cc\" \"emil@example.com\"", true},
	    {"address :contains \"cc\" \"friends\"", false},
	    {"address :all \"cc\" \"broken\"", true},
	    {"address :localpart \"cc\" \"broken\"", false},
	    {"address :localpart :contains \"cc\" \"\"", true},
	    {"address [\"bcc\", \"sender\"] \"\"", false},
	    {"address :user \"to\" \"bert\"", true},
	    {"address :detail \"to\" \"lists\"", true},
	    {"address :detail \"from\" \"\"", false},
	    {"address :user \"from\" \"anna\"", true},
	    /* envelope */
	    {"envelope \"from\" \"anna@example.org\"", true},
	    {"envelope :domain \"From\" \"EXAMPLE.ORG\"", true},
	    {"envelope :localpart \"to\" \"bert+lists\"", true},
	    {"envelope :detail \"to\" \"lists\"", true},
	    {"envelope [\"from\", \"to\"] \"bert+lists@example.net\"", true},
	    /* size: every LF counts as CR LF */
	    {"size :over 363", true},
	    {"size :over 364", false},
	    {"size :under 364", false},
	    {"size :under 365", true},
	    {"size :over 1G", false},
	    /* encoded characters */
	    {"header :contains \"x-caffeine\" \"$${hex:40}\"", false},
	};
	room_open(&room, SPAN(message));
	ck_assert_uint_eq(message_crlf_bytes(&room.message), 364);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(
		    room_test(&room, "\"envelope\", \"subaddress\", \"encoded-character\"",
		        rows[i].test) == rows[i].result,
		    "%s is not %d", rows[i].test, rows[i].result);
	room_close(&room);
}
END_TEST

START_TEST(the_envelope_has_what_the_client_said)
{
	room_open(&room, SPAN(message));
	room.envelope.ret = ENVELOPE_RET_HDRS;
	room.envelope.envid = SPAN("QQ314159");
	room.recipient.notify = ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY;
	room.recipient.orcpt = SPAN("rfc822;bert@example.net");
	static const char *const tests[] = {"envelope \"notify\" \"SUCCESS,DELAY\"",
	    "envelope \"ret\" \"HDRS\"", "envelope \"envid\" \"QQ314159\"",
	    "envelope :contains \"orcpt\" \"bert@\""};
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		ck_assert_msg(
		    room_test(&room, "\"envelope\", \"envelope-dsn\"", tests[i]), "%s", tests[i]);
	room_close(&room);
}
END_TEST

static enum sieve_answer on_list(void *context, struct span list, struct span value)
{
	(void)context;
	if (!span_is(list, "urn:friends"))
		return span_is(list, "urn:down") ? SIEVE_CANNOT_TELL : SIEVE_NO;
	return value.data == NULL || span_is(value, "anna@Example.ORG") ? SIEVE_YES : SIEVE_NO;
}

START_TEST(lists_are_the_hosts)
{
	room_open(&room, SPAN(message));
	room.host.list_has = on_list;
	ck_assert(room_test(&room, "\"extlists\"", "address :list \"from\" \"urn:friends\""));
	ck_assert(!room_test(&room, "\"extlists\"", "address :list \"to\" \"urn:friends\""));
	ck_assert(!room_test(&room, "\"extlists\"", "address :list \"from\" \"urn:other\""));
	ck_assert(room_test(&room, "\"extlists\"", "valid_ext_list \"urn:friends\""));
	ck_assert_str_eq(room_run(&room, "require \"extlists\"; if header :list \"from\" "
	                                 "\"urn:down\" { discard; }"),
	    "1:24 cannot tell what is on a list at the moment");
	room_close(&room);
}
END_TEST

static enum sieve_answer seen(void *context, struct span id, uint64_t seconds, bool is_last)
{
	const char *wanted = context;
	ck_assert_str_eq(arena_textf(room.arena, "%.*s %ju %d", (int)id.len, id.data,
	                     (uintmax_t)seconds, is_last),
	    wanted);
	return SIEVE_YES;
}

START_TEST(duplicates_are_the_hosts)
{
	static char plain[] = "0:<7@x> 604800 0";
	static char all[] = "1:hsecond 60 1";
	room_open(&room, SPAN("Message-ID: <7@x>\nX-Id: second\n\n"));
	room.host.is_duplicate = seen;
	room.host.context = plain;
	ck_assert(room_test(&room, "\"duplicate\"", "duplicate"));
	ck_assert(room_test(&room, "\"duplicate\"", "duplicate :header \"message-id\""));
	ck_assert(!room_test(&room, "\"duplicate\"", "duplicate :header \"nope\""));
	ck_assert(!room_test(&room, "\"duplicate\"", "duplicate :seconds 0"));
	room.host.context = all;
	ck_assert(room_test(
	    &room, "\"duplicate\"", "duplicate :last :seconds 60 :handle \"h\" :header \"x-id\""));
	room_close(&room);
}
END_TEST

START_TEST(the_null_sender_is_the_empty_string)
{
	room_open(&room, SPAN(message));
	room.envelope.sender = room_address(&room, "");
	static const char *const parts[] = {":all", ":localpart", ":domain", ":detail"};
	for (size_t i = 0; i < 4; i++)
		ck_assert(room_test(&room, "\"envelope\", \"subaddress\"",
		    arena_textf(room.arena, "envelope %s \"from\" \"\"", parts[i])));
	room_close(&room);
}
END_TEST

/* RFC 5228 2.4.2.4 has most of these. */
START_TEST(encoded_characters_are_decoded)
{
	static const struct {
		const char *text;
		const char *value;
	} rows[] = {
	    {"$${hex:40}", "$@"},
	    {"${hex: 40 }", "@"},
	    {"${HEX: 40}", "@"},
	    {"${hex:40", "${hex:40"},
	    {"${hex:400}", "${hex:400}"},
	    {"${hex:4${hex:30}}", "${hex:40}"},
	    {"${hex:24 24\t7b}x", "$${x"},
	    {"${hex:4}${hex:}", "\x04${hex:}"},
	    {"${unicode:40}", "@"},
	    {"${ unicode:40}", "${ unicode:40}"},
	    {"${UNICODE:40}", "@"},
	    {"${UnICoDE:0000040}", "@"},
	    {"${Unicode:Cool}", "${Unicode:Cool}"},
	    {"${unicode:fc 20AC 10FFFF}", "\xC3\xBC\xE2\x82\xAC\xF4\x8F\xBF\xBF"},
	    {"${unicode:40 }${hex:C3 BC}", "@\xC3\xBC"},
	    {"${", "${"},
	    {"$", "$"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text = {0};
		bytes_appendf(&text, "X-Value: %s\n\n", rows[i].value);
		room_open(&room, bytes_span(&text));
		const char *test = arena_textf(
		    room.arena, "header :comparator \"i;octet\" \"x-value\" \"%s\"", rows[i].text);
		ck_assert_msg(room_test(&room, "\"encoded-character\"", test), "%s", rows[i].text);
		room_close(&room);
		bytes_clear(&text);
	}
}
END_TEST

START_TEST(actions_say_where_they_were_decided)
{
	struct sieve_errors errors = {0};
	struct sieve_result result;
	room_open(&room, SPAN(message));
	struct sieve_script *script = room_compile(
	    &room, "require \"fileinto\";\nif true {\n  fileinto \"a\"; keep;\n}\n", &errors);
	ck_assert_int_eq(sieve_run(room.arena, script, &room.input, &result), SIEVE_DONE);
	ck_assert_str_eq(result.actions.first->origin.script, "t");
	ck_assert_uint_eq(result.actions.first->origin.line, 3);
	ck_assert_uint_eq(result.actions.first->origin.column, 3);
	ck_assert_uint_eq(result.actions.last->origin.column, 17);
	room_close(&room);
}
END_TEST

static enum sieve_answer out_of_time(void *context)
{
	(void)context;
	return SIEVE_YES;
}

START_TEST(runs_are_limited)
{
	struct bytes script = {0};
	room_open(&room, SPAN(message));
	bytes_append_text(&script, "require \"fileinto\";\n");
	for (unsigned i = 0; i < 40; i++)
		bytes_appendf(&script, "fileinto \"%u\";\n", i);
	ck_assert_str_eq(
	    room_run(&room, bytes_terminate(&script)), "34:1 too many actions: at most 32");
	bytes_clear(&script);
	room.host.is_out_of_time = out_of_time;
	ck_assert_str_eq(room_run(&room, "keep;"), "1:1 this script exceeded its CPU time limit");
	room_close(&room);
}
END_TEST

/* Patterns made to be slow, against a header as long as is read: over the budget or not, soon. */
START_TEST(hostile_patterns_end)
{
	struct bytes text = {0};
	bytes_append_text(&text, "X-Long: ");
	for (unsigned i = 0; i < 500000; i++)
		bytes_append_byte(&text, 'a');
	bytes_append_text(&text, "\n\n");
	room_open(&room, bytes_span(&text));
	bytes_reset(&text);
	bytes_append_text(&text, "if header :matches \"x-long\" \"");
	for (unsigned i = 0; i < 100000; i++)
		bytes_append_text(&text, "*a");
	bytes_append_text(&text, "b\" { discard; }");
	const char *result = room_run(&room, bytes_terminate(&text));
	ck_assert_msg(
	    strcmp(result, "implicit keep") == 0 || strstr(result, "too many steps"), "%s", result);
	ck_assert_str_eq(room_run(&room, "if header :matches \"x-long\" \"*a*a*a*a*a*a*ab\" "
	                                 "{ discard; }"),
	    "implicit keep");
	bytes_clear(&text);
	room_close(&room);
}
END_TEST

static void remember(void *context, const struct sieve_trace_event *event)
{
	struct bytes *text = context;
	static const char *const kinds[] = {"run", "value", "test"};
	bytes_appendf(text, "%u:%u %*s%s %s", event->line, event->column, (int)event->depth, "",
	    kinds[event->kind], event->name);
	if (event->kind == SIEVE_TRACE_VALUE)
		bytes_appendf(text, " %.*s=%.*s ~ %.*s", (int)event->source.len, event->source.data,
		    (int)event->value.len, event->value.data, (int)event->key.len, event->key.data);
	if (event->kind != SIEVE_TRACE_COMMAND)
		bytes_append_text(text, event->result ? " yes" : " no");
	bytes_append_byte(text, '\n');
}

START_TEST(the_trace_says_why)
{
	struct bytes text = {0};
	const struct sieve_trace trace = {&text, remember};
	room_open(&room, SPAN(message));
	room.input.trace = &trace;
	room_run(&room, "if not header \"X-Twice\" \"second\" {\n stop;\n} else {\n discard;\n}");
	ck_assert_str_eq(bytes_terminate(&text), "1:1  run if\n"
	                                         "1:8    value is X-Twice=first ~ second no\n"
	                                         "1:8    value is X-Twice=second ~ second yes\n"
	                                         "1:8    test header yes\n"
	                                         "1:4   test not no\n"
	                                         "4:2   run discard\n");
	bytes_clear(&text);
	room_close(&room);
}
END_TEST

UNIT_TESTS("sieve runs", scripts_decide, tests_see_the_message, the_null_sender_is_the_empty_string,
    the_envelope_has_what_the_client_said, lists_are_the_hosts, duplicates_are_the_hosts,
    encoded_characters_are_decoded, actions_say_where_they_were_decided, runs_are_limited,
    hostile_patterns_end, the_trace_says_why)
