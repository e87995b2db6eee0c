# Floor 3: the filter language. Features are in core_*.c and ext_*.c, one each.
noinst_LIBRARIES += %D%/libsieve.a
%C%_libsieve_a_SOURCES = \
	%D%/address_list.c %D%/address_list.h \
	%D%/address_parts.c %D%/address_parts.h \
	%D%/check_arguments.c %D%/check_arguments.h \
	%D%/chain.c \
	%D%/checker.c %D%/checker.h \
	%D%/compile.c \
	%D%/core_actions.c \
	%D%/core_comparing.c \
	%D%/core_control.c \
	%D%/core_redirect.c \
	%D%/core_tests.c \
	%D%/date_text.c %D%/date_text.h \
	%D%/environment.h \
	%D%/ext_comparator_numeric.c \
	%D%/ext_body.c \
	%D%/ext_copy.c \
	%D%/ext_date.c \
	%D%/ext_duplicate.c \
	%D%/ext_editheader.c \
	%D%/ext_encoded_character.c \
	%D%/ext_enotify.c \
	%D%/ext_envelope.c \
	%D%/ext_envelope_deliverby.c \
	%D%/ext_envelope_dsn.c \
	%D%/ext_environment.c \
	%D%/ext_extlists.c \
	%D%/ext_extracttext.c \
	%D%/ext_fcc.c \
	%D%/ext_fileinto.c \
	%D%/ext_foreverypart.c \
	%D%/ext_ihave.c \
	%D%/ext_imap4flags.c \
	%D%/ext_include.c \
	%D%/ext_index.c \
	%D%/ext_mailbox.c \
	%D%/ext_mailboxid.c \
	%D%/ext_metadata.c \
	%D%/ext_mime.c \
	%D%/ext_redirect_dsn.c \
	%D%/ext_reject.c \
	%D%/ext_relational.c \
	%D%/ext_replace.c \
	%D%/ext_spamtest.c \
	%D%/ext_special_use.c \
	%D%/ext_subaddress.c \
	%D%/ext_vacation.c \
	%D%/ext_variables.c \
	%D%/ext_vnd_cyrus_log.c \
	%D%/ext_vnd_dovecot_debug.c \
	%D%/ext_vnd_dovecot_environment.c \
	%D%/ext_vnd_dovecot_report.c \
	%D%/ext_vnd_dovecot_programs.c \
	%D%/explain.c %D%/explain.h \
	%D%/feature.h \
	%D%/features.h \
	%D%/fields.c %D%/fields.h \
	%D%/folder_name.c %D%/folder_name.h \
	%D%/header_text.c %D%/header_text.h \
	%D%/letter.c %D%/letter.h \
	%D%/lexer.c %D%/lexer.h \
	%D%/limits.h \
	%D%/mailto.c %D%/mailto.h \
	%D%/match.c %D%/match.h \
	%D%/options.c %D%/options.h \
	%D%/parts.c %D%/parts.h \
	%D%/parser.c %D%/parser.h \
	%D%/problems.c %D%/problems.h \
	%D%/registry.c %D%/registry.h \
	%D%/report.c %D%/report.h \
	%D%/run.c %D%/run.h \
	%D%/score.h \
	%D%/script.h \
	%D%/sieve.h \
	%D%/template.c %D%/template.h \
	%D%/tree.h \
	%D%/vacation.c %D%/vacation.h \
	%D%/variables.h \
	%D%/warnings.c %D%/warnings.h
if HAVE_PCRE2
%C%_libsieve_a_SOURCES += %D%/ext_regex.c %D%/regex_module.h
ladlelib_PROGRAMS += deliver/regex.so
deliver_regex_so_SOURCES = %D%/regex_module.c %D%/regex_module.h
deliver_regex_so_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
deliver_regex_so_LDFLAGS = $(AM_LDFLAGS) -shared
deliver_regex_so_LDADD = $(PCRE2_LIBS)
endif
if HAVE_UNISTRING
%C%_libsieve_a_SOURCES += %D%/ext_comparator_unicode.c %D%/unicode_module.h
ladlelib_PROGRAMS += deliver/unicode.so
deliver_unicode_so_SOURCES = %D%/unicode_module.c %D%/unicode_module.h
deliver_unicode_so_LDFLAGS = $(AM_LDFLAGS) -shared
deliver_unicode_so_LDADD = -lunistring
endif
SIEVE_LIBS = %D%/libsieve.a $(MAIL_LIBS)

bin_PROGRAMS += %D%/sieve-lite
%C%_sieve_lite_SOURCES = \
	%D%/main.c \
	%D%/cmd.h \
	%D%/cmd_check.c \
	%D%/cmd_extensions.c \
	%D%/cmd_filter.c \
	%D%/action_text.c %D%/action_text.h \
	%D%/cmd_run.c \
	%D%/cmd_run_user.c \
	%D%/cmd_test.c \
	%D%/mail_file.c %D%/mail_file.h \
	%D%/script_dirs.c %D%/script_dirs.h \
	%D%/testsuite.c %D%/testsuite.h \
	%D%/testsuite_config.c \
	%D%/testsuite_dict.c \
	%D%/testsuite_execute.c \
	%D%/testsuite_mail.c \
	%D%/testsuite_programs.c \
	%D%/testsuite_script.c
%C%_sieve_lite_LDADD = $(DELIVER_LIBS)

unit_tests += tests/unit/test_sieve_lexer \
	tests/unit/test_sieve_check \
	tests/unit/test_sieve_redirect \
	tests/unit/test_sieve_run \
	tests/unit/test_sieve_template \
	tests/unit/test_sieve_vacation \
	tests/unit/test_sieve_values
tests_unit_test_sieve_lexer_SOURCES = tests/unit/test_sieve_lexer.c
tests_unit_test_sieve_lexer_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_check_SOURCES = tests/unit/test_sieve_check.c tests/unit/sieve_room.h
tests_unit_test_sieve_check_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_redirect_SOURCES = tests/unit/test_sieve_redirect.c tests/unit/sieve_room.h
tests_unit_test_sieve_redirect_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_run_SOURCES = tests/unit/test_sieve_run.c tests/unit/sieve_room.h
tests_unit_test_sieve_run_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_template_SOURCES = tests/unit/test_sieve_template.c
tests_unit_test_sieve_template_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_vacation_SOURCES = tests/unit/test_sieve_vacation.c tests/unit/sieve_room.h
tests_unit_test_sieve_vacation_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
tests_unit_test_sieve_values_SOURCES = tests/unit/test_sieve_values.c tests/unit/sieve_room.h
tests_unit_test_sieve_values_LDADD = $(SIEVE_LIBS) $(UNIT_LIBS)
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/fuzz_sieve.c tests/fuzz/fuzz_sieve.dict \
	tests/fuzz/fuzz_sieve/rules tests/fuzz/fuzz_sieve/tests \
	tests/fuzz/fuzz_sieve/extensions tests/fuzz/fuzz_sieve/letters
TESTS += tests/house/check_svtests.sh
dist_check_SCRIPTS += tests/house/check_svtests.sh
EXTRA_DIST += tests/sieve
