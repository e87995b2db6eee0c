/* hop.c - what it costs that a session and a delivery process are two processes.
 *
 *	hop PAIRS DELIVERIES
 *
 * PAIRS pairs of processes make the exchanges of DELIVERIES deliveries in all, with nothing done in
 * between: a question at RCPT and one with the message (4 KB) behind the final dot, with the sizes
 * they have, by the calls and over the kind of socket of lmtp-bridge/channel.c. The rate is
 * printed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ADMIT_BYTES = 273,
	DELIVER_BYTES = 4453,
	ANSWER_BYTES = 2600,
};

static char buffer[8192];

static void fail(const char *act)
{
	perror(act);
	exit(1);
}

static void send_all(int fd, size_t len)
{
	if (send(fd, buffer, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		fail("send");
}

/* Asks before it waits, as channel_read() does. */
static void receive_all(int fd, size_t len)
{
	struct iovec bytes = {.iov_base = buffer};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	while (len > 0) {
		bytes.iov_len = len;
		ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			fail("recvmsg");
		if (got < 0 && poll(&poller, 1, -1) < 0)
			fail("poll");
		if (got > 0)
			len -= (size_t)got;
	}
}

static void run_session(int fd, unsigned deliveries)
{
	for (unsigned i = 0; i < deliveries; i++) {
		send_all(fd, ADMIT_BYTES);
		receive_all(fd, ANSWER_BYTES);
		send_all(fd, DELIVER_BYTES);
		receive_all(fd, ANSWER_BYTES);
	}
	_exit(0);
}

static void run_delivery_process(int fd, unsigned deliveries)
{
	for (unsigned i = 0; i < deliveries; i++) {
		receive_all(fd, ADMIT_BYTES);
		send_all(fd, ANSWER_BYTES);
		receive_all(fd, DELIVER_BYTES);
		send_all(fd, ANSWER_BYTES);
	}
	_exit(0);
}

static void start(void (*run)(int fd, unsigned deliveries), int fd, unsigned deliveries)
{
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		run(fd, deliveries);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: hop PAIRS DELIVERIES\n", stderr);
		return 2;
	}
	unsigned pairs = (unsigned)atoi(argv[1]);
	unsigned deliveries = (unsigned)atoi(argv[2]) / pairs;
	struct timespec begin;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned i = 0; i < pairs; i++) {
		int ends[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
			fail("socketpair");
		start(run_session, ends[0], deliveries);
		start(run_delivery_process, ends[1], deliveries);
	}
	int status;
	while (wait(&status) > 0) {
		if (status != 0)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds =
	    (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("%.0f deliveries/s\n", pairs * deliveries / seconds);
	return 0;
}
