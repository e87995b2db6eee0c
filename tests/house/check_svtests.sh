#!/bin/sh
# Runs the script tests, a file per feature of the language.
exec "$top_builddir/sieve-lite/sieve-lite" test --tap "$top_srcdir"/tests/sieve/*.svtest
