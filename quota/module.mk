# Floor 3: how much a user may keep.
noinst_LIBRARIES += %D%/libquota.a
%C%_libquota_a_SOURCES = \
	%D%/field.c \
	%D%/judge.c \
	%D%/quota.h \
	%D%/rule.c %D%/rule.h
QUOTA_LIBS = %D%/libquota.a $(MAIL_LIBS)

unit_tests += tests/unit/test_quota_rule
tests_unit_test_quota_rule_SOURCES = tests/unit/test_quota_rule.c
tests_unit_test_quota_rule_LDADD = $(QUOTA_LIBS) $(UNIT_LIBS)
