/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in calls on a process that ends, or begins another program, in the middle of the move: the call
 * ends in time, with what the system call says of such a process, and nothing of it is left open.
 *
 * usage: vm-gone ROUNDS SECONDS-PER-CALL
 *
 * Prints how many calls found the process gone.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE	  4096ul
#define BLOCK	  (2ul << 20)
#define LEN	  (8 * BLOCK)
#define N	  (LEN / PAGE)
#define MOVE	  2
#define UNTOUCHED 12345
/* Of processes that the library keeps open for a next call: more or less of them, but not more and more. */
#define KEPT_FDS  16

enum how { EXIT, EXEC, KILLED, N_HOW };

static char *area;
static double limit;
static unsigned int n_gone;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	EXPECT_TRUE(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int node_of(void *page)
{
	int status;

	EXPECT_EQ(syscall(SYS_move_pages, 0, 1ul, &page, NULL, &status, 0), 0);
	return status;
}

/* It goes when the first of its pages has moved and the rest has not: there is no event for that. */
static void child_main(enum how how, int ready)
{
	unsigned long node0 = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	EXPECT_EQ(syscall(SYS_set_mempolicy, 1 /* preferred */, &node0, 64), 0);
	madvise(area, LEN, MADV_HUGEPAGE);
	memset(area, 1, LEN);
	EXPECT_EQ(write(ready, "", 1), 1);
	while (node_of(area) != 1)
		;
	if (how == EXIT)
		_exit(0);
	if (how == EXEC)
		execlp("sleep", "sleep", "1000", NULL);
	raise(SIGKILL);
}

static pid_t start(enum how how)
{
	int ready[2];
	pid_t pid;
	char c;

	EXPECT_EQ(pipe(ready), 0);
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (!pid)
		child_main(how, ready[1]);
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

/* What the system calls say of a process that is gone, and of one that has no memory any more. */
static void check_errno(void)
{
	if (errno != ESRCH && errno != EINVAL)
		TEST_FAIL("the call fails with %s", strerror(errno));
}

/* It fails when nobody is left to be asked; else each page has a status: a node, or that there is nothing. */
static void check_move(long r, const int *status)
{
	size_t missing = 0;

	if (r < 0)
		check_errno();
	for (size_t i = 0; i < N; i++) {
		if (r < 0 && status[i] == UNTOUCHED)
			continue;
		if (status[i] != 0 && status[i] != 1 && status[i] != -ENOENT &&
		    status[i] != -EFAULT && status[i] != -EBUSY)
			TEST_FAIL("status of page %zu: %d", i, status[i]);
		missing += status[i] == -ENOENT || status[i] == -EFAULT;
	}
	n_gone += r < 0 || missing;
}

static void move_pages_of(enum how how)
{
	static void *pages[N];
	static int nodes[N], status[N];
	pid_t pid = start(how);
	double begin = now();
	long r;

	for (size_t i = 0; i < N; i++) {
		pages[i] = area + i * PAGE;
		nodes[i] = 1;
		status[i] = UNTOUCHED;
	}
	r = migoff_move_pages(pid, N, pages, nodes, status, MOVE);
	check_move(r, status);
	if (now() - begin > limit)
		TEST_FAIL("the call took %.1f s", now() - begin);
	end(pid);
}

static void migrate_pages_of(enum how how)
{
	unsigned long from = 1, to = 2;
	pid_t pid = start(how);
	double begin = now();
	long r;

	r = migoff_migrate_pages(pid, 64, &from, &to);
	if (r < 0)
		check_errno();
	n_gone += r < 0;
	if (now() - begin > limit)
		TEST_FAIL("the call took %.1f s", now() - begin);
	end(pid);
}

int main(int argc, char **argv)
{
	unsigned int n_fds;
	char *mem;

	EXPECT_EQ(argc, 3);
	limit = strtod(argv[2], NULL);
	mem = mmap(NULL, LEN + BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	area = (char *)ALIGN_UP((uintptr_t)mem, BLOCK);

	/* The connection that the library keeps is made, and a target of it replaced now and then. */
	for (int i = 0; i < 8; i++)
		move_pages_of(EXIT);
	n_gone = 0;
	n_fds = count_fds();
	for (int i = 0; i < atoi(argv[1]); i++)
		for (enum how how = EXIT; how < N_HOW; how++) {
			move_pages_of(how);
			migrate_pages_of(how);
		}
	EXPECT_GE(n_fds + KEPT_FDS, count_fds());
	printf("gone=%u\n", n_gone);
	return 0;
}
