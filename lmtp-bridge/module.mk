# Floor 5: the LMTP front.
noinst_LIBRARIES += %D%/libbridge.a
%C%_libbridge_a_SOURCES = \
	%D%/lmtp_command.c %D%/lmtp_command.h \
	%D%/lmtp_data.c %D%/lmtp_data.h \
	%D%/lmtp_proto.c %D%/lmtp_proto.h \
	%D%/lmtp_reply.c %D%/lmtp_reply.h
BRIDGE_LIBS = %D%/libbridge.a $(MAIL_LIBS)

unit_tests += tests/unit/test_lmtp_proto tests/unit/test_lmtp_random
tests_unit_test_lmtp_proto_SOURCES = tests/unit/test_lmtp_proto.c tests/unit/lmtp_client.h
tests_unit_test_lmtp_proto_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_lmtp_random_SOURCES = tests/unit/test_lmtp_random.c tests/unit/lmtp_client.h
tests_unit_test_lmtp_random_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
