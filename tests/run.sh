#!/bin/bash
# run.sh - sets up what the tests need, builds out of tree, runs every test.
#
#   tests/run.sh [--sanitizers] [PATTERN...]
#
# PATTERN: only tests whose name (as "unit", "mta/test_pipe") contains one of them.
# --sanitizers: the same tests of a build with AddressSanitizer and UBSan.
#
# The last line is always: N passed, N failed, N skipped. Exit status 1 if any failed.
#
# A test is an executable tests/FOLDER/test_NAME.sh or .py that prints TAP. Comments in its first
# lines say what it needs:
#   # lab: none | postfix | exim     where it runs (tests/lib/lab.sh); "none" needs no root
#   # time-limit: 300                seconds
# It finds TOP (sources), BUILD (build tree) and STAGE (a `make install` into a directory) in its
# environment; in a lab what is in STAGE is installed. Servers live in a lab only: nothing is
# installed on this machine but what building needs, and no mail server ever.

set -u
exec </dev/null
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

TOP=$(readlink -f "$(dirname "$0")/..")
flavour='' configure_flags=''
if [ "${1-}" = --sanitizers ]; then
	flavour=-sanitizers configure_flags=--enable-sanitizers
	shift
fi
BUILD=$TOP/build-tests/build$flavour
STAGE=$TOP/build-tests/stage$flavour
LOGS=$TOP/build-tests/logs$flavour
export TOP BUILD STAGE PYTHONPATH=$TOP/tests/lib
export LAB_DIR=$TOP/build-tests/labs LAB_STAGE=$STAGE

packages="gcc libc6-dev make autoconf automake pkg-config check libconfuse-dev zlib1g-dev libpcre2-dev libsqlite3-dev
libunistring-dev libseccomp-dev python3 strace valgrind libssl-dev openssl libsasl2-dev libsasl2-modules sasl2-bin"
default_limit_s=300

passed=0 failed=0 skipped=0
failures=() skips=()

