/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in calls on one node: whatever the daemon does, the caller sees what the system call would
 * have shown. (That memory moves is seen in the machine.)
 */
#include <errno.h>
#include <stdbool.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"
#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE	4096ul
#define N	16
/* The fewest addresses that the daemon is asked about. */
#define FEW	8
#define BLOCK	(2ul << 20)
/* The most calls in a row that are not asked about. */
#define MAX_UNASKED 7
#define MOVE	2
#define MOVE_ALL 4
#define UNTOUCHED 12345

static char *mem;	/* N pages: the first half written, the next only read, the last never touched */
static char *hole;	/* no mapping */
static struct fake fake;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void make_memory(void)
{
	mem = mmap(NULL, 2 * N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	madvise(mem, 2 * N * PAGE, MADV_NOHUGEPAGE);
	hole = mem + N * PAGE;
	EXPECT_EQ(munmap(hole, N * PAGE), 0);
	memset(mem, 1, N / 2 * PAGE);
	for (unsigned int i = N / 2; i < N * 3 / 4; i++)
		EXPECT_EQ(((volatile char *)mem)[i * PAGE], 0);
}

/* Runs a test in a child, so that each begins with no connection and no memory of lost ones. */
static void isolated(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		test();
		exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		exit(1);
}

/* A call of move_pages(2) with what it leaves behind. */
struct move {
	int pid;
	unsigned long count;
	void **pages;
	int *nodes;
	int *status;
	int flags;
	long ret;
	int error;
	int seen[N];
};

static void run(struct move *m, bool kernel)
{
	for (unsigned int i = 0; m->status && m->status != (int *)hole && i < N; i++)
		m->status[i] = UNTOUCHED;
	errno = 0;
	m->ret = kernel ? syscall(SYS_move_pages, m->pid, m->count, m->pages, m->nodes, m->status,
				  m->flags)
			: migoff_move_pages(m->pid, m->count, m->pages, m->nodes, m->status,
					    m->flags);
	m->error = errno;
	if (m->status && m->status != (int *)hole)
		memcpy(m->seen, m->status, sizeof(m->seen));
}

static void expect_same(const char *what, struct move m)
{
	struct move k = m;

	run(&k, true);
	run(&m, false);
	if (m.ret != k.ret || m.error != k.error)
		TEST_FAIL("%s: returns %ld, %s; the kernel %ld, %s", what, m.ret,
			  strerror(m.error), k.ret, strerror(k.error));
	for (unsigned int i = 0; i < N; i++)
		if (m.seen[i] != k.seen[i])
			TEST_FAIL("%s: status[%u] is %d, the kernel's %d", what, i, m.seen[i],
				  k.seen[i]);
}

/* The page at the end of which the arrays lie that the kernel cannot read to their end. */
static void *before_hole(size_t len)
{
	return hole - len;
}

static void compare_move_pages(void)
{
	void *pages[N], *strange[N];
	int zero[N] = {}, nodes[N] = {}, status[N];
	struct move good = { .count = N, .pages = pages, .nodes = zero, .status = status,
			     .flags = MOVE };
	struct move m;

	for (unsigned int i = 0; i < N; i++)
		pages[i] = mem + i * PAGE;

	expect_same("plain", good);
#define CASE(what, change)                                                                     \
	do {                                                                                   \
		m = good;                                                                      \
		change;                                                                        \
		expect_same(what, m);                                                          \
	} while (0)
	CASE("own pid", m.pid = getpid());
	CASE("move all", m.flags = MOVE_ALL);
	CASE("no flags", m.flags = 0);
	CASE("a flag too many", m.flags = MOVE | 1);
	CASE("all bits of flags", m.flags = -1);
	CASE("no such process", m.pid = 0x3fffffff);
	CASE("negative pid", m.pid = -1);
	CASE("a kernel thread", m.pid = 2);
	CASE("no pages", m.count = 0);
	CASE("no pages, no arrays", (m.count = 0, m.pages = NULL, m.status = NULL));
	CASE("query", m.nodes = NULL);
	CASE("query of a stranger", (m.nodes = NULL, m.pid = 0x3fffffff));
	CASE("no array of pages", m.pages = NULL);
	CASE("pages in a hole", m.pages = (void **)hole);
	CASE("nodes in a hole", m.nodes = (int *)hole);
	CASE("status in a hole", m.status = (int *)hole);
	CASE("no status", m.status = NULL);
	CASE("too many for the array of nodes",
	     (m.nodes = before_hole(4 * sizeof(int)), memset(m.nodes, 0, 4 * sizeof(int))));
	CASE("more pages than there is memory", (m.count = -1ul, m.nodes = before_hole(8)));

	for (unsigned int bad = 0; bad < 5; bad++) {
		static const int node[] = { -1, 1, 1023, 1024, 0x7fffffff };

		memcpy(nodes, zero, sizeof(nodes));
		nodes[N / 2] = node[bad];
		CASE("a bad node in the middle", m.nodes = nodes);
	}

	memcpy(strange, pages, sizeof(strange));
	strange[0] = hole;
	strange[1] = NULL;
	strange[2] = (void *)-PAGE;
	strange[3] = (void *)(1ul << 60);
	strange[4] = mem + 77;
	strange[6] = strange[5];
	CASE("strange addresses", m.pages = strange);
}

static void compare_migrate_pages(void)
{
	unsigned long node0[2048 / 64] = { 1 }, node1[2048 / 64] = { 2 }, far[2048 / 64] = { [20] = 1 };
	unsigned long none[2048 / 64] = {}, all[2048 / 64];
	const unsigned long *masks[] = { NULL, node0, node1, far, none, all, (void *)hole };
	const unsigned long maxnodes[] = { 0, 1, 2, 3, 64, 65, 1024, 1025, 2048, 32769, 32770, -1ul };
	const int pids[] = { 0, getpid(), 0x3fffffff, -1, 2 };

	memset(all, 0xff, sizeof(all));
	for (size_t p = 0; p < ARRAY_SIZE(pids); p++)
		for (size_t n = 0; n < ARRAY_SIZE(maxnodes); n++)
			for (size_t i = 0; i < ARRAY_SIZE(masks) * ARRAY_SIZE(masks); i++) {
				const unsigned long *from = masks[i % ARRAY_SIZE(masks)];
				const unsigned long *to = masks[i / ARRAY_SIZE(masks)];
				long k, m;
				int ke, me;

				errno = 0;
				k = syscall(SYS_migrate_pages, pids[p], maxnodes[n], from, to);
				ke = errno;
				errno = 0;
				m = migoff_migrate_pages(pids[p], maxnodes[n], from, to);
				me = errno;
				if (k != m || ke != me)
					TEST_FAIL("pid %d, maxnode %lu, masks %zu: returns %ld, %s; "
						  "the kernel %ld, %s", pids[p], maxnodes[n], i, m,
						  strerror(me), k, strerror(ke));
			}
}

static void compare(void)
{
	compare_move_pages();
	compare_migrate_pages();
}

/* Once a daemon is lost the rest of the table would only repeat test_no_daemon(). */
static void compare_lost(void)
{
	compare_move_pages();
}

/* Without a daemon the calls are the system calls. */
static void test_no_daemon(void)
{
	setenv("MIGOFF_SOCKET", "/no/such/socket", 1);
	isolated(compare);
}

/* So they are, to the caller, with a daemon that moves nothing, or fails, or goes. */
static void test_useless_daemon(void)
{
	static const enum fake_mode modes[] = {
		FAKE_NOTHING, FAKE_ERROR, FAKE_DIE, FAKE_GARBAGE, FAKE_REFUSE_ATTACH,
		FAKE_REFUSE_TARGET, FAKE_VERSION,
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		printf("  mode %d\n", modes[i]);
		fflush(stdout);
		fake_start(&fake, modes[i], 1, 0);
		fake.log->error = -ESRCH;
		isolated(modes[i] <= FAKE_NOTHING ? compare : compare_lost);
		if (modes[i] <= FAKE_ERROR)
			EXPECT_TRUE(fake.log->n_requests > 0);
		fake_stop(&fake);
	}
}

/* A caller without rights over the target is refused in the kernel's words, and no daemon is asked. */
static void stranger(void)
{
	EXPECT_EQ(setgid(65534), 0);
	EXPECT_EQ(setuid(65534), 0);
	EXPECT_EQ(chdir("/"), 0);
	void *pages[N];
	int nodes[N] = {}, all[N];
	struct move m = { .pid = 1, .count = N, .pages = pages, .nodes = nodes, .status = all };

	for (unsigned int i = 0; i < N; i++)
		pages[i] = mem + i * PAGE;
	expect_same("another's process", m);
	EXPECT_EQ(migoff_move_pages(1, N, pages, nodes, all, MOVE), -1);
	EXPECT_EQ(errno, EPERM);
	m.pid = 0;
	m.flags = MOVE_ALL;
	expect_same("move all without the capability", m);
	EXPECT_EQ(migoff_move_pages(0, N, pages, nodes, all, MOVE_ALL), -1);
	EXPECT_EQ(errno, EPERM);
}

static void test_stranger(void)
{
	if (getuid())
		TEST_SKIP("not root: cannot become somebody else");
	fake_start(&fake, FAKE_NOTHING, 1, 0);
	EXPECT_EQ(chown(fake.path, 65534, 65534), 0);
	isolated(stranger);
	EXPECT_EQ(fake.log->n_attach, 1);
	EXPECT_EQ(fake.log->n_requests, 0);
	fake_stop(&fake);
}

/* What the daemon has moved is not asked of the kernel again, what it has not, is. */
static void split(void)
{
	void *pages[8];
	int nodes[8] = {}, status[8];

	/* The kernel would find nothing there, the daemon claims otherwise for half of them. */
	for (unsigned int i = 0; i < 8; i++)
		pages[i] = hole + i * PAGE;
	errno = 4711;
	EXPECT_EQ(migoff_move_pages(0, 8, pages, nodes, status, MOVE), 0);
	EXPECT_EQ(errno, 4711);
	for (unsigned int i = 0; i < 8; i++)
		EXPECT_EQ(status[i], i % 2 ? -EFAULT : 0);
	EXPECT_EQ(fake.log->n_requests, 1);
	EXPECT_EQ(fake.log->requests[0].request.flags, 0);
	EXPECT_EQ(fake.log->requests[0].ranges[0].start, (uintptr_t)hole);
	EXPECT_EQ(fake.log->requests[0].ranges[0].len, 8 * PAGE);

	EXPECT_EQ(migoff_move_pages(getpid(), 8, pages, nodes, status, MOVE_ALL), 0);
	EXPECT_EQ(fake.log->requests[1].request.flags, RING_MOVE_ALL);
	EXPECT_EQ(fake.log->n_attach, 1);
	EXPECT_EQ(fake.log->n_open, 1);

	/* What the kernel refuses does not come to the daemon, which here would claim success. */
	fake.log->mode = FAKE_MOVE;
	EXPECT_EQ(migoff_move_pages(0, 8, pages, nodes, status, MOVE | 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(fake.log->n_requests, 2);
}

static void test_split(void)
{
	fake_start(&fake, FAKE_ODD_FAIL, 1, 0);
	isolated(split);
	fake_stop(&fake);
}

/* More entries than are gone through at once, or than fit into a request, are still one call. */
static void large(void)
{
	const unsigned long n = 600000;
	void **pages = malloc(n * sizeof(*pages));
	int *nodes = calloc(n, sizeof(*nodes)), *status = malloc(n * sizeof(*status));

	for (unsigned long i = 0; i < n; i++)
		pages[i] = hole + i * PAGE;
	EXPECT_EQ(migoff_move_pages(0, n, pages, nodes, status, MOVE), 0);
	for (unsigned long i = 0; i < n; i++)
		EXPECT_EQ(status[i], 0);
	EXPECT_EQ(fake.log->n_requests, 10);
	nodes[500000] = 1;
	EXPECT_EQ(migoff_move_pages(0, n, pages, nodes, status, MOVE), -1);
	EXPECT_EQ(errno, ENODEV);
	EXPECT_EQ(fake.log->n_requests, 14);
	free(pages);
	free(nodes);
	free(status);
}

static void test_large(void)
{
	fake_start(&fake, FAKE_MOVE, 1, 0);
	isolated(large);
	fake_stop(&fake);
}

/* Small requests, and all of them while the daemon has no engine, do not reach it; the smallest need none. */
static void small(void)
{
	void *pages[FEW];
	int nodes[FEW] = {}, status[FEW];

	for (unsigned int i = 0; i < FEW; i++)
		pages[i] = mem + i * PAGE;
	EXPECT_EQ(migoff_move_pages(0, FEW - 1, pages, nodes, status, MOVE), 0);
	EXPECT_EQ(status[FEW - 2], 0);
	EXPECT_EQ(fake.log->n_attach, 0);
	EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), 0);
	EXPECT_EQ(status[FEW - 1], 0);
	EXPECT_EQ(fake.log->n_attach, 1);
	EXPECT_EQ(fake.log->n_requests, 0);
}

/* After a row of small requests not each of the next is asked about, but each that is large by itself. */
static void row_of_small(void)
{
	void *pages[FEW + 1];
	int nodes[FEW + 1] = {}, status[FEW + 1];

	for (unsigned int i = 0; i < FEW + 1; i++)
		pages[i] = mem + i % (N / 2) * PAGE;
	for (unsigned int i = 0; i < 20; i++)
		EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), 0);
	EXPECT_EQ(fake.log->n_requests, 0);
	for (unsigned int i = 1; i < 4; i++) {
		EXPECT_EQ(migoff_move_pages(0, FEW + 1, pages, nodes, status, MOVE), 0);
		EXPECT_EQ(fake.log->n_requests, i);
	}
}

