/* What the compiler says of scripts: parser and checker together, as people see them. */
#include "tests/unit/sieve_room.h"

static struct sieve_room room;

static const char *check(const char *script)
{
	struct sieve_errors errors = {0};
	struct sieve_script *compiled = room_compile(&room, script, &errors);
	ck_assert_int_eq(compiled == NULL, errors.error_count > 0);
	return room_errors(&room, &errors);
}

#define REQ "require [\"fileinto\", \"copy\", \"envelope\", \"subaddress\"];\n"

START_TEST(sound_scripts_are_accepted)
{
	static const char *const scripts[] = {
	    "",
	    "# nothing\n",
	    "keep;",
	    "KEEP; Discard; STOP;",
	    "require \"fileinto\"; require [\"copy\"]; fileinto :copy \"a\";",
	    "require [\"comparator-i;octet\", \"comparator-i;ascii-casemap\"];",
	    "if true { } elsif false { } elsif true { keep; } else { stop; }",
	    "if not not anyof (true, allof (false), size :over 10K) { keep; }",
	    "if header :comparator \"i;octet\" :matches [\"a\", \"b\"] \"c\" { }",
	    "if header :matches :comparator \"i;octet\" \"a\" [\"c\"] { }",
	    "if size :under 5 {} if exists \"a\" {} if exists [\"a\"] {}",
	    "require [\"envelope\", \"subaddress\"];"
	    "if envelope :detail :contains [\"From\", \"TO\"] \"x\" { }",
	    "require \"subaddress\"; if address :user [\"from\", \"Resent-Cc\"] \"x\" { }",
	};
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		room_open(&room, SPAN(""));
		ck_assert_str_eq(check(scripts[i]), "");
		room_close(&room);
	}
}
END_TEST

