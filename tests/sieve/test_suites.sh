#!/bin/bash
# lab: none
# sieve-lite test and sieve-lite run as people and programs meet them. The suites of the language
# itself are run by `make check` (run_svtests.sh) and once more here from another directory.
. "$TOP/tests/lib/tap.sh"
sieve=$BUILD/sieve-lite/sieve-lite
here=$TOP/tests/sieve
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
cd "$work" || exit 1

for suite in "$here"/*.svtest; do
	ok "suite $(basename "$suite" .svtest)" "$sieve" test "$suite"
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

"$sieve" test missing.svtest >out 2>&1
is "a missing file is trouble" "$?" 2
"$sieve" test >out 2>&1
is "no file is trouble" "$?" 2
echo 'require "vnd.dovecot.testsuite";' >only_tests.sieve
"$sieve" check only_tests.sieve >out 2>&1
is "the language of tests is for tests alone" "$?" 1
is "nothing was written" "$(ls)" "only_tests.sieve
out"
done_testing
