/* probe.c - asks an LMTP server about recipients as an address verifier does, on one connection.
 *
 *	probe UNIX-SOCKET COUNT RECIPIENT [RATE]
 *
 * Each probe is MAIL, RCPT and RSET in one write; "%u" in RECIPIENT becomes the probe's number
 * modulo 1000. With RATE (probes a second) they are sent at that pace. Prints the rate, and the
 * median and 99th percentile of the time from the write to the last of the three replies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];
static size_t buffered;

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *act)
{
	perror(act);
	exit(1);
}

/* Reads one reply, all its lines; its code. */
static int read_reply(int fd)
{
	for (;;) {
		char *end = memchr(buffer, '\n', buffered);
		if (end == NULL) {
			ssize_t got = read(fd, buffer + buffered, sizeof(buffer) - buffered);
			if (got <= 0)
				fail("read");
			buffered += (size_t)got;
			continue;
		}
		int code = atoi(buffer);
		int is_last = buffer[3] != '-';
		size_t len = (size_t)(end + 1 - buffer);
		memmove(buffer, end + 1, buffered - len);
		buffered -= len;
		if (is_last)
			return code;
	}
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("write");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail(path);
	return fd;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* The recipient with "%u" replaced; no printf format of the caller's choosing. */
static void name_recipient(char *to, size_t size, const char *pattern, unsigned number)
{
	const char *mark = strstr(pattern, "%u");
	if (mark == NULL)
		snprintf(to, size, "%s", pattern);
	else
		snprintf(
		    to, size, "%.*s%u%s", (int)(mark - pattern), pattern, number % 1000, mark + 2);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: probe UNIX-SOCKET COUNT RECIPIENT [RATE]\n", stderr);
		return 2;
	}
	unsigned count = (unsigned)atoi(argv[2]);
	double rate = argc > 4 ? atof(argv[4]) : 0;
	double *times = calloc(count, sizeof(*times));
	unsigned replies[6] = {0};
	int fd = connect_to(argv[1]);
	read_reply(fd);
	say(fd, "LHLO probe.example\r\n");
	read_reply(fd);
	double start = now_ms();
	for (unsigned i = 0; i < count; i++) {
		char recipient[256];
		char text[512];
		double due = start + i * 1000 / (rate > 0 ? rate : 1);
		if (rate > 0 && now_ms() < due)
			usleep((useconds_t)((due - now_ms()) * 1000));
		name_recipient(recipient, sizeof(recipient), argv[3], i);
		snprintf(text, sizeof(text),
		    "MAIL FROM:<double-bounce@probe.example>\r\nRCPT TO:<%s>\r\nRSET\r\n",
		    recipient);
		double sent = now_ms();
		say(fd, text);
		read_reply(fd);
		replies[read_reply(fd) / 100 % 6]++;
		read_reply(fd);
		times[i] = now_ms() - sent;
	}
	double seconds = (now_ms() - start) / 1000;
	qsort(times, count, sizeof(*times), compare);
	printf("%.0f probes/s, median %.3f ms, p99 %.3f ms; replies 2xx %u, 4xx %u, 5xx %u\n",
	    count / seconds, times[count / 2], times[count * 99 / 100], replies[2], replies[4],
	    replies[5]);
	free(times);
	close(fd);
	return 0;
}
