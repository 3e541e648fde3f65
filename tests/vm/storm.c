/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a storm going for a time:
 *
 *	storm SECONDS SEED
 *
 * Ends with 0 when each worker found all its memory as it should be, and each request was accounted for.
 */
#include "storm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define N_MOVERS   3
#define PROGRESS_S 15

static struct storm *storm;
static int storm_fd;

static struct storm *map(int fd)
{
	void *p = mmap(NULL, sizeof(struct storm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	EXPECT_TRUE(p != MAP_FAILED);
	return p;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void start_worker(unsigned int i, uint64_t seed)
{
	char fd[16], number[32];
	pid_t pid;

	snprintf(fd, sizeof(fd), "%d", storm_fd);
	snprintf(number, sizeof(number), "%" PRIu64, seed);
	pid = fork();
	EXPECT_GE(pid, 0);
	if (pid == 0) {
		execl("/proc/self/exe", "storm", "worker", fd, number, NULL);
		_exit(1);
	}
	atomic_store(&storm->workers[i], pid);
}

/* Until none is left. A new one for each that has ended by itself, as long as the storm lasts. */
static void watch(time_t end, uint64_t *seed)
{
	time_t begin = now(), next = begin;
	unsigned int left = STORM_WORKERS;

	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (now() >= end)
			atomic_store(&storm->stop, true);
		if (now() >= next && !storm->stop) {
			next += PROGRESS_S;
			printf("progress: %3lu s of %lu, %" PRIu64 " requests and %" PRIu64
			       " calls, %" PRIu64 " MiB by the engine\n", (unsigned long)(now() - begin),
			       (unsigned long)(end - begin), storm->n_requests, storm->n_calls,
			       storm->bytes_engine >> 20);
			fflush(stdout);
		}
		if (pid <= 0) {
			usleep(10000);
			continue;
		}
		if (status)
			TEST_FAIL("worker %d ended with status %x", pid, (unsigned int)status);
		for (unsigned int i = 0; i < STORM_WORKERS; i++) {
			if (atomic_load(&storm->workers[i]) != pid)
				continue;
			if (storm->stop)
				left--;
			else
				start_worker(i, ++*seed);
		}
	}
}

static void report(void)
{
	for (unsigned int i = 0; storm_op_name(i); i++)
		printf("%s=%" PRIu64 " ", storm_op_name(i), storm->n_ops[i]);
	printf("\nrequests=%" PRIu64 " refused=%" PRIu64 " lost=%" PRIu64 " calls=%" PRIu64 " pages=%" PRIu64
	       " moved=%" PRIu64 " engine=%" PRIu64 "\n", storm->n_requests, storm->n_refused,
	       storm->n_lost, storm->n_calls, storm->pages, storm->pages_moved, storm->bytes_engine);
}

int main(int argc, char **argv)
{
	struct storm_mover movers[N_MOVERS];
	pthread_t threads[N_MOVERS];
	uint64_t seed;

	if (argc == 4 && !strcmp(argv[1], "worker")) {
		storm_fd = atoi(argv[2]);
		storm_worker(map(storm_fd), storm_fd, strtoull(argv[3], NULL, 10));
	}
	EXPECT_EQ(argc, 3);
	seed = strtoull(argv[2], NULL, 10);
	/* Workers find it after their exec. */
	storm_fd = memfd_create("storm", 0);
	EXPECT_GE(storm_fd, 0);
	EXPECT_EQ(ftruncate(storm_fd, sizeof(struct storm)), 0);
	storm = map(storm_fd);
	for (unsigned int i = 0; i < STORM_WORKERS; i++)
		start_worker(i, ++seed);
	for (unsigned int i = 0; i < N_MOVERS; i++) {
		movers[i] = (struct storm_mover){ .storm = storm, .seed = ++seed };
		EXPECT_EQ(pthread_create(&threads[i], NULL, i ? storm_mover : storm_caller, &movers[i]), 0);
	}
	watch(now() + atoi(argv[1]), &seed);
	for (unsigned int i = 0; i < N_MOVERS; i++)
		pthread_join(threads[i], NULL);
	report();
	return 0;
}
