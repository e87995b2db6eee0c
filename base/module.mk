# Floor 1: what knows nothing of mail.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/base64.c %D%/base64.h \
	%D%/bytes.c %D%/bytes.h \
	%D%/clock.c %D%/clock.h \
	%D%/detach.c %D%/detach.h \
	%D%/file.c %D%/file.h \
	%D%/identity.c %D%/identity.h \
	%D%/json.c %D%/json.h \
	%D%/lock.c %D%/lock.h \
	%D%/log.c %D%/log.h \
	%D%/memory.c %D%/memory.h \
	%D%/module.c %D%/module.h \
	%D%/network.c %D%/network.h \
	%D%/number.c %D%/number.h \
	%D%/random.c %D%/random.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/sandbox.c %D%/sandbox.h \
	%D%/spawn.c %D%/spawn.h \
	%D%/sync_many.c %D%/sync_many.h \
	%D%/systemd.c %D%/systemd.h \
	%D%/utf8.c %D%/utf8.h
BASE_LIBS = %D%/libbase.a $(SECCOMP_LIBS)

unit_tests += tests/unit/test_base64 tests/unit/test_bytes tests/unit/test_detach tests/unit/test_file \
	tests/unit/test_identity tests/unit/test_module tests/unit/test_network tests/unit/test_number \
	tests/unit/test_sandbox tests/unit/test_sha256 tests/unit/test_spawn
tests_unit_test_sha256_SOURCES = tests/unit/test_sha256.c
tests_unit_test_sha256_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_base64_SOURCES = tests/unit/test_base64.c
tests_unit_test_base64_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_bytes_SOURCES = tests/unit/test_bytes.c tests/unit/unit.h
tests_unit_test_bytes_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_file_SOURCES = tests/unit/test_file.c
tests_unit_test_file_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_number_SOURCES = tests/unit/test_number.c
tests_unit_test_number_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_network_SOURCES = tests/unit/test_network.c
tests_unit_test_network_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c
tests_unit_test_spawn_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c
tests_unit_test_sandbox_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_detach_SOURCES = tests/unit/test_detach.c
tests_unit_test_detach_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c
tests_unit_test_identity_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
tests_unit_test_module_SOURCES = tests/unit/test_module.c
tests_unit_test_module_LDADD = $(BASE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/module_sample.so tests/unit/module_wrong.so
tests_unit_module_sample_so_SOURCES = tests/unit/module_sample.c
tests_unit_module_sample_so_LDFLAGS = $(AM_LDFLAGS) -shared
tests_unit_module_wrong_so_SOURCES = tests/unit/module_sample.c
tests_unit_module_wrong_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_VERSION
tests_unit_module_wrong_so_LDFLAGS = $(AM_LDFLAGS) -shared
