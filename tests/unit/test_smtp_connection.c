#include "base/clock.h"
#include "base/file.h"
#include "mail/smtp_connection.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static struct arena *arena;
static struct status status;
static struct spool *spool;
static pid_t server;

/* A server in a process of its own: says `greeting`, then answers each line by the letter of
 * `answers` (2: 250, 3: 354, 5: 550, x: hangs up, w: waits); after a 354 only the dot counts. */
static void serve(const char *greeting, const char *answers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(path, sizeof(path), "/tmp/ladle-smtp.%d", (int)getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	server = fork();
	if (server > 0) {
		close(listener);
		return;
	}
	FILE *peer = fdopen(accept(listener, NULL, NULL), "r+");
	char line[100000];
	bool is_text = false;
	setvbuf(peer, NULL, _IONBF, 0);
	fputs(greeting, peer);
	while (fgets(line, sizeof(line), peer) != NULL) {
		if (is_text && strcmp(line, ".\r\n") != 0)
			continue;
		is_text = *answers == '3';
		if (*answers == 'x' || *answers == '\0')
			_exit(0);
		if (*answers == 'w')
			pause();
		fputs(*answers == '2' ? "250 2.0.0 ok\r\n"
		      : is_text       ? "354 go\r\n"
		                      : "550 5.7.1 no\r\n",
		    peer);
		answers++;
	}
	_exit(0);
}

static int deliver(size_t body_len, int timeout_ms)
{
	struct envelope envelope = {0};
	struct envelope_recipient to = {0};
	struct message message;
	int64_t deadline = clock_monotonic_ms() + timeout_ms;
	char place[80];
	arena = arena_new();
	spool = spool_new("/tmp");
	for (size_t i = 0; i < body_len; i += 10)
		ck_assert(spool_append(spool, ".23456789\n", 10, &status));
	ck_assert(spool_finish(spool, &status) && message_open(arena, spool, &message, &status));
	ck_assert(address_parse(arena, SPAN("s@x"), &envelope.sender, NULL));
	ck_assert(address_parse(arena, SPAN("r@x"), &to.address, NULL));
	struct smtp_client_options options = {
	    .hello = "us", .envelope = &envelope, .recipients = &to, .recipient_count = 1};
	struct smtp_client *client = smtp_client_new(arena, &options);
	snprintf(place, sizeof(place), "unix:%s", path);
	struct smtp_connection *connection = smtp_connection_open(place, "25", deadline, &status);
	ck_assert_ptr_nonnull(connection);
	if (smtp_connection_drive(connection, client, deadline) == SMTP_CLIENT_TEXT &&
	    smtp_connection_send_text(connection, client, &message, deadline)) {
		smtp_client_text_end(client);
		smtp_connection_drive(connection, client, deadline);
	}
	status = *smtp_client_status(client, 0);
	smtp_client_clear(client);
	smtp_connection_close(&connection);
	spool_free(&spool);
	arena_free(&arena);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	return status_reply(&status);
}

START_TEST(a_server_takes_it_refuses_it_hangs_up_or_hangs)
{
	static const struct {
		const char *greeting, *answers;
		int reply;
	} rows[] = {
	    {"220 hi\r\n", "222322", 250},
	    {"220 hi\r\n", "222352", 550},
	    {"220 hi\r\n", "22522", 550},
	    {"220 hi\r\n", "2223x", 451},
	    {"220 hi\r\n", "2x", 451},
	    {"220 hi\r\n", "22w", 451},
	    {"", "w", 451},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t start = clock_monotonic_ms();
		bool hangs = strchr(rows[i].answers, 'w') != NULL;
		serve(rows[i].greeting, rows[i].answers);
		int reply = deliver(2000000, hangs ? 200 : 20000);
		ck_assert_msg(reply == rows[i].reply, "row %zu: %d %s", i, reply, status.detail);
		ck_assert_int_lt((int)(clock_monotonic_ms() - start), 15000);
	}
}
END_TEST

START_TEST(nobody_there_is_temporary)
{
	int64_t deadline = clock_monotonic_ms() + 5000;
	static const char *const places[] = {
	    "unix:/nonexistent/socket", "inet:127.0.0.1:1", "inet:[::1]:1", "nonsense", "inet:"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		ck_assert_ptr_null(smtp_connection_open(places[i], "1", deadline, &status));
		ck_assert_int_eq(status_exit(&status), 75);
		ck_assert_ptr_nonnull(strstr(status.detail, places[i]));
	}
}
END_TEST

UNIT_TESTS(
    "smtp connection", a_server_takes_it_refuses_it_hangs_up_or_hangs, nobody_there_is_temporary)