static void test_small(void)
{
	fake_start(&fake, FAKE_MOVE, 1, (FEW + 1) * PAGE);
	isolated(small);
	isolated(row_of_small);
	fake_stop(&fake);
	fake_start(&fake, FAKE_MOVE, 0, 0);
	isolated(small);
	fake_stop(&fake);
}

static void move_huge(void)
{
	static char *first;
	int nodes[FEW] = {}, status[FEW];
	void *pages[FEW];

	if (!first) {
		char *area = mmap(NULL, (FEW + 2) * BLOCK, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		first = (char *)ALIGN_UP((uintptr_t)area, BLOCK);
		madvise(first, FEW * BLOCK, MADV_HUGEPAGE);
		memset(first, 1, FEW * BLOCK);
	}
	for (unsigned int i = 0; i < FEW; i++)
		pages[i] = first + i * BLOCK + PAGE;
	EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), 0);
}

/* One address stands for its whole huge page, as it does for the kernel. */
static void huge(void)
{
	move_huge();
	EXPECT_EQ(fake.log->n_requests, 1);
}

/* After a row of small requests, it is found out in time that addresses stand for huge pages again. */
static void huge_after_small(void)
{
	void *pages[FEW];
	int nodes[FEW] = {}, status[FEW];

	for (unsigned int i = 0; i < FEW; i++)
		pages[i] = mem + i * PAGE;
	for (unsigned int i = 0; i < 20; i++)
		EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), 0);
	fake.log->n_requests = 0;
	for (unsigned int i = 0; i < MAX_UNASKED && !fake.log->n_requests; i++)
		move_huge();
	move_huge();
	EXPECT_GE(fake.log->n_requests, 1);
	fake.log->n_requests = 0;
	move_huge();
	EXPECT_EQ(fake.log->n_requests, 1);
}

