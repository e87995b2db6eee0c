# Floor 4: the pipeline and what belongs to it, and the pipe front.
noinst_LIBRARIES += %D%/libdeliver.a
%C%_libdeliver_a_CPPFLAGS = $(AM_CPPFLAGS) $(CONFUSE_CFLAGS)
%C%_libdeliver_a_SOURCES = \
	%D%/check.c %D%/check.h \
	%D%/copies.c %D%/delivery.h \
	%D%/expand.c %D%/expand.h \
	%D%/flush.c %D%/flush.h \
	%D%/front_options.c %D%/front_options.h \
	%D%/incoming.c %D%/incoming.h \
	%D%/notice.c %D%/notice.h \
	%D%/outbox.c %D%/outbox.h %D%/outbox_smtp.c \
	%D%/pending.c %D%/pending.h \
	%D%/pipeline.c %D%/pipeline.h \
	%D%/pipeline_errands.c %D%/pipeline_errands.h %D%/pipeline_inside.h \
	%D%/plugin.c %D%/plugin.h \
	%D%/plugin_quota.c %D%/plugin_quota.h \
	%D%/plugin_sieve.c %D%/plugin_sieve.h \
	%D%/quota_warning.c %D%/quota_warning.h \
	%D%/programs.c %D%/programs.h \
	%D%/queue_id.c %D%/queue_id.h \
	%D%/receipt.c %D%/receipt.h \
	%D%/recipient.c \
	%D%/record.c %D%/record.h \
	%D%/lists.c %D%/lists.h \
	%D%/special_use.c %D%/special_use.h \
	%D%/refusal.c \
	%D%/repeats.c %D%/repeats.h \
	%D%/replay.c %D%/replay.h \
	%D%/script_cache.c %D%/script_cache.h \
	%D%/script_keep.c %D%/script_keep.h \
	%D%/script_log.c %D%/script_log.h \
	%D%/script_run.c %D%/script_run.h \
	%D%/script_rules.c %D%/script_rules.h \
	%D%/seen.c %D%/seen.h %D%/seen_driver.h \
	%D%/sending.c \
	%D%/sieve_host.c %D%/sieve_host.h \
	%D%/settings.c %D%/settings.h \
	%D%/settings_file.c %D%/settings_file.h \
	%D%/settings_table.c %D%/settings_table.h \
	%D%/settings_value.c %D%/settings_value.h \
	%D%/srs_keys.c %D%/srs_keys.h %D%/srs_module.h \
	%D%/story.c %D%/story.h \
	%D%/state.c %D%/state.h \
	%D%/sweep.c %D%/sweep.h \
	%D%/user_sources.c %D%/user_sources.h

# deliver itself needs the C library only; the pipeline is a private shared object that its child
# loads, made of the same archives.
bin_PROGRAMS += %D%/deliver
%C%_deliver_SOURCES = %D%/front_options.c %D%/main.c %D%/parent.c %D%/parent.h %D%/library.h
%C%_deliver_LDADD = $(MAIL_LIBS)
ladlelib_PROGRAMS += %D%/deliver.so
%C%_deliver_so_SOURCES = %D%/front.c %D%/front.h %D%/talk.c %D%/library.h %D%/parent.h
%C%_deliver_so_LDFLAGS = $(AM_LDFLAGS) -shared
%C%_deliver_so_LDADD = $(DELIVER_LIBS)

# What few deliveries need is a module (base/module.h), loaded when it is asked for.
if HAVE_OPENSSL
ladlelib_PROGRAMS += %D%/srs.so
%C%_srs_so_SOURCES = %D%/srs_openssl.c
%C%_srs_so_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
%C%_srs_so_LDFLAGS = $(AM_LDFLAGS) -shared
%C%_srs_so_LDADD = $(OPENSSL_LIBS)
endif
if HAVE_SQLITE
ladlelib_PROGRAMS += %D%/seen_sqlite.so
%C%_seen_sqlite_so_SOURCES = %D%/seen_sqlite.c
%C%_seen_sqlite_so_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%C%_seen_sqlite_so_LDFLAGS = $(AM_LDFLAGS) -shared
%C%_seen_sqlite_so_LDADD = $(SQLITE_LIBS)
endif

DELIVER_LIBS = %D%/libdeliver.a $(SIEVE_LIBS) $(QUOTA_LIBS) $(STORE_LIBS) $(USERS_LIBS) \
	$(CONFUSE_LIBS)

unit_tests += tests/unit/test_expand tests/unit/test_front_options tests/unit/test_outbox \
	tests/unit/test_parent tests/unit/test_pipeline tests/unit/test_record tests/unit/test_script_cache \
	tests/unit/test_settings \
	tests/unit/test_state tests/unit/test_sweep
tests_unit_test_front_options_SOURCES = tests/unit/test_front_options.c
tests_unit_test_front_options_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_outbox_SOURCES = tests/unit/test_outbox.c
tests_unit_test_outbox_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c
tests_unit_test_settings_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_expand_SOURCES = tests/unit/test_expand.c
tests_unit_test_expand_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_pipeline_SOURCES = tests/unit/test_pipeline.c
tests_unit_test_pipeline_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_record_SOURCES = tests/unit/test_record.c
tests_unit_test_record_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_state_SOURCES = tests/unit/test_state.c
tests_unit_test_state_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_sweep_SOURCES = tests/unit/test_sweep.c
tests_unit_test_sweep_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_script_cache_SOURCES = tests/unit/test_script_cache.c
tests_unit_test_script_cache_LDADD = $(DELIVER_LIBS) $(UNIT_LIBS)
tests_unit_test_parent_SOURCES = tests/unit/test_parent.c deliver/parent.c
tests_unit_test_parent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syslog,--wrap=__syslog_chk
tests_unit_test_parent_LDADD = $(MAIL_LIBS) $(UNIT_LIBS)