finish() {
	echo
	if [ ${#skips[@]} -gt 0 ]; then printf 'skipped: %s\n' "${skips[@]}"; fi
	if [ ${#failures[@]} -gt 0 ]; then printf 'FAILED: %s\n' "${failures[@]}"; fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}

fail() {
	failed=$((failed + 1))
	failures+=("$1")
}

# For what makes all further work useless.
give_up() {
	echo "$1: see the end of $2"
	tail -n 40 "$2"
	fail "$1"
	finish
}

wanted() {
	local pattern
	[ ${#patterns[@]} -gt 0 ] || return 0
	for pattern in "${patterns[@]}"; do
		case $1 in *"$pattern"*) return 0 ;; esac
	done
	return 1
}

# -- packages and building ---------------------------------------------------------------------

# The test packages must come without taking anything away: --no-remove.
install_packages() {
	local missing=() package
	command -v dpkg-query >/dev/null || return 0
	for package in $packages; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "not installed, and only root could: ${missing[*]}"
		return 0
	fi
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	local install=(apt-get -q -y install --no-remove --no-install-recommends "${missing[@]}")
	"${install[@]}" >"$LOGS/packages.log" 2>&1 ||
		{ apt-get -q update && "${install[@]}"; } >>"$LOGS/packages.log" 2>&1 ||
		give_up "packages cannot be installed" "$LOGS/packages.log"
}

# promtool, which judges our metrics: one program of a large package, and alone it is enough.
get_promtool() {
	local dir=$TOP/build-tests/promtool
	if [ -n "${PROMTOOL-}" ] || command -v promtool >/dev/null; then return; fi
	[ -x "$dir/promtool" ] || (
		mkdir -p "$dir" && cd "$dir" || exit
		apt-get -q download prometheus || { apt-get -q update && apt-get -q download prometheus; }
		dpkg --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool
		rm -f prometheus_*.deb
	) >"$LOGS/promtool.log" 2>&1
	if [ -x "$dir/promtool" ]; then export PROMTOOL=$dir/promtool; fi
}

# A tree that was configured in place cannot be built elsewhere: then from a copy of
# what git knows.
source_tree() {
	if [ ! -e "$TOP/config.status" ] || ! command -v git >/dev/null; then
		echo "$TOP"
		return
	fi
	mkdir -p "$TOP/build-tests/src"
	(cd "$TOP" && git ls-files -z | tar -c --ignore-failed-read --null -T - -f -) |
		tar -x -C "$TOP/build-tests/src" -f -
	echo "$TOP/build-tests/src"
}

build() {
	local source log=$LOGS/build.log
	source=$(source_tree)
	echo "building in ${BUILD#"$TOP"/}"
	{
		[ -x "$source/configure" ] || (cd "$source" && ./autogen.sh)
	} >"$log" 2>&1 || give_up "autogen.sh" "$log"
	mkdir -p "$BUILD"
	cd "$BUILD" || exit 1
	if [ ! -e Makefile ]; then
		"$source/configure" --prefix=/usr/local --sysconfdir=/etc --localstatedir=/var \
			--enable-werror $configure_flags >>"$log" 2>&1 || give_up "configure" "$log"
	fi
	make -j"$(nproc)" >>"$log" 2>&1 || give_up "build" "$log"
	rm -rf "$STAGE" && mkdir -p "$STAGE"
	make install DESTDIR="$STAGE" >>"$log" 2>&1 || give_up "install" "$log"
	cd "$TOP" || exit 1
}

# -- counting ----------------------------------------------------------------------------------

# count_tap NAME LOG STATUS - adds what a test printed to the sums; false if anything failed.
count_tap() {
	local name=$1 log=$2 status=$3 line plan='' seen=0 bad=0 title
	while IFS= read -r line; do
		title=${line#* - }
		case $line in
		'ok '*'# SKIP'* | 'ok '*'# skip'*)
			skipped=$((skipped + 1)) seen=$((seen + 1))
			skips+=("$name: ${title/ # SKIP/:}")
			;;
		'ok '*)
			passed=$((passed + 1)) seen=$((seen + 1))
			;;
		'not ok '*)
			fail "$name: $title"
			seen=$((seen + 1)) bad=1
			;;
		1..[0-9]*)
			plan=${line#1..}
			plan=${plan%% *}
			;;
		esac
	done <"$log"
	if [ "$status" = 124 ] || [ "$status" = 137 ]; then
		fail "$name: stopped at its time limit, $seen of ${plan:-?} cases seen"
	elif [ -z "$plan" ] || [ "$plan" != "$seen" ]; then
		fail "$name: ended with $status, $seen of ${plan:-?} cases seen"
	elif [ "$bad" = 0 ] && [ "$status" != 0 ]; then
		fail "$name: ended with $status"
	else
		return $bad
	fi
	return 1
}

# -- unit tests --------------------------------------------------------------------------------

# Check prints each of its tests as TAP when asked; automake keeps what a test printed in X.log
# and what it thought of it in X.trs. A test that prints no TAP counts as one.
unit_tests() {
	wanted unit || return 0
	echo "make check"
	local trs log name status before=$failed
	(cd "$BUILD" && find . -name '*.trs' -exec rm {} + &&
		CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent \
			make -k check -j"$(nproc)") >"$LOGS/check.log" 2>&1
	status=$?
	while IFS= read -r trs; do
		log=${trs%.trs}.log
		name=${trs#"$BUILD"/}
		name=${name%.trs}
		if grep -qE '^1\.\.[0-9]' "$log"; then
			grep -q '^:test-result: PASS' "$trs" || status=1
			count_tap "$name" "$log" 0 || show "$name" "$log"
		else
			case $(sed -n 's/^:test-result: //p' "$trs") in
			PASS*) passed=$((passed + 1)) ;;
			SKIP*)
				skipped=$((skipped + 1))
				skips+=("$name")
				;;
			*)
				fail "$name"
				show "$name" "$log"
				;;
			esac
		fi
	done < <(find "$BUILD" -name '*.trs' | sort)
	if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then
		tail -n 40 "$LOGS/check.log"
		fail "make check ended with $status"
	fi
}

show() {
	echo "---- $1 ----"
	tail -n 150 "$2"
	echo "----"
}

# -- the other tests ---------------------------------------------------------------------------

header() {
	sed -n "1,15s/^# $2:[ \t]*//p" "$1" | head -n 1
}

# Whether this lab can be had; asked once, the reason is kept.
declare -A lab_refusal
lab_ready() {
	if [ -z "${lab_refusal[$1]+set}" ]; then
		echo "lab $1: preparing"
		lab_refusal[$1]=$("$TOP/tests/lib/lab.sh" prepare "$1" 2>&1 >/dev/null | tail -n 1)
		case ${lab_refusal[$1]} in
		'no lab: '*) echo "lab $1: ${lab_refusal[$1]}" ;;
		*) lab_refusal[$1]= ;;
		esac
	fi
	[ -z "${lab_refusal[$1]}" ]
}

run_test() {
	local file=$1 name=$2 lab limit log status started=$SECONDS
	lab=$(header "$file" lab)
	limit=$(header "$file" time-limit)
	log=$LOGS/${name//\//-}.log
	local command=(timeout -k 10 "${limit:-$default_limit_s}")
	if [ "${lab:=none}" = none ]; then
		"${command[@]}" "$file" >"$log" 2>&1
	elif lab_ready "$lab"; then
		"${command[@]}" "$TOP/tests/lib/lab.sh" run "$lab" "$file" >"$log" 2>&1
	elif [ "${file%.py}" != "$file" ]; then
		TAP_SKIP_ALL=${lab_refusal[$lab]} "$file" >"$log" 2>&1
	else
		printf '1..1\nok 1 - all of it # SKIP %s\n' "${lab_refusal[$lab]}" >"$log"
	fi
	status=$?
	if count_tap "$name" "$log" "$status"; then
		echo "$name ($((SECONDS - started)) s)"
	else
		show "$name" "$log"
	fi
}

patterns=("$@")
mkdir -p "$LOGS"
install_packages
build
unit_tests
if wanted lmtp/test_metrics; then get_promtool; fi
for file in "$TOP"/tests/*/test_*.sh "$TOP"/tests/*/test_*.py; do
	[ -e "$file" ] || continue
	name=${file#"$TOP"/tests/}
	name=${name%.*}
	wanted "$name" || continue
	if [ -x "$file" ]; then run_test "$file" "$name"; else fail "$name: the file is not executable"; fi
done
finish
