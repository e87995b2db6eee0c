#!/bin/sh
# Runs the script tests, a file per feature of the language. Some come with a library that configure
# may not have found.
program=$top_builddir/sieve-lite/sieve-lite
for file in "$top_srcdir"/tests/sieve/*.svtest "$top_srcdir"/etc/sieve/*.svtest; do
	case $file in
	*/regex.svtest)
		"$program" extensions | grep -qw regex || { echo "# skipped: $file: no PCRE2"; continue; }
		;;
	*/comparator_unicode.svtest)
		"$program" extensions | grep -qw unicode-casemap ||
			{ echo "# skipped: $file: no libunistring"; continue; }
		;;
	esac
	set -- "$@" "$file"
done
exec "$program" test --tap "$@"
