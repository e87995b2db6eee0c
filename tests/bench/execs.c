/* execs.c - how long one run of a delivery agent takes that is started for each message.
 *
 *	execs COUNT INPUT PROGRAM [ARGUMENT...]
 *
 * Starts PROGRAM (a path) COUNT times, one after the other, with INPUT as its standard input, and
 * prints the mean in milliseconds. Ends with 1 as soon as one of them does not end with 0. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int run(char **command, const char *input)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
	if (posix_spawn(&pid, command[0], &actions, NULL, command, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: execs COUNT INPUT PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	int count = atoi(argv[1]);
	struct timespec start;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < count; i++) {
		int status = run(argv + 3, argv[2]);
		if (status != 0) {
			fprintf(stderr, "%s ended with %#x\n", argv[3], (unsigned)status);
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double ms =
	    (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
	printf("%.3f ms\n", ms / count);
	return 0;
}
