# Floor 3: how much a user may keep.
noinst_LIBRARIES += %D%/libquota.a
%C%_libquota_a_SOURCES = \
	%D%/book.c %D%/book.h \
	%D%/field.c \
	%D%/judge.c \
	%D%/maildirsize.c %D%/maildirsize.h \
	%D%/quota.c %D%/quota.h \
	%D%/report.c %D%/report.h \
	%D%/rule.c %D%/rule.h \
	%D%/scan.c %D%/scan.h \
	%D%/warning.c
QUOTA_LIBS = %D%/libquota.a $(MAIL_LIBS)

# The command: its wiring stands above deliver/, whose users, stores and rules it shares.
bin_PROGRAMS += %D%/mailquota
%C%_mailquota_SOURCES = %D%/main.c
%C%_mailquota_LDADD = $(DELIVER_LIBS)

unit_tests += tests/unit/test_maildirsize tests/unit/test_quota tests/unit/test_quota_report \
	tests/unit/test_quota_rule tests/unit/test_quota_scan
tests_unit_test_maildirsize_SOURCES = tests/unit/test_maildirsize.c
tests_unit_test_maildirsize_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
tests_unit_test_quota_SOURCES = tests/unit/test_quota.c
tests_unit_test_quota_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
tests_unit_test_quota_report_SOURCES = tests/unit/test_quota_report.c
tests_unit_test_quota_report_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
tests_unit_test_quota_rule_SOURCES = tests/unit/test_quota_rule.c
tests_unit_test_quota_rule_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
tests_unit_test_quota_scan_SOURCES = tests/unit/test_quota_scan.c
tests_unit_test_quota_scan_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
EXTRA_DIST += tests/quota
