#!/bin/sh
# lab: none
# time-limit: 120
# Valgrind finds nothing in deliver: neither in the parent nor in the child with its library.
. "$TOP/tests/lib/tap.sh"
program=$STAGE/usr/local/bin/deliver
if ! command -v valgrind >/dev/null; then
	skip "valgrind is quiet" "valgrind is not installed"
	done_testing
fi
if ldd "$program" | grep -q libasan; then
	skip "valgrind is quiet" "the sanitizers are in its place"
	done_testing
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/home/Maildir"
cat >"$work/ladle.conf" <<CONF
first_valid_uid = 1
state_directory = "$work/state"
spool_directory = "$work"
users "one" { driver = "passwd-file"  path = "$work/users" }
quota { rule "*" { storage = "10M" } }
log { target = "none" }
record { target = "$work/record" }
CONF
cat >"$work/home/.dovecot.sieve" <<'SIEVE'
require ["fileinto", "copy", "variables", "regex"];
if header :regex "subject" "in(voice)" { fileinto :copy "${1}"; }
SIEVE
uid=$(id -u)
[ "$uid" != 0 ] || uid=65534
echo "anna:*:$uid:$uid::$work/home::" >"$work/users"
[ "$(id -u)" != 0 ] || chown -R "$uid:$uid" "$work"

# DELIVER OPTIONS...: the exit status, or what valgrind says.
under_valgrind() {
	valgrind -q --error-exitcode=99 --leak-check=no --track-fds=no --trace-children=yes \
		--child-silent-after-fork=no --log-file="$work/log.%p" \
		"$program" -c "$work/ladle.conf" -f bert@example.net "$@" >"$work/out" 2>&1
	echo "$?$(cat "$work"/log.*)"
	rm -f "$work"/log.*
}
message() {
	printf 'From: a@b\nSubject: your invoice\n\n'
	head -c "$1" /dev/zero
}

is "a message to two folders" "$(message 100 | under_valgrind -d anna)" 0
is "a long message" "$(message 1000000 | under_valgrind -d anna)" 0
is "an unknown user" "$(message 100 | under_valgrind -d nobody-here)" 67
is "no room" "$(message 20000000 | under_valgrind -d anna)" 77
done_testing
