/* floor.c - the least that durability demands: create, write, fsync, rename, fsync of the
 *directory.
 *
 *	floor DIRECTORY WRITERS MESSAGES BYTES
 *
 * WRITERS processes store MESSAGES in all, each in a Maildir of its own below DIRECTORY, and the
 * rate is printed. No delivery agent can be faster and keep its promise. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *act)
{
	perror(act);
	exit(1);
}

static void store(int dir, int new_dir, unsigned number, const char *text, size_t len)
{
	char tmp[64];
	char new[64];
	snprintf(tmp, sizeof(tmp), "tmp/%u", number);
	snprintf(new, sizeof(new), "new/%u", number);
	int fd = openat(dir, tmp, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) != 0 || close(fd) != 0)
		fail(tmp);
	if (renameat(dir, tmp, dir, new) != 0 || fsync(new_dir) != 0)
		fail(new);
}

static void run_writer(const char *directory, unsigned writer, unsigned messages, size_t len)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%u", directory, writer);
	if (mkdir(path, 0700) != 0)
		fail(path);
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir < 0 || mkdirat(dir, "tmp", 0700) != 0 || mkdirat(dir, "new", 0700) != 0)
		fail(path);
	int new_dir = openat(dir, "new", O_RDONLY | O_DIRECTORY);
	char *text = malloc(len);
	memset(text, 'x', len);
	for (unsigned i = 0; i < messages; i++)
		store(dir, new_dir, i, text, len);
	free(text);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: floor DIRECTORY WRITERS MESSAGES BYTES\n", stderr);
		return 2;
	}
	unsigned writers = (unsigned)atoi(argv[2]);
	unsigned messages = (unsigned)atoi(argv[3]) / writers;
	struct timespec start;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < writers; i++) {
		if (fork() == 0)
			run_writer(argv[1], i, messages, (size_t)atol(argv[4]));
	}
	int status;
	while (wait(&status) > 0) {
		if (status != 0)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds =
	    (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%.0f messages/s\n", writers * messages / seconds);
	return 0;
}
