/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves the memory of a child back and forth by the drop-in call until SIGTERM, while the child changes and
 * checks it. Each call has to leave every page on its destination, and to end in time. One line a move.
 *
 * usage: vm-mover SECONDS-PER-CALL
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE	4096ul
#define BLOCK	(2ul << 20)
#define LEN	(16 * BLOCK)
#define N	(LEN / PAGE)
#define MOVE	2

static volatile sig_atomic_t stop;
static char *area;

static struct {
	_Atomic bool ready;
	_Atomic long bad;
} *shared;

static void on_term(int sig)
{
	stop = 1;
}

/* Counts in random pages; what it finds must be what it wrote last. */
static void child_main(void)
{
	static unsigned int expected[N];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		unsigned long page = (unsigned long)random() % N;
		unsigned int *word = (unsigned int *)(area + page * PAGE);

		if (*word != expected[page])
			shared->bad++;
		*word = ++expected[page];
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void move(pid_t pid, int node, double limit)
{
	static void *pages[N];
	static int nodes[N], status[N];
	double begin = now();
	long r;

	for (unsigned long i = 0; i < N; i++) {
		pages[i] = area + i * PAGE;
		nodes[i] = node;
		status[i] = -EINPROGRESS;
	}
	r = migoff_move_pages(pid, N, pages, nodes, status, MOVE);
	if (r)
		TEST_FAIL("returns %ld: %s", r, r < 0 ? strerror(errno) : "pages not moved");
	for (unsigned long i = 0; i < N; i++)
		EXPECT_TRUE(status[i] == node || status[i] == -EBUSY); /* within a folio that moves */
	EXPECT_EQ(migoff_move_pages(pid, N, pages, NULL, status, 0), 0);
	for (unsigned long i = 0; i < N; i++)
		EXPECT_EQ(status[i], node);
	if (now() - begin > limit)
		TEST_FAIL("a call took %.1f s", now() - begin);
	printf("%d %.3f s\n", node, now() - begin);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	char *mem;
	pid_t pid;

	EXPECT_EQ(argc, 2);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mem = mmap(NULL, LEN + BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(shared != MAP_FAILED && mem != MAP_FAILED);
	area = (char *)ALIGN_UP((uintptr_t)mem, BLOCK);
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		madvise(area, LEN, MADV_HUGEPAGE);
		memset(area, 0, LEN);
		shared->ready = true;
		child_main();
	}
	while (!shared->ready)
		usleep(1000);
	sigaction(SIGTERM, &action, NULL);
	for (int node = 1; !stop; node = !node)
		move(pid, node, strtod(argv[1], NULL));
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT_EQ(shared->bad, 0);
	return 0;
}
