/* awake.c - keeps every processor from halting, until it is killed.
 *
 * On a virtual machine to wake a halted processor takes several times as long as to wake a process
 * on one that runs. One thread for each processor spins here, of the class that runs only where
 * nobody else wants to.
 *
 * Where sessions are scheduled as groups (sched_autogroup), the class counts within a session
 * alone: servers, and what the kernel itself does for an fsync, would wait for us. So the threads
 * are made in a moment in which new ones belong to no such group. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AUTOGROUP "/proc/sys/kernel/sched_autogroup_enabled"

static void *spin(void *unused)
{
	(void)unused;
	for (;;)
		__asm__ volatile("");
	return NULL;
}

/* A new thread has the class and, by `attributes`, the processor it will have for good. */
static int start_on(unsigned processor)
{
	pthread_t thread;
	pthread_attr_t attributes;
	cpu_set_t processors;
	CPU_ZERO(&processors);
	CPU_SET(processor, &processors);
	pthread_attr_init(&attributes);
	int error = pthread_attr_setaffinity_np(&attributes, sizeof(processors), &processors);
	if (error == 0)
		error = pthread_create(&thread, &attributes, spin, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static int start_all(void)
{
	cpu_set_t allowed;
	int error = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? 0 : errno;
	for (unsigned i = 0; i < CPU_SETSIZE && error == 0; i++)
		error = CPU_ISSET(i, &allowed) ? start_on(i) : 0;
	return error;
}

static void put_setting(int fd, char value)
{
	if (fd >= 0 && pwrite(fd, &value, 1, 0) != 1)
		perror(AUTOGROUP);
}

int main(void)
{
	static const struct sched_param none;
	int fd = open(AUTOGROUP, O_RDWR);
	char before = '0';
	if (sched_setscheduler(0, SCHED_IDLE, &none) != 0 ||
	    (fd >= 0 && pread(fd, &before, 1, 0) != 1)) {
		perror("awake");
		return 1;
	}
	put_setting(fd, '0');
	int error = start_all();
	put_setting(fd, before);
	if (error != 0) {
		fprintf(stderr, "awake: %s\n", strerror(error));
		return 1;
	}
	for (;;)
		pause();
}
