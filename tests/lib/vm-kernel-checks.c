/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program may expect of move_pages(2) and migrate_pages(2), called through libnuma's names: true
 * of the kernel, and to be true of the library when it is interposed.
 */
#include <errno.h>
#include <numaif.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macros.h"
#include "test.h"

#define PAGE	4096ul
#define N	64

static char *mem;
static void *pages[N];

static void renew(int prot_flags)
{
	if (mem)
		munmap(mem, N * PAGE);
	mem = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | prot_flags, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	madvise(mem, N * PAGE, MADV_NOHUGEPAGE);
	for (unsigned int i = 0; i < N; i++) {
		pages[i] = mem + i * PAGE;
		mem[i * PAGE] = (char)i;
	}
}

static void set_all(int *array, int value)
{
	for (unsigned int i = 0; i < N; i++)
		array[i] = value;
}

static void expect_on(int node)
{
	int status[N];

	EXPECT_EQ(move_pages(0, N, pages, NULL, status, 0), 0);
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_EQ(status[i], node);
		EXPECT_EQ(mem[i * PAGE], (char)i);
	}
}

/* Pages of the caller go where they are sent, and are found there with their content. */
static void test_to_and_fro(void)
{
	int nodes[N], status[N];

	renew(MAP_PRIVATE);
	for (int round = 0; round < 4; round++) {
		set_all(nodes, round % 2);
		set_all(status, -77);
		EXPECT_EQ(move_pages(round & 2 ? getpid() : 0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
		for (unsigned int i = 0; i < N; i++)
			EXPECT_EQ(status[i], round % 2);
		expect_on(round % 2);
	}
}

/* Each page goes to its own node. */
static void test_spread(void)
{
	int nodes[N], status[N], found[N];

	renew(MAP_PRIVATE);
	for (unsigned int i = 0; i < N; i++)
		nodes[i] = i % 3 == 0;
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	EXPECT_EQ(move_pages(0, N, pages, NULL, found, 0), 0);
	EXPECT_EQ(memcmp(nodes, found, sizeof(found)), 0);
	EXPECT_EQ(memcmp(nodes, status, sizeof(found)), 0);
}

/* What was never touched, and what is not mapped, has a status of its own; the others move. */
static void test_not_there(void)
{
	int nodes[N], status[N];
	char *untouched;

	renew(MAP_PRIVATE);
	untouched = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pages[3] = untouched;
	pages[5] = NULL;
	set_all(nodes, 1);
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	for (unsigned int i = 0; i < N; i++)
		EXPECT_EQ(status[i], i == 3 ? -ENOENT : i == 5 ? -EFAULT : 1);
	munmap(untouched, PAGE);
}

/* The zero page is not moved. */
static void test_zero_page(void)
{
	char *zero = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *page = zero;
	int node = 1, status = -77;

	EXPECT_EQ(*(volatile char *)zero, 0);
	EXPECT_EQ(move_pages(0, 1, &page, &node, &status, MPOL_MF_MOVE), 0);
	EXPECT_EQ(status, -EFAULT);
	munmap(zero, PAGE);
}

static void expect_error(int error, int pid, unsigned long n, void **p, int *nodes, int *status,
			 int flags)
{
	errno = 0;
	EXPECT_EQ(move_pages(pid, n, p, nodes, status, flags), -1);
	EXPECT_EQ(errno, error);
}

/* Each wrong argument has its error. */
static void test_errors(void)
{
	int nodes[N], status[N];

	renew(MAP_PRIVATE);
	set_all(nodes, 0);
	expect_error(EINVAL, 0, N, pages, nodes, status, MPOL_MF_MOVE | 1);
	expect_error(ESRCH, 0x3fffffff, N, pages, nodes, status, MPOL_MF_MOVE);
	expect_error(EFAULT, 0, N, NULL, nodes, status, MPOL_MF_MOVE);
	expect_error(EFAULT, 0, N, pages, (int *)8, status, MPOL_MF_MOVE);
	expect_error(EFAULT, 0, N, pages, nodes, NULL, MPOL_MF_MOVE);
	nodes[N - 1] = -1;
	expect_error(ENODEV, 0, N, pages, nodes, status, MPOL_MF_MOVE);
	nodes[N - 1] = 1023;
	expect_error(ENODEV, 0, N, pages, nodes, status, MPOL_MF_MOVE);
	nodes[N - 1] = 1 << 20;
	expect_error(ENODEV, 0, N, pages, nodes, status, MPOL_MF_MOVE);
	EXPECT_EQ(move_pages(0, 0, pages, nodes, status, MPOL_MF_MOVE), 0);
}

static pid_t child(void)
{
	pid_t pid = fork();

	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

/* Pages that a child shares stay, unless all are asked for. */
static void test_shared_with_child(void)
{
	int nodes[N], status[N];
	pid_t pid;

	renew(MAP_PRIVATE);
	set_all(nodes, 0);
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	pid = child();
	set_all(nodes, 1);
	EXPECT_EQ(move_pages(pid, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	for (unsigned int i = 0; i < N; i++)
		EXPECT_EQ(status[i], -EACCES);
	expect_on(0);
	EXPECT_EQ(move_pages(pid, N, pages, nodes, status, MPOL_MF_MOVE_ALL), 0);
	for (unsigned int i = 0; i < N; i++)
		EXPECT_EQ(status[i], 1);
	expect_on(1);
	end(pid);
}

/* Shared memory moves for all who map it. */
static void test_shared_memory(void)
{
	int nodes[N], status[N];
	pid_t pid;

	renew(MAP_SHARED);
	set_all(nodes, 0);
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	pid = child();
	set_all(nodes, 1);
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE_ALL), 0);
	expect_on(1);
	end(pid);
}

static void become_nobody(void)
{
	EXPECT_EQ(setgid(65534), 0);
	EXPECT_EQ(setuid(65534), 0);
}

/* Others' processes, processes that protect themselves, and all pages are not for everybody. */
static void without_rights(pid_t others)
{
	int nodes[N], status[N];
	pid_t own, hidden;
	int ready[2];
	char c;

	set_all(nodes, 1);
	become_nobody();
	expect_error(EPERM, others, N, pages, nodes, status, MPOL_MF_MOVE);
	expect_error(EPERM, 0, N, pages, nodes, status, MPOL_MF_MOVE_ALL);

	/* A change of user makes a process not dumpable. */
	EXPECT_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	own = child();
	EXPECT_EQ(move_pages(own, N, pages, NULL, status, 0), 0);
	EXPECT_EQ(pipe(ready), 0);
	hidden = fork();
	if (!hidden) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		EXPECT_EQ(write(ready[1], "", 1), 1);
		for (;;)
			pause();
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	expect_error(EPERM, hidden, N, pages, nodes, status, MPOL_MF_MOVE);
	end(own);
	end(hidden);
}

static void test_rights(void)
{
	int status;
	pid_t pid;

	renew(MAP_PRIVATE);
	pid = fork();
	if (!pid) {
		without_rights(getppid());
		exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/* The whole of a child goes where it is sent. */
static void test_migrate_pages(void)
{
	unsigned long from = 1, to = 2, none = 0, missing = 32;
	int nodes[N], status[N];
	pid_t pid;

	renew(MAP_PRIVATE);
	set_all(nodes, 0);
	EXPECT_EQ(move_pages(0, N, pages, nodes, status, MPOL_MF_MOVE), 0);
	pid = child();
	/* what it counts as not moved are pages of the files that the program is made of */
	EXPECT_GE(migrate_pages(pid, 64, &from, &to), 0);
	expect_on(1);
	EXPECT_GE(migrate_pages(pid, 64, &to, &from), 0);
	expect_on(0);
	errno = 0;
	EXPECT_EQ(migrate_pages(pid, 64, &from, &none), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(migrate_pages(pid, 64, &from, &missing), -1);
	EXPECT_EQ(migrate_pages(0x3fffffff, 64, &from, &to), -1);
	EXPECT_EQ(errno, ESRCH);
	EXPECT_EQ(migrate_pages(pid, 64, NULL, (unsigned long *)8), -1);
	EXPECT_EQ(errno, EFAULT);
	end(pid);
}

int main(void)
{
	RUN(test_to_and_fro);
	RUN(test_spread);
	RUN(test_not_there);
	RUN(test_zero_page);
	RUN(test_errors);
	RUN(test_shared_with_child);
	RUN(test_shared_memory);
	RUN(test_rights);
	RUN(test_migrate_pages);
	return 0;
}
