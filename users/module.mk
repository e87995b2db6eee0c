# Floor 3: who a recipient is.
noinst_LIBRARIES += %D%/libusers.a
%C%_libusers_a_SOURCES = \
	%D%/account.c \
	%D%/driver.h \
	%D%/line_reader.c %D%/line_reader.h \
	%D%/nss.c %D%/nss.h \
	%D%/passwd.c \
	%D%/passwd_file.c \
	%D%/passwd_search.c %D%/passwd_search.h \
	%D%/pattern.c %D%/pattern.h \
	%D%/static.c \
	%D%/users.c %D%/users.h
USERS_LIBS = %D%/libusers.a $(MAIL_LIBS)

unit_tests += tests/unit/test_passwd_file tests/unit/test_passwd tests/unit/test_users
tests_unit_test_passwd_SOURCES = tests/unit/test_passwd.c
tests_unit_test_passwd_LDADD = $(USERS_LIBS) $(UNIT_LIBS)
tests_unit_test_passwd_file_SOURCES = tests/unit/test_passwd_file.c
tests_unit_test_passwd_file_LDADD = $(USERS_LIBS) $(UNIT_LIBS)
tests_unit_test_users_SOURCES = tests/unit/test_users.c
tests_unit_test_users_LDADD = $(USERS_LIBS) $(UNIT_LIBS)
