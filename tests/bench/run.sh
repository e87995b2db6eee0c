#!/bin/bash
# run.sh - measures Ladle beside Dovecot, Cyrus, procmail, maildrop and the floor, on this disk.
#
#   tests/bench/run.sh [--write] [--runs N] [CASE...]
#
# CASE: only cases whose name contains one of these words ("lmtp", "memory", ...). What takes long is
# larger then: growth_messages has a million instead of 100,000.
# --write: the table goes to doc/benchmarks.md too. --runs: of each contender, in turn (default 5).
#
# Root is needed, for the lab the servers live in (tests/lib/lab.sh). Mailboxes and spool lie in a
# new directory below BENCH_SCRATCH (default: the build tree), which should be on the disk meant.
# It is not part of tests/run.sh: what it prints depends on who else is busy here.

set -eu
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

TOP=$(readlink -f "$(dirname "$0")/../..")
BUILD=$TOP/build-tests/bench
mkdir -p "$BUILD/build"
LAB_SCRATCH=$(mktemp -d "${BENCH_SCRATCH:-$BUILD}/scratch.XXXXXX")
trap 'rm -rf "$LAB_SCRATCH"' EXIT
chmod 755 "$LAB_SCRATCH"
export LAB_SCRATCH LAB_DIR=$TOP/build-tests/labs LAB_STAGE=$BUILD/stage
export BENCH_PROGRAMS=$BUILD PYTHONPATH=$TOP/tests/lib
write=false
if [ "${1-}" = --write ]; then
	write=true
	shift
fi

# As it is shipped: optimised, no sanitizers.
[ -x "$TOP/configure" ] || (cd "$TOP" && ./autogen.sh)
cd "$BUILD/build"
{
	[ -e Makefile ] || "$TOP/configure" --prefix=/usr/local --sysconfdir=/etc --localstatedir=/var
	make -j"$(nproc)"
	rm -rf "$LAB_STAGE"
	make install DESTDIR="$LAB_STAGE"
} >"$BUILD/build.log" 2>&1 || { tail -n 30 "$BUILD/build.log"; exit 1; }
for program in floor hop awake probe execs; do
	${CC:-cc} -O2 -pthread -o "$BUILD/$program" "$TOP/tests/bench/$program.c"
done

status=0
"$TOP/tests/lib/lab.sh" run bench "$TOP/tests/bench/bench.py" "$@" || status=$?
if [ "$status" = 0 ] && $write; then cp "$LAB_SCRATCH/benchmarks.md" "$TOP/doc/benchmarks.md"; fi
exit "$status"
