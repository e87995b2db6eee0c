# Floor 5: the LMTP front.
noinst_LIBRARIES += %D%/libbridge.a
%C%_libbridge_a_SOURCES = \
	%D%/access.c %D%/access.h \
	%D%/board.c %D%/board.h \
	%D%/caller.c %D%/caller.h \
	%D%/auth_helper.c %D%/auth_helper.h \
	%D%/channel.c %D%/channel.h \
	%D%/child.c %D%/child.h \
	%D%/connection.c %D%/connection.h \
	%D%/delivery_process.c %D%/delivery_process.h \
	%D%/dispatch.c %D%/dispatch.h \
	%D%/enclosure.c %D%/enclosure.h \
	%D%/exchange.c %D%/exchange.h \
	%D%/flusher.c %D%/flusher.h \
	%D%/generation.c %D%/generation.h \
	%D%/listener.c %D%/listener.h \
	%D%/lmtp_auth.c %D%/lmtp_machine.h \
	%D%/lmtp_command.c %D%/lmtp_command.h \
	%D%/lmtp_data.c %D%/lmtp_data.h \
	%D%/lmtp_forward.c %D%/lmtp_forward.h \
	%D%/lmtp_line.c %D%/lmtp_line.h \
	%D%/lmtp_parameter.c %D%/lmtp_parameter.h \
	%D%/lmtp_proto.c %D%/lmtp_proto.h \
	%D%/lmtp_reply.c %D%/lmtp_reply.h \
	%D%/lmtp_text.c \
	%D%/lmtp_transaction.c %D%/lmtp_transaction.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/metrics_serve.c \
	%D%/metrics_show.c \
	%D%/policy.c %D%/policy.h \
	%D%/process_table.c %D%/process_table.h \
	%D%/policy_session.c \
	%D%/proxy_header.c %D%/proxy_header.h \
	%D%/sasl_module.h \
	%D%/secure.c %D%/secure.h \
	%D%/session.c %D%/session.h \
	%D%/signals.c %D%/signals.h \
	%D%/socketmap.c %D%/socketmap.h \
	%D%/srs_session.c \
	%D%/supervisor.c %D%/supervisor.h \
	%D%/supervisor_children.c %D%/supervisor_clients.c %D%/supervisor_state.h \
	%D%/unheard.c %D%/unheard.h \
	%D%/tls_keys.c %D%/tls_keys.h %D%/tls_module.h
BRIDGE_LIBS = %D%/libbridge.a $(DELIVER_LIBS)

sbin_PROGRAMS += %D%/lmtp-bridge
%C%_lmtp_bridge_SOURCES = %D%/main.c
%C%_lmtp_bridge_LDADD = $(BRIDGE_LIBS)

# Loaded where a listener asks for TLS or AUTH; beside deliver.so, where modules are looked for.
if HAVE_OPENSSL
ladlelib_PROGRAMS += deliver/lmtp-tls.so
deliver_lmtp_tls_so_SOURCES = %D%/tls_openssl.c %D%/tls_module.h
deliver_lmtp_tls_so_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
deliver_lmtp_tls_so_LDFLAGS = $(AM_LDFLAGS) -shared
deliver_lmtp_tls_so_LDADD = $(OPENSSL_LIBS)
endif
if HAVE_SASL
ladlelib_PROGRAMS += deliver/lmtp-sasl.so
deliver_lmtp_sasl_so_SOURCES = %D%/sasl_cyrus.c %D%/sasl_module.h
deliver_lmtp_sasl_so_CPPFLAGS = $(AM_CPPFLAGS) $(SASL_CFLAGS)
deliver_lmtp_sasl_so_LDFLAGS = $(AM_LDFLAGS) -shared
deliver_lmtp_sasl_so_LDADD = $(SASL_LIBS)
endif

unit_tests += tests/unit/test_socketmap
tests_unit_test_socketmap_SOURCES = tests/unit/test_socketmap.c
tests_unit_test_socketmap_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
unit_tests += tests/unit/test_lmtp_proto tests/unit/test_lmtp_random tests/unit/test_policy \
	tests/unit/test_exchange tests/unit/test_dispatch tests/unit/test_lmtp_forward \
	tests/unit/test_proxy_header tests/unit/test_channel tests/unit/test_board
tests_unit_test_board_SOURCES = tests/unit/test_board.c
tests_unit_test_board_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c
tests_unit_test_channel_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_lmtp_forward_SOURCES = tests/unit/test_lmtp_forward.c
tests_unit_test_lmtp_forward_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_proxy_header_SOURCES = tests/unit/test_proxy_header.c
tests_unit_test_proxy_header_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_lmtp_proto_SOURCES = tests/unit/test_lmtp_proto.c tests/unit/lmtp_client.h
tests_unit_test_lmtp_proto_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_lmtp_random_SOURCES = tests/unit/test_lmtp_random.c tests/unit/lmtp_client.h
tests_unit_test_lmtp_random_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_exchange_SOURCES = tests/unit/test_exchange.c
tests_unit_test_exchange_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
tests_unit_test_dispatch_SOURCES = tests/unit/test_dispatch.c tests/unit/fake_pipeline.c
tests_unit_test_dispatch_LDADD = $(BRIDGE_LIBS) $(UNIT_LIBS)
