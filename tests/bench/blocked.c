/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long threads wait for pages that are away: some threads touch random pages of their process, now
 * and then, while its memory is moved to and fro by the library, and note how long each touch took that
 * found its page unavailable. That is one in which the thread gave up the processor of its own accord:
 * nothing else in a touch of memory that is there makes it do so.
 *
 * usage: bench-blocked MIB SAMPLES SECONDS
 *
 * Prints the nanoseconds of each such touch, one a line, when there are so many of them, or so much time
 * has passed.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "macros.h"
#include "meter.h"
#include "migoff.h"
#include "test.h"

#define HUGE_SIZE (UINT64_C(2) << 20)
#define PAGE UINT64_C(4096)
#define MOVE 2
#define N_THREADS 16
#define PAUSE_NS 2000000
#define MAX_SAMPLES 65536

/* Shared with the process that has the memory. */
static struct {
	atomic_bool ready;
	atomic_size_t n;
	uint64_t ns[MAX_SAMPLES];
} *found;

static struct {
	volatile char *begin;
	uint64_t len;
} memory;

static long sleeps(void)
{
	struct rusage ru;

	getrusage(RUSAGE_THREAD, &ru);
	return ru.ru_nvcsw;
}

static void touch(unsigned int *seed)
{
	uint64_t at = (uint64_t)rand_r(seed) * PAGE % memory.len, begin, ns;
	long slept = sleeps();
	size_t i;

	begin = clock_now_ns();
	memory.begin[at]++;
	ns = clock_now_ns() - begin;
	if (sleeps() == slept)
		return;
	i = atomic_fetch_add(&found->n, 1);
	if (i < MAX_SAMPLES)
		found->ns[i] = ns;
}

static void *touch_now_and_then(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (;;) {
		/* Not in step with each other, nor with what moves the memory. */
		struct timespec ts = { .tv_nsec = PAUSE_NS / 2 + rand_r(&seed) % PAUSE_NS };

		touch(&seed);
		nanosleep(&ts, NULL);
	}
	return NULL;
}

_Noreturn static void target_main(void)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	madvise((void *)memory.begin, memory.len, MADV_HUGEPAGE);
	for (uint64_t at = 0; at < memory.len; at += PAGE)
		memory.begin[at] = 1;
	for (uintptr_t i = 1; i <= N_THREADS; i++)
		if (pthread_create(&thread, NULL, touch_now_and_then, (void *)i) != 0)
			_exit(1);
	found->ready = true;
	for (;;)
		pause();
}

static void move(pid_t pid, int node, size_t n, void **pages, int *nodes, int *status)
{
	for (size_t i = 0; i < n; i++) {
		pages[i] = (void *)(memory.begin + i * HUGE_SIZE);
		nodes[i] = node;
	}
	if (migoff_move_pages(pid, n, pages, nodes, status, MOVE) != 0)
		TEST_FAIL("moving pages: %s", strerror(errno));
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(status[i], node);
}

static void move_until_found(pid_t pid, size_t n_samples, uint64_t end_ns)
{
	size_t n = memory.len / HUGE_SIZE;
	void **pages = malloc(n * sizeof(*pages));
	int *nodes = malloc(n * sizeof(*nodes)), *status = malloc(n * sizeof(*status));

	EXPECT_TRUE(pages && nodes && status);
	for (int i = 1; found->n < n_samples && clock_now_ns() < end_ns; i++)
		move(pid, i % 2, n, pages, nodes, status);
	free(pages);
	free(nodes);
	free(status);
}

static void map_memory(uint64_t len)
{
	uintptr_t p;

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p = (uintptr_t)mmap(NULL, len + HUGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(found != MAP_FAILED && p != (uintptr_t)MAP_FAILED);
	memory.begin = (void *)ALIGN_UP(p, HUGE_SIZE);
	memory.len = len;
}

int main(int argc, char **argv)
{
	size_t n_samples;
	pid_t pid;

	EXPECT_EQ(argc, 4);
	map_memory(strtoull(argv[1], NULL, 10) << 20);
	n_samples = MIN(strtoull(argv[2], NULL, 10), (unsigned long long)MAX_SAMPLES);
	/* While the processor idles this machine's clock jumps, and the device's time would not count. */
	meter_start();
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (pid == 0)
		target_main();
	while (!found->ready)
		meter_sleep_ms(1);
	move_until_found(pid, n_samples, clock_now_ns() + strtoull(argv[3], NULL, 10) * NSEC_PER_SEC);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	for (size_t i = 0; i < MIN((size_t)found->n, (size_t)MAX_SAMPLES); i++)
		printf("%" PRIu64 "\n", found->ns[i]);
	return 0;
}
