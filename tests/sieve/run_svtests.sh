#!/bin/sh
# Runs the script tests, a file per feature of the language.
exec "$top_builddir/sieve-lite/sieve-lite" test "$top_srcdir"/tests/sieve/*.svtest
