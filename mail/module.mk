# Floor 2: the nouns of mail.
noinst_LIBRARIES += %D%/libmail.a
%C%_libmail_a_SOURCES = \
	%D%/status.c %D%/status.h
MAIL_LIBS = %D%/libmail.a $(BASE_LIBS)

unit_tests += tests/unit/test_status
tests_unit_test_status_SOURCES = tests/unit/test_status.c
tests_unit_test_status_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