static void test_huge(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "";

	if (!f || !fgets(line, sizeof(line), f) || strstr(line, "[never]")) {
		printf("  (no transparent huge pages here)\n");
		return;
	}
	fclose(f);
	fake_start(&fake, FAKE_MOVE, 1, (FEW - 1) * BLOCK);
	isolated(huge);
	fake_stop(&fake);
	fake_start(&fake, FAKE_MOVE, 1, BLOCK);
	isolated(huge_after_small);
	fake_stop(&fake);
}

/* On request there is no fallback to the system call; queries and the smallest calls are not a fallback. */
static void no_fallback(void)
{
	void *pages[FEW];
	int nodes[FEW] = {}, status[FEW];
	unsigned long mask = 1;

	for (unsigned int i = 0; i < FEW; i++)
		pages[i] = mem + i * PAGE;
	EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), -1);
	EXPECT_EQ(errno, ENOTCONN);
	EXPECT_EQ(migoff_migrate_pages(0, 64, &mask, &mask), -1);
	EXPECT_EQ(errno, ENOTCONN);
	EXPECT_EQ(migoff_move_pages(0, FEW, pages, NULL, status, 0), 0);
	EXPECT_EQ(status[0], 0);
	EXPECT_EQ(migoff_move_pages(0, FEW - 1, pages, nodes, status, MOVE), 0);
}

