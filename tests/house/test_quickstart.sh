#!/bin/sh
# lab: none
# time-limit: 300
# The first command of the README does what it says, as whoever runs the tests.
. "$TOP/tests/lib/tap.sh"
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
ok "it runs to its end" sh -c 'TMPDIR="$1" "$2/etc/quickstart.sh" >"$1/out" 2>&1 || { cat "$1/out"; exit 1; }' \
	sh "$work" "$TOP"
shows() { ok "$1" grep -q "$2" "$work/out"; }
shows "deliver stored a message" 'Stored by deliver\.'
shows "deliver refuses an unknown user" '| 5\.1\.1 <nobody-here> User doesn.t exist: nobody-here$'
shows "lmtp-bridge refuses an unknown user" '| 550 5\.1\.1 <nobody-here@.*> User doesn.t exist: nobody-here@'
shows "lmtp-bridge stored a message" '| 250 2\.0\.0 <anna@.*> [0-9a-f]* Saved$'
shows "a Sieve script filed it" 'Invoices/new/'
shows "it is told what a script would do, and why" 'subject "You won the lottery" :contains "lottery"'
shows "and what the sender would be told" 'The sender is told: 550 5\.7\.1 No games here\.$'
shows "the quota is shown" 'quota .* 2 messages of 1000 messages'
shows "each delivery has its record" 'front=lmtp .*actions=fileinto(Invoices)@.*:3 '
done_testing
