# shellcheck shell=sh
# tap.sh - TAP for tests written in shell; to be sourced.
#
#   ok NAME COMMAND...         passes when COMMAND succeeds; its output is shown if it does not
#   is NAME GOT WANTED         passes when the two strings are equal
#   skip NAME REASON
#   done_testing               prints the plan; the last line of a test

tap_number=0
tap_failed=0

tap_pass() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1"
}

tap_fail() {
	tap_number=$((tap_number + 1))
	tap_failed=1
	echo "not ok $tap_number - $1"
}

ok() {
	tap_name=$1
	shift
	if tap_output=$("$@" 2>&1); then
		tap_pass "$tap_name"
	else
		tap_fail "$tap_name"
		echo "# failed: $*"
		if [ -n "$tap_output" ]; then printf '%s\n' "$tap_output" | sed 's/^/# /'; fi
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		tap_pass "$1"
	else
		tap_fail "$1"
		printf '%s\n' "   got: $2" "wanted: $3" | sed 's/^/# /'
	fi
}

skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tap_number"
	exit "$tap_failed"
}