static void test_no_fallback(void)
{
	setenv("MIGOFF_SOCKET", "/no/such/socket", 1);
	setenv("MIGOFF_FALLBACK", "no", 1);
	isolated(no_fallback);
	unsetenv("MIGOFF_FALLBACK");
}

static void move_some(void)
{
	/* never mapped, while a thread's stack may come to lie in the hole */
	void *pages[FEW] = { [FEW - 1] = (void *)PAGE };
	int nodes[FEW] = {}, status[FEW];

	for (unsigned int i = 0; i < FEW; i++) {
		pages[i] = pages[i] ?: mem + i * PAGE;
		status[i] = UNTOUCHED;
	}
	EXPECT_EQ(migoff_move_pages(0, FEW, pages, nodes, status, MOVE), 0);
	for (unsigned int i = 0; i < FEW - 1; i++)
		EXPECT_EQ(status[i], 0);
	EXPECT_EQ(status[FEW - 1], -EFAULT);
}

static void on_alarm(int sig)
{
}

/* A daemon that stops answering delays a call by the documented bound, signals or not. */
static void stall(void)
{
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	int64_t begin = now_ms();

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	move_some();
	EXPECT_GE(now_ms() - begin, 2000);
	EXPECT_TRUE(now_ms() - begin < 5000);
	/* Once bitten: the next call does not wait. */
	begin = now_ms();
	move_some();
	EXPECT_TRUE(now_ms() - begin < 500);
}

