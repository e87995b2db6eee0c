# Unit tests are listed by the folder they test (unit_tests += ... in its module.mk).
UNIT_LIBS = $(CHECK_LIBS)
TESTS += tests/house/check_floors.sh tests/house/check_manual.sh tests/house/check_tests.sh
dist_check_SCRIPTS += tests/house/check_floors.sh tests/house/check_manual.sh tests/house/check_tests.sh
check_PROGRAMS += tests/house/settings
tests_house_settings_SOURCES = tests/house/settings.c
tests_house_settings_LDADD = $(DELIVER_LIBS)
if HAVE_CHECK
AM_CPPFLAGS += $(CHECK_CFLAGS)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
EXTRA_PROGRAMS = $(unit_tests)
endif
AM_TESTS_ENVIRONMENT = export top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)'; \
	export CK_VERBOSITY=normal;

# The rest of the tests is run by tests/run.sh; whole folders, so that a new test needs no line.
EXTRA_DIST += tests/run.sh tests/lib tests/mta tests/deliver tests/lmtp tests/faults tests/bench tests/fuzz \
	tests/house/test_distcheck.sh tests/house/test_lint.sh tests/house/test_quickstart.sh
