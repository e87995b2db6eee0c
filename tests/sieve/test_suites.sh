#!/bin/bash
# lab: none
# sieve-lite test and sieve-lite run as people and programs meet them. The suites of the language
# itself are run by `make check` (tests/house/check_svtests.sh) and once more here from another directory.
. "$TOP/tests/lib/tap.sh"
sieve=$BUILD/sieve-lite/sieve-lite
here=$TOP/tests/sieve
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
cd "$work" || exit 1

for suite in "$here"/*.svtest; do
	name=$(basename "$suite" .svtest)
	if [ "$name" = regex ] && ! "$sieve" extensions | grep -qw regex; then
		skip "suite $name" "built without PCRE2"
	else
		ok "suite $name" "$sieve" test "$suite"
	fi
done

# -- test ----------------------------------------------------------------------------------------

(cd "$here/failing" && "$sieve" test some.svtest outside.svtest broken.svtest) >out 2>&1
is "failures give status 1" "$?" 1
is "what people see" "$(cat out)" "some.svtest:
 1: Test 'passes' SUCCEEDED
 2: Test 'fails' FAILED: on purpose
    some.svtest:4
 3: Test 'breaks' FAILED: the mailbox has an invalid name
    some.svtest:9
 4: Test 'has no message' FAILED: there is no such message
    some.svtest:12
keep (implicit)
 5: Test 'passes too' SUCCEEDED
outside.svtest:
 1: Test 'passes' SUCCEEDED
XX: Test CASE FAILED: outside of a test
    outside.svtest:3
broken.svtest:
XX: Test CASE FAILED: 'test' must not stand in a block
    broken.svtest:1
$(sed -n '/^broken.svtest:1:/,/^3 passed/p' out | sed '$d')
3 passed, 5 failed"
is "a broken file tells all its errors" "$(grep -c '^broken.svtest:1:.*: error: ' out)" 3

(cd "$here/failing" && "$sieve" test --tap some.svtest outside.svtest) >out 2>&1
is "TAP: status" "$?" 1
is "TAP" "$(cat out)" "ok 1 - some.svtest: passes
not ok 2 - some.svtest: fails
# some.svtest:4: on purpose
not ok 3 - some.svtest: breaks
# some.svtest:9: the mailbox has an invalid name
not ok 4 - some.svtest: has no message
# some.svtest:12: there is no such message
# keep (implicit)
ok 5 - some.svtest: passes too
ok 6 - outside.svtest: passes
not ok 7 - outside.svtest
# line 3: outside of a test
1..7
# 3 passed, 4 failed"

{
	echo 'require "vnd.dovecot.testsuite"; test "long" {'
	for _ in {1..30000}; do echo 'if not true { test_fail ""; }'; done
	echo '}'
} >long.svtest
"$sieve" test long.svtest >out 2>&1
is "a test file may be longer than any script" "$?: $(tail -n 1 out)" "0: 1 passed, 0 failed"
rm long.svtest

"$sieve" test missing.svtest >out 2>&1
is "a missing file is trouble" "$?" 2
"$sieve" test >out 2>&1
is "no file is trouble" "$?" 2
echo 'require "vnd.dovecot.testsuite";' >only_tests.sieve
"$sieve" check "$here/testsuite/keep.sieve" >out 2>&1
is "check says nothing of a good script" "$?$(cat out)" 0
"$sieve" check --json "$here/testsuite/keep.sieve" "$here/testsuite/broken.sieve" >out 2>errors
is "check --json: status" "$?: $(cat errors)" "1: "
ok "check --json" python3 -c '
import json
good, broken = [json.loads(line) for line in open("out")]
assert good["file"].endswith("keep.sieve") and good["errors"] == [], good
assert [(e["line"], e["column"], e["warning"]) for e in broken["errors"]] == [
    (1, 1, False), (1, 11, False)], broken
'
rm errors
printf 'require "copy";\nstop;\nkeep;\n' >odd.sieve
"$sieve" check odd.sieve >out 2>&1
is "check: warnings are no errors" "$?: $(grep -c 'warning: ' out), $(tail -n 1 out)" \
	"0: 2, odd.sieve: 2 warnings"
is "check: as compilers show them" "$(sed -n 1,3p out)" "odd.sieve:3:1: warning: this is never run: 'stop' in line 2 ends the block before it
    keep;
    ^"
"$sieve" check --json odd.sieve >out 2>&1
ok "check --json: warnings" python3 -c '
import json
found = json.load(open("out"))["errors"]
assert [(e["line"], e["column"], e["warning"]) for e in found] == [(3, 1, True), (1, 9, True)], found
'
rm odd.sieve
"$sieve" check --nonsense file >out 2>&1
is "check: a wrong option" "$?" 2
"$sieve" check only_tests.sieve >out 2>&1
is "the language of tests is for tests alone" "$?" 1

# -- run -----------------------------------------------------------------------------------------

cp "$here/run/why.sieve" "$here/run/message.eml" .
"$sieve" run why.sieve message.eml >out 2>&1
is "run: status" "$?" 0
is "run: why, for people" "$(cat out)" "$(cat "$here/run/why.txt")"
"$sieve" run -r anna@example.com why.sieve - <message.eml >out 2>&1
ok "run: -r, and the message from standard input" grep -q '^  keep (implicit' out
"$sieve" run -f '<>' -d dora+x why.sieve message.eml >out 2>&1
is "run: the null sender, and the recipient from -d" "$(sed -n '/^Actions/,$p' out)" "Actions:
  fileinto \"Bounces\"  (why.sieve:16)"
"$sieve" run --quiet why.sieve message.eml >out 2>&1
is "run: --quiet, no reasons" "$(cat out)" "$(sed -n '/^Actions/,$p' "$here/run/why.txt")"
"$sieve" run --json why.sieve message.eml >out
ok "run: --json" python3 -c '
import json, sys
told = json.load(open("out"))
assert told["end"] == "done" and told["errors"] == [], told
assert told["actions"] == [{"action": "fileinto", "implicit": False, "folder": "Anna",
    "flags": [], "script": "why.sieve", "line": 9, "column": 13}], told["actions"]
tests = [node for node in told["trace"][1]["below"] if "test" in node]
assert [(t["test"], t["line"], t["result"]) for t in tests] == [
    ("anyof", 3, False), ("allof", 6, True)], tests
absent = tests[0]["below"][1]["below"][0]
assert (absent["source"], absent["value"]) == ("x-kind", None), absent
seen = tests[1]["below"][1]["below"][0]
assert (seen["match"], seen["source"], seen["value"], seen["result"]) == (
    "is", "to", "example.net", True), seen
'
printf 'keep;\nbogus;\n' >broken.sieve
"$sieve" run broken.sieve message.eml >out 2>errors
is "run: a broken script" "$?: $(cat out)$(head -n 1 errors)" \
	"1: broken.sieve:2:1: error: unknown command 'bogus' (reported once)"
"$sieve" run --json broken.sieve message.eml >out 2>errors
is "run: a broken script is 1 for programs too" "$?" 1
ok "run: and they get the errors" python3 -c '
import json
told = json.load(open("out"))
assert told["end"] == "broken" and told["errors"][0]["line"] == 2, told
'
rm broken.sieve
"$sieve" run "$here/testsuite/fails.sieve" message.eml >out 2>&1
is "run: a script that fails" "$?: $(tail -n 1 out)" \
	"1:   keep (the script failed: what it did is dropped)"
printf 'require ["reject", "copy"]; redirect :copy "x@example.org";\n' >redirect.sieve
"$sieve" run redirect.sieve message.eml >out 2>&1
is "run: redirect shows where to" "$(sed -n '/^Actions/,$p' out)" "Actions:
  redirect \"x@example.org\"  (redirect.sieve:1)
  keep (implicit: nothing cancelled it)"
printf 'require "reject"; reject "Not here.";\n' >redirect.sieve
"$sieve" run --json redirect.sieve message.eml >out 2>&1
ok "run: reject shows the reason" grep -q '"action":"reject","implicit":false,"text":"Not here."' out
printf 'require "vacation"; vacation "Away.";\n' >redirect.sieve
"$sieve" run -f bert@example.net -r carla@example.net redirect.sieve message.eml >out 2>&1
ok "run: an answer is shown as it would be sent" grep -q '^    | Auto-Submitted: auto-replied (vacation)$' out
ok "run: and to whom" grep -qF '  vacation "bert@example.net", without a sender  (redirect.sieve:1)' out
"$sieve" run -f '<>' -r carla@example.net redirect.sieve message.eml >out 2>&1
ok "run: or why it is not" grep -qF '  vacation, not sent: it has no sender to answer to  (redirect.sieve:1)' out
"$sieve" run --json -f bert@example.net -r carla@example.net redirect.sieve message.eml >out
ok "run --json: the same" python3 -c '
import json
answer = json.load(open("out"))["actions"][0]
assert (answer["action"], answer["sender"], answer["recipients"]) == (
    "vacation", "", ["bert@example.net"]), answer
assert answer["message"].endswith("\n\nAway.\n"), answer
'
rm redirect.sieve
mkdir scripts
printf 'require "vnd.dovecot.debug";\ndebug_log "here";\ndiscard;\n' >scripts/inner.sieve
printf 'require "include";\ninclude "inner";\n' >scripts/outer.sieve
"$sieve" check scripts/outer.sieve >out 2>&1
is "check: scripts to include lie beside the script" "$?$(cat out)" 0
"$sieve" run scripts/outer.sieve message.eml >out 2>errors
is "run: they do" "$?: $(tail -n 1 out)" "0:   discard  (inner:3)"
is "run: debug_log" "$(cat errors)" "inner:2: debug: here"
printf '\n\n  bogus;\n' >scripts/inner.sieve
"$sieve" check scripts/outer.sieve >out 2>&1
is "check: the mistakes of an included script" "$?: $(cat out)" \
	"1: inner:3:3: error: unknown command 'bogus' (reported once)
scripts/outer.sieve:2:9: error: included script 'inner' has errors
    include \"inner\";
            ^
scripts/outer.sieve: 2 errors"
printf 'require "include";\ninclude "nobody";\n' >scripts/outer.sieve
"$sieve" check scripts/outer.sieve >out 2>&1
is "check: a missing script is a warning" "$?: $(head -n 1 out)" \
	"0: scripts/outer.sieve:2:9: warning: script 'nobody' does not exist"
"$sieve" run scripts/outer.sieve message.eml >out 2>errors
is "run: but an error where it would run" "$?: $(tail -n 1 out)" \
	"1:   keep (the script failed: what it did is dropped)"
printf 'require "include";\nif false { include "outer"; }\n' >scripts/outer.sieve
"$sieve" run scripts/outer.sieve message.eml >out 2>errors
is "run: what includes itself is none where it does not run" "$?" 0
rm -r scripts
for arguments in "" "why.sieve" "-x why.sieve message.eml" "missing.sieve message.eml" \
	"why.sieve missing.eml" "-r <a why.sieve message.eml"; do
	# shellcheck disable=SC2086
	"$sieve" run $arguments >out 2>errors
	is "run: trouble with '$arguments'" "$?: $(cat out)" "2: "
	ok "run: trouble with '$arguments' is told" test -s errors
done

is "nothing was written" "$(ls)" "errors
message.eml
only_tests.sieve
out
why.sieve"
done_testing