static void test_stall(void)
{
	fake_start(&fake, FAKE_STALL, 1, 0);
	isolated(stall);
	EXPECT_EQ(fake.log->n_attach, 1);
	fake_stop(&fake);
}

/* One that can still cancel keeps its connection. */
static void hold(void)
{
	move_some();
	fake.log->mode = FAKE_NOTHING;
	move_some();
}

static void test_hold(void)
{
	fake_start(&fake, FAKE_HOLD, 1, 0);
	isolated(hold);
	EXPECT_EQ(fake.log->n_attach, 1);
	EXPECT_EQ(fake.log->n_requests, 2);
	fake_stop(&fake);
}

/* A stopped daemon cannot hold up a call for long either, not even at the handshake. */
static void stopped(void)
{
	int64_t begin = now_ms();

	EXPECT_EQ(kill(fake.pid, SIGSTOP), 0);
	move_some();
	EXPECT_TRUE(now_ms() - begin < 5000);
	begin = now_ms();
	move_some();
	EXPECT_TRUE(now_ms() - begin < 500);
}

static void test_stopped(void)
{
	fake_start(&fake, FAKE_MOVE, 1, 0);
	isolated(stopped);
	fake_stop(&fake);
}

/* After a restart of the daemon the calls find the new one by themselves. */
static void restart(void)
{
	struct fake next;
	const struct timespec step = { .tv_nsec = 50000000 };

	move_some();
	EXPECT_EQ(fake.log->n_requests, 1);
	fake_stop(&fake);
	move_some();

	fake_start(&next, FAKE_NOTHING, 1, 0);
	setenv("MIGOFF_SOCKET", next.path, 1);
	for (int64_t end = now_ms() + 5000; !next.log->n_requests && now_ms() < end;) {
		move_some();
		nanosleep(&step, NULL);
	}
	EXPECT_GE(next.log->n_requests, 1);
	fake_stop(&next);
}

static void test_restart(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		fake_start(&fake, FAKE_NOTHING, 1, 0);
		restart();
		exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/* A child has its own connection, and the parent's goes on working. */
static void forked(void)
{
	move_some();
	EXPECT_EQ(fake.log->n_attach, 1);
	isolated(move_some);
	EXPECT_EQ(fake.log->n_attach, 2);
	/* and said nothing over the parent's */
	EXPECT_EQ(fake.log->n_close, 0);
	move_some();
	EXPECT_EQ(fake.log->n_attach, 2);
	EXPECT_EQ(fake.log->n_requests, 3);
}

static void test_fork(void)
{
	fake_start(&fake, FAKE_NOTHING, 1, 0);
	isolated(forked);
	fake_stop(&fake);
}

/* What other threads of the parent had in use is lost to the child: not a leak to complain about. */
static void move_in_child(void)
{
	int status;
	pid_t pid = fork();

	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		move_some();
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/*
 * The allocator of the address sanitizer is not made ready for the child by fork(), as that of the
 * C library is: while another thread allocates, a child that allocates can wait for ever.
 */
#ifdef __SANITIZE_ADDRESS__
#define FORK_IN_THREADS 0
#else
#define FORK_IN_THREADS 1
#endif

static void *hammer(void *arg)
{
	for (unsigned int i = 0; i < 200; i++) {
		move_some();
		if (FORK_IN_THREADS && i % 50 == 25)
			move_in_child();
	}
	return NULL;
}

/* Any number of threads, forking in between, get their own results. */
static void threads(void)
{
	pthread_t thread[12];

	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT_EQ(pthread_create(&thread[i], NULL, hammer, NULL), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT_EQ(pthread_join(thread[i], NULL), 0);
}

static void test_threads(void)
{
	fake_start(&fake, FAKE_NOTHING, 1, 0);
	isolated(threads);
	EXPECT_TRUE(fake.log->n_requests > 0);
	fake_stop(&fake);
}

int main(void)
{
	if (syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0) < 0)
		TEST_SKIP("no move_pages(2) here: %s", strerror(errno));
	make_memory();
	RUN(test_no_daemon);
	RUN(test_useless_daemon);
	RUN(test_split);
	RUN(test_large);
	RUN(test_small);
	RUN(test_huge);
	RUN(test_no_fallback);
	RUN(test_stall);
	RUN(test_hold);
	RUN(test_stopped);
	RUN(test_restart);
	RUN(test_fork);
	RUN(test_threads);
	RUN(test_stranger);
	return 0;
}
