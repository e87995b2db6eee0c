#!/bin/sh
# lab: none
# time-limit: 600
# What is packed builds, tests itself, installs and uninstalls, out of tree and without git.
. "$TOP/tests/lib/tap.sh"
cd "$BUILD" || exit 1
ok "make distcheck" make -j2 distcheck DISTCHECK_CONFIGURE_FLAGS=--enable-werror
done_testing
