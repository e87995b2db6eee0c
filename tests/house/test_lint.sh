#!/bin/sh
# lab: none
# time-limit: 1800
# The format is clang-format's; cppcheck and clang-tidy are quiet. Skipped where not installed.
. "$TOP/tests/lib/tap.sh"
cd "$TOP" || exit 1
folders="base mail users store quota sieve-lite deliver lmtp-bridge"
sources=$(find $folders -name '*.c')
headers=$(find $folders -name '*.h')

lint() { # NAME COMMAND...
	if command -v "$2" >/dev/null; then ok "$@"; else skip "$1" "$2 is not installed"; fi
}

# clang-tidy takes minutes: two at a time, some files each.
tidy() {
	printf '%s\n' "$@" | xargs -P 2 -n 16 sh -c 'exec clang-tidy --quiet "$@" -- -std=c11 \
		-D_GNU_SOURCE -I. -include "$BUILD/config.h" -DLADLE_CONFIG_FILE=\"\" \
		-DLADLE_LIB_DIR=\"\" -DLADLE_STATE_DIR=\"\"' sh
}

# shellcheck disable=SC2086
{
	lint "the format is clang-format's" clang-format --dry-run --Werror $sources $headers
	lint "cppcheck is quiet" cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -I. \
		--enable=warning,performance,portability -j 2 $folders
	if command -v clang-tidy >/dev/null; then
		ok "clang-tidy is quiet" tidy $sources
	else
		skip "clang-tidy is quiet" "clang-tidy is not installed"
	fi
}
done_testing
