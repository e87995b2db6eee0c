# Floor 2: the nouns of mail.
noinst_LIBRARIES += %D%/libmail.a
%C%_libmail_a_SOURCES = \
	%D%/action.c %D%/action.h \
	%D%/address.c %D%/address.h \
	%D%/charset.c %D%/charset.h \
	%D%/compose.c %D%/compose.h \
	%D%/date.c %D%/date.h \
	%D%/dsn.c %D%/dsn.h \
	%D%/envelope.h \
	%D%/header.c %D%/header.h \
	%D%/header_write.c %D%/header_write.h \
	%D%/html_text.c %D%/html_text.h \
	%D%/mdn.c %D%/mdn.h \
	%D%/message.c %D%/message.h \
	%D%/mime.c %D%/mime.h \
	%D%/mime_text.c %D%/mime_text.h \
	%D%/mime_value.c %D%/mime_value.h \
	%D%/program.c %D%/program.h \
	%D%/smtp_client.c %D%/smtp_client.h \
	%D%/smtp_connection.c %D%/smtp_connection.h \
	%D%/spool.c %D%/spool.h \
	%D%/srs.c %D%/srs.h \
	%D%/status.c %D%/status.h \
	%D%/top_block.c %D%/top_block.h
MAIL_LIBS = %D%/libmail.a $(BASE_LIBS)

unit_tests += tests/unit/test_address tests/unit/test_compose tests/unit/test_message \
	tests/unit/test_mime tests/unit/test_smtp_client \
	tests/unit/test_smtp_connection \
	tests/unit/test_status tests/unit/test_top_block
tests_unit_test_address_SOURCES = tests/unit/test_address.c
tests_unit_test_address_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_compose_SOURCES = tests/unit/test_compose.c
tests_unit_test_compose_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_message_SOURCES = tests/unit/test_message.c
tests_unit_test_message_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_mime_SOURCES = tests/unit/test_mime.c
tests_unit_test_mime_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_status_SOURCES = tests/unit/test_status.c
tests_unit_test_status_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_top_block_SOURCES = tests/unit/test_top_block.c
tests_unit_test_top_block_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_smtp_client_SOURCES = tests/unit/test_smtp_client.c
tests_unit_test_smtp_client_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
tests_unit_test_smtp_connection_SOURCES = tests/unit/test_smtp_connection.c
tests_unit_test_smtp_connection_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
unit_tests += tests/unit/test_program
tests_unit_test_program_SOURCES = tests/unit/test_program.c
tests_unit_test_program_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
if HAVE_OPENSSL
unit_tests += tests/unit/test_srs
tests_unit_test_srs_SOURCES = tests/unit/test_srs.c
tests_unit_test_srs_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_test_srs_LDADD = $(MAIL_LIBS) $(UNIT_LIBS) $(OPENSSL_LIBS)
endif
