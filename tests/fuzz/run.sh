#!/bin/sh
# Builds a fuzz target with clang's libFuzzer, ASan and UBSan, and runs it:
#
#	tests/fuzz/run.sh TARGET [SECONDS] [DIRECTORY]
#
# DIRECTORY (default: build/fuzz) needs a config.h beside it or in build/, so configure first. What
# is found is kept there; tests/fuzz/TARGET.dict and tests/fuzz/TARGET/ (seeds) are used.
set -e
cd "$(dirname "$0")/../.."
target=${1:?usage: tests/fuzz/run.sh TARGET [SECONDS] [DIRECTORY]}
seconds=${2:-60}
dir=${3:-build/fuzz}
mkdir -p "$dir/$target.corpus"
[ -f build/config.h ] || { echo "configure in build/ first" >&2; exit 2; }
engines=
for folder in base mail sieve-lite quota store users; do
	for file in "$folder"/*.c; do
		# Not programs' wiring, modules (found in build/deliver, if built), nor what only the
		# test command has.
		case ${file##*/} in
		main*.c | cmd_*.c | *_module.c | testsuite*.c | '*.c') continue ;;
		esac
		engines="$engines $file"
	done
done
# The protocol machine is pure.
engines="$engines $(ls lmtp-bridge/lmtp_*.c) lmtp-bridge/proxy_header.c"
libs=$FUZZ_LIBS
grep -q 'define HAVE_SECCOMP' build/config.h && libs="$libs $(pkg-config --libs libseccomp)"
# shellcheck disable=SC2086
clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	-include build/config.h -DLADLE_LIB_DIR='"/nonexistent"' -I. -Ibuild $FUZZ_CFLAGS -o "$dir/$target" \
	"tests/fuzz/$target.c" $engines $libs
dict=
[ -f "tests/fuzz/$target.dict" ] && dict=-dict=tests/fuzz/$target.dict
seeds=
[ -d "tests/fuzz/$target" ] && seeds=tests/fuzz/$target
# shellcheck disable=SC2086
exec "$dir/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 \
	-artifact_prefix="$dir/$target-" $dict "$dir/$target.corpus" $seeds
