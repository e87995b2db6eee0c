#!/bin/sh
# Refuses an include that points upwards or sideways: see "Folders are floors" in CONTRIBUTING.md.
# A program's wiring (main*.c, cmd_*.c) stands on the top floor, wherever it lies.
cd "${top_srcdir:-.}" || exit 1
floor() {
	case $1 in
	base) echo 1 ;; mail) echo 2 ;;
	users | store | quota | sieve-lite) echo 3 ;;
	deliver) echo 4 ;; lmtp-bridge) echo 5 ;; *) echo 0 ;;
	esac
}
bad=0
for file in base/*.[ch] mail/*.[ch] users/*.[ch] store/*.[ch] quota/*.[ch] sieve-lite/*.[ch] \
	deliver/*.[ch] lmtp-bridge/*.[ch]; do
	[ -f "$file" ] || continue
	own=${file%%/*}
	case ${file##*/} in main*.c | cmd_*.c) continue ;; esac
	for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
		case $include in
		*/main*.[ch] | */cmd_*.h)
			echo "$file includes $include: nobody includes a program's wiring"
			bad=1
			;;
		*/*) ;;
		*)
			echo "$file includes \"$include\": write \"folder/$include\""
			bad=1
			continue
			;;
		esac
		theirs=${include%%/*}
		[ "$theirs" = "$own" ] && continue
		if [ "$(floor "$theirs")" -ge "$(floor "$own")" ]; then
			echo "$file (floor $(floor "$own")) includes $include (floor $(floor "$theirs"))"
			bad=1
		fi
	done
done
exit $bad
