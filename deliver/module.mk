# Floor 4: the pipeline and what belongs to it, and the pipe front.
noinst_LIBRARIES += %D%/libdeliver.a
%C%_libdeliver_a_CPPFLAGS = $(AM_CPPFLAGS) $(CONFUSE_CFLAGS)
%C%_libdeliver_a_SOURCES = \
	%D%/outbox.c %D%/outbox.h \
	%D%/pipeline.h \
	%D%/settings.c %D%/settings.h \
	%D%/settings_file.c %D%/settings_file.h \
	%D%/settings_table.c %D%/settings_table.h \
	%D%/settings_value.c %D%/settings_value.h
DELIVER_LIBS = %D%/libdeliver.a $(STORE_LIBS) $(CONFUSE_LIBS)

unit_tests += tests/unit/test_outbox tests/unit/test_settings
tests_unit_test_outbox_SOURCES = tests/unit/test_outbox.c
tests_unit_test_outbox_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c
tests_unit_test_settings_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
