# Floor 3: where mail is put.
noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_SOURCES = \
	%D%/driver.h \
	%D%/maildir.c \
	%D%/maildir_attributes.c %D%/maildir_attributes.h \
	%D%/maildir_folder.c %D%/maildir_folder.h \
	%D%/maildir_keywords.c %D%/maildir_keywords.h \
	%D%/maildir_name.c %D%/maildir_name.h \
	%D%/relay.c %D%/relay.h \
	%D%/relay_pool.c \
	%D%/mutf7.c %D%/mutf7.h \
	%D%/store.c %D%/store.h \
	%D%/subscriptions.c %D%/subscriptions.h
STORE_LIBS = %D%/libstore.a $(MAIL_LIBS)

unit_tests += tests/unit/test_maildir_name tests/unit/test_store tests/unit/test_store_faults
tests_unit_test_maildir_name_SOURCES = tests/unit/test_maildir_name.c
tests_unit_test_maildir_name_LDADD = $(STORE_LIBS) $(UNIT_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/maildir_room.h
tests_unit_test_store_LDADD = $(STORE_LIBS) $(UNIT_LIBS)
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c tests/unit/maildir_room.h
tests_unit_test_store_faults_LDADD = $(STORE_LIBS) $(UNIT_LIBS)
# The test stands between the store and the system.
tests_unit_test_store_faults_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=access,--wrap=close,--wrap=faccessat,--wrap=fchmod,--wrap=fstat \
	-Wl,--wrap=fstatat,--wrap=fsync,--wrap=linkat,--wrap=mkdir,--wrap=mkdirat \
	-Wl,--wrap=open,--wrap=openat,--wrap=renameat,--wrap=renameat2,--wrap=unlinkat \
	-Wl,--wrap=write