START_TEST(mistakes_are_told_with_their_place)
{
	static const struct {
		const char *script;
		const char *errors;
	} rows[] = {
	    /* grammar */
	    {"keep", "1:5 expected ';' or '{' but found the end of the script"},
	    {"keep }", "1:6 expected ';' or '{' but found '}'"},
	    {"keep; }", "1:7 this '}' closes nothing: no block is open here"},
	    {"if true { keep;", "1:9 this block is never closed: expected '}'"},
	    {"\"a\"; keep", "1:1 expected a command but found a string"},
	    {"redirect [\"a\" \"b\"]; ;", "1:15 expected ',' or ']' but found a string"},
	    {"if anyof (true false) { keep }\nstop",
	        "1:30 expected ';' or '{' but found "
	        "'}'|2:5 expected ';' or '{' but found the end of the script"},
	    {"if allof () { }",
	        "1:11 expected a test but found ')'|1:4 'allof' has a list without a test"},
	    {"if header [] \"a\" { }", "1:12 expected a string but found ']'"},
	    {"if header [\"a\",] \"a\" { }", "1:16 expected a string but found ']'"},
	    {"if header [10] \"a\" { }", "1:12 expected a string but found a number"},
	    {"keep 1x; discard :;", "1:18 expected ';' or '{' but found ':' without a name"},
	    {"keep $;", "1:6 unexpected character '$'|1:6 expected ';' or '{' but found unknown "
	                "characters"},
	    {"keep / ;", "1:6 expected ';' or '{' but found '/'"},
	    {"if true { keep: } discard 1",
	        "1:15 expected ';' or '{' but found ':' without a "
	        "name|1:28 expected ';' or '{' but found the end of the script"},
	    {"if anyof (true, 5) { 5; } keep", "1:17 expected a test but found a number|1:22 "
	                                       "expected a command or '}' but found a "
	                                       "number"},
	    /* names */
	    {"filinto \"a\";",
	        "1:1 unknown command 'filinto' (reported once); did you mean 'fileinto'?"},
	    {"frobnicate; if true { FROBNICATE 1; }",
	        "1:1 unknown command 'frobnicate' (reported once)"},
	    {"if haeder \"a\" \"b\" { keep :x; }",
	        "1:4 unknown test 'haeder' (reported once); did you mean 'header'?|1:26 unknown "
	        "tag ':x' for 'keep' (reported once)"},
	    {"fileinto \"a\";", "1:1 command 'fileinto' needs: require \"fileinto\";"},
	    {"if envelope \"to\" \"a\" { }", "1:4 test 'envelope' needs: require \"envelope\";"},
	    {"require \"fileinto\"; fileinto :copy \"a\";",
	        "1:30 tag ':copy' needs: require \"copy\";"},
	    {"if address :detail \"to\" \"a\" { }",
	        "1:12 tag ':detail' needs: require \"subaddress\";"},
	    {"if keep { }", "1:4 'keep' is a command, no test"},
	    {"header \"a\" \"b\";", "1:1 'header' is a test: it belongs behind 'if', 'elsif', "
	                            "'not', 'allof' or 'anyof'"},
	    /* require */
	    {"keep; require \"fileinto\";", "1:7 'require' must stand before all other commands"},
	    {"if true { require \"fileinto\"; }",
	        "1:11 'require' must stand before all other commands"},
	    {"require [\"fileinto\", \"nonsense\", \"envelop\", \"FILEINTO\"];",
	        "1:22 unknown extension 'nonsense'|1:34 unknown extension 'envelop'; did you "
	        "mean 'envelope'?|1:45 unknown extension 'FILEINTO'; did you mean 'fileinto'?"},
	    {"require;", "1:1 'require' lacks the extensions: expected a string or a list of "
	                 "strings"},
	    /* arguments */
	    {REQ "fileinto;", "2:1 'fileinto' lacks the mailbox: expected a string"},
	    {REQ "fileinto [\"a\"];", "2:10 'fileinto' wants a string as the mailbox, not a list"},
	    {REQ "fileinto 10;", "2:10 'fileinto' wants a string as the mailbox, not a number"},
	    {REQ "fileinto \"a\" \"b\";",
	        "2:14 too many arguments for 'fileinto': a string is left over"},
	    {REQ "fileinto \"a\" :copy;", "2:14 tag ':copy' must stand before the other arguments"},
	    {REQ "fileinto :copy :COPY \"a\";", "2:16 tag ':COPY' is given twice"},
	    {REQ "fileinto \"\";", "2:10 '' is no name for a mailbox"},
	    {REQ "fileinto \"a\nb\";", "2:10 'a??b' is no name for a mailbox"},
	    {"keep \"a\";", "1:6 too many arguments for 'keep': a string is left over"},
	    {"keep :copy; keep :copy;", "1:6 unknown tag ':copy' for 'keep' (reported once)"},
	    {"if header \"a\" { }",
	        "1:4 'header' lacks the keys: expected a string or a list of strings"},
	    {"if header :is :contains \"a\" \"b\" { }",
	        "1:15 tags ':is' and ':contains' exclude each other"},
	    {"if header :is :is \"a\" \"b\" { }", "1:15 tag ':is' is given twice"},
	    {"if header :comparator \"i;octet\" :comparator \"i;octet\" \"a\" \"b\" { }",
	        "1:33 tag ':comparator' is given twice"},
	    {"if header :comparator \"i;klingon\" \"a\" \"b\" { }",
	        "1:23 unknown comparator 'i;klingon'"},
	    {"if header :comparator 5 \"a\" \"b\" { }",
	        "1:23 tag ':comparator' must be followed by a string, not by a number"},
	    {"if header \"a\" \"b\" :comparator { }",
	        "1:19 tag ':comparator' must stand before the other arguments"},
	    {"if exists :is \"a\" { }", "1:11 unknown tag ':is' for 'exists' (reported once)"},
	    {"if address :localpart :domain \"to\" \"b\" { }",
	        "1:23 tags ':localpart' and ':domain' exclude each other"},
	    {"if address \"subject\" \"b\" { }",
	        "1:12 header 'subject' is not allowed here: it holds no addresses; use the test "
	        "'header'"},
	    {"if header is \"a\" \"b\" { }",
	        "1:4 'header' lacks the header names: expected a string or a list of strings|1:11 "
	        "'header' takes no test; is a ';' missing before 'is'?"},
	    {"if size over 10 { }",
	        "1:4 'size' lacks the limit: expected a number|1:9 'size' takes no "
	        "test; is a ':' missing before the tag 'over'?"},
	    {"if size :over 10X { }",
	        "1:17 'size' takes no test; only K, M or G may follow a number, not 'X'"},
	    {REQ "if envelope [\"to\", \"size\"] \"b\" { }", "2:20 unknown envelope part 'size'"},
	    {"if size 10 { }", "1:4 'size' lacks ':over' or ':under'"},
	    {"if size :over :under 10 { }", "1:15 tags ':over' and ':under' exclude each other"},
	    {"if size :over \"10\" { }", "1:15 'size' wants a number as the limit, not a string"},
	    /* tests and blocks */
	    {"if { }", "1:1 'if' lacks its test"},
	    {"if (true) { }", "1:4 'if' takes one test, not a list; use 'allof' or 'anyof'"},
	    {"if true;", "1:1 'if' lacks its block: expected '{'"},
	    {"if not { }", "1:4 'not' lacks its test"},
	    {"if anyof true { }", "1:4 'anyof' lacks its list of tests in parentheses"},
	    {"if true true { }", "1:9 'true' takes no test; is a ';' missing before 'true'?"},
	    {"keep\ndiscard;", "2:1 'keep' takes no test; is a ';' missing before 'discard'?"},
	    {"keep (true);", "1:6 'keep' takes no tests"},
	    {"keep { }", "1:1 'keep' takes no block"},
	    {"else { }", "1:1 'else' must stand directly behind the block of 'if' or 'elsif'"},
	    {"if true { } else { } else { }",
	        "1:22 'else' must stand directly behind the block of 'if' or 'elsif'"},
	    {"if true { } keep; elsif true { }",
	        "1:19 'elsif' must stand directly behind the block of 'if' or 'elsif'"},
	    {"if true { elsif true { } }",
	        "1:11 'elsif' must stand directly behind the block of 'if' or 'elsif'"},
	    /* several at once */
	    {"require \"copy\";\nif true {\n\tkeep 1;\n}\nelsif exists 5 {\n\tdiscard :x;\n}\n",
	        "3:7 too many arguments for 'keep': a number is left over|5:14 'exists' wants a "
	        "string or a list of strings as the header names, not a number|6:10 unknown "
	        "tag ':x' for 'discard' (reported once)"},
	    /* encoded characters */
	    {"require \"encoded-character\"; if exists \"${unicode:200000}\" { }",
	        "1:40 '${unicode:200000}' names no character: expected 0 to D7FF or E000 to "
	        "10FFFF"},
	    {"require \"encoded-character\"; if exists \"x${Unicode:DF01}y\" { }",
	        "1:40 '${Unicode:DF01}' names no character: expected 0 to D7FF or E000 to "
	        "10FFFF"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		room_open(&room, SPAN(""));
		ck_assert_msg(strcmp(check(rows[i].script), rows[i].errors) == 0,
		    "%s\n  says     %s\n  expected %s", rows[i].script, check(rows[i].script),
		    rows[i].errors);
		room_close(&room);
	}
}
END_TEST

START_TEST(what_is_surely_not_meant_is_told)
{
	static const struct {
		const char *script;
		const char *warnings;
	} rows[] = {
	    /* header names */
	    {"if header \"From:\" \"a\" { }",
	        "1:11 warning: no header can be named 'From:'; this never matches; leave out the "
	        "colon"},
	    {"if exists \"a b\" { }",
	        "1:11 warning: no header can be named 'a b'; this never matches"},
	    /* what is never run: once for each block */
	    {"stop;\nkeep;\ndiscard;",
	        "2:1 warning: this is never run: 'stop' in line 1 ends the block before it"},
	    {"if true { stop; keep; } discard;",
	        "1:17 warning: this is never run: 'stop' in line 1 ends the block before it"},
	    {"if true { stop; } else { stop; }\nkeep;",
	        "2:1 warning: this is never run: each branch of the 'if' before it ends "
	        "elsewhere"},
	    {"if true { if false { stop; } elsif true { stop; } else { stop; } }\n"
	     "else { stop; }\nkeep;",
	        "3:1 warning: this is never run: each branch of the 'if' before it ends "
	        "elsewhere"},
	    {"if true { stop; } keep;", ""},
	    {"if true { stop; } elsif false { stop; } keep;", ""},
	    {"if true { stop; } else { keep; } keep;", ""},
	    {"if true { keep; } else { stop; } keep;", ""},
	    {"if true { stop; } if false { keep; } else { stop; } keep;", ""},
	    {"if true { } stop;", ""},
	    {"require \"foreverypart\"; foreverypart { stop; } keep;", ""},
	    {"require \"foreverypart\"; foreverypart { break; keep; }",
	        "1:47 warning: this is never run: 'break' in line 1 ends the block before it"},
	    /* keys */
	    {"if address \"from\" \"*@example.com\" { }",
	        "1:19 warning: '*' stands for itself here; as a wildcard it needs ':matches'"},
	    {"if address :contains \"from\" [\"a\", \"b*\"] { }",
	        "1:35 warning: '*' stands for itself here; as a wildcard it needs ':matches'"},
	    {"if address :domain \"from\" \"a@example.com\" { }",
	        "1:27 warning: no domain has an '@' in it; this never matches"},
	    {"if address :matches \"from\" \"*@example.com\" { }", ""},
	    {"if header \"subject\" \"***\" { }", ""},
	    /* extensions */
	    {"require [\"fileinto\",\n\"copy\"]; require \"envelope\"; fileinto \"a\";",
	        "2:1 warning: extension 'copy' is required and never used|2:18 warning: "
	        "extension 'envelope' is required and never used"},
	    {"require [\"variables\", \"relational\", \"comparator-i;ascii-numeric\"]; keep;",
	        "1:10 warning: extension 'variables' is required and never used|1:23 warning: "
	        "extension 'relational' is required and never used|1:37 warning: extension "
	        "'comparator-i;ascii-numeric' is required and never used"},
	    {"require [\"variables\"]; redirect \"${1}@example.org\";", ""},
	    {"require [\"variables\", \"envelope\", \"relational\", "
	     "\"comparator-i;ascii-numeric\", \"subaddress\", \"imap4flags\", \"regex\"]; "
	     "if envelope :detail :value \"gt\" :comparator \"i;ascii-numeric\" \"to\" \"1\""
	     " { set \"a\" \"b\"; } if header :regex \"a\" \"b\" { keep :flags \"x\"; }",
	        ""},
	    {"require \"imap4flags\"; keep;", ""},
	    {"require [\"comparator-i;octet\", \"encoded-character\", \"include\"]; keep;", ""},
	    {"require [\"ihave\", \"fileinto\"]; if ihave \"nothing\" { fileinto \"a\"; }", ""},
	    {"require [\"ihave\", \"copy\"]; if ihave \"fileinto\" { keep; }",
	        "1:19 warning: extension 'copy' is required and never used"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		room_open(&room, SPAN(""));
		ck_assert_msg(strcmp(check(rows[i].script), rows[i].warnings) == 0,
		    "%s\n  says     %s\n  expected %s", rows[i].script, check(rows[i].script),
		    rows[i].warnings);
		room_close(&room);
	}
}
END_TEST

static const char *nest(const char *open, const char *middle, const char *close, unsigned depth)
{
	struct bytes script = {0};
	for (unsigned i = 0; i < depth; i++)
		bytes_append_text(&script, open);
	bytes_append_text(&script, middle);
	for (unsigned i = 0; i < depth; i++)
		bytes_append_text(&script, close);
	const char *errors = check(bytes_terminate(&script));
	bytes_clear(&script);
	return errors;
}

START_TEST(nesting_and_size_are_limited)
{
	room_open(&room, SPAN(""));
	ck_assert_str_eq(nest("if true {", "keep;", "}", 31), "");
	ck_assert_str_eq(nest("if true {", "keep;", "}", 32),
	    "1:288 blocks are nested too deep: at most 32 levels");
	ck_assert_str_eq(nest("if true {", "keep;", "}", 100000),
	    "1:288 blocks are nested too deep: at most 32 levels");
	ck_assert_str_eq(nest("",
	                     "if not not not not not not not not not not not not not not not "
	                     "not not not not not not not not not not not not not not not true "
	                     "{}",
	                     "", 1),
	    "");
	struct bytes script = {0};
	bytes_append_text(&script, "if ");
	for (unsigned i = 0; i < 100000; i++)
		bytes_append_text(&script, "not ");
	ck_assert_str_eq(
	    check(bytes_terminate(&script)), "1:128 tests are nested too deep: at most 32 levels");
	bytes_reset(&script);
	for (unsigned i = 0; i < 60000; i++)
		bytes_append_text(&script, "keep;");
	ck_assert_str_eq(check(bytes_terminate(&script)),
	    "1:250001 this script is too large: more than 50000 commands and arguments");
	bytes_reset(&script);
	for (unsigned i = 0; i < 1024 * 1024 + 1; i++)
		bytes_append_text(&script, " ");
	ck_assert_str_eq(check(bytes_terminate(&script)),
	    "1:1 this script is too large: more than 1048576 bytes");
	bytes_clear(&script);
	room_close(&room);
}
END_TEST

/* A file that is no script at all: as many messages as help, all counted ones bounded. */
START_TEST(errors_are_limited)
{
	room_open(&room, SPAN(""));
	struct bytes script = {0};
	struct sieve_errors errors = {0};
	for (unsigned i = 0; i < 1000; i++)
		bytes_appendf(&script, "unknown%u;\n", i);
	ck_assert_ptr_null(room_compile(&room, bytes_terminate(&script), &errors));
	ck_assert_uint_eq(errors.error_count, 64);
	bytes_clear(&script);
	room_close(&room);
}
END_TEST

START_TEST(what_the_caller_cannot_do_does_not_exist)
{
	room_open(&room, SPAN(""));
	const struct sieve_compile_options options = {
	    .name = "t", .disabled_extensions = "copy, fileinto"};
	struct sieve_errors errors = {0};
	ck_assert_ptr_null(sieve_compile(
	    room.arena, SPAN("require [\"fileinto\", \"envelope\"];"), &options, &errors));
	ck_assert_str_eq(
	    room_errors(&room, &errors), "1:10 extension 'fileinto' is not available here");
	room_close(&room);
}
END_TEST

UNIT_TESTS("sieve errors", sound_scripts_are_accepted, mistakes_are_told_with_their_place,
    what_is_surely_not_meant_is_told, nesting_and_size_are_limited, errors_are_limited,
    what_the_caller_cannot_do_does_not_exist)
