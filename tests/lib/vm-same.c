/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in calls beside the system calls, each on its own of two equal processes, on a machine with
 * two nodes: the same statuses, the same return value, the same pages on the same nodes.
 *
 * Two deviations are meant, and only these accepted. A page that the kernel calls busy because it belongs
 * to a folio that the same call moves, and that is on its destination afterwards, is reported there by
 * the library. And what move_pages(2) does not come to after a failure may have been moved.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE	4096ul
#define BLOCK	(2ul << 20)
#define LEN	(4 * BLOCK)
#define N	((unsigned int)(LEN / PAGE))
#define MIXED_WRITTEN (2 * BLOCK + BLOCK / 4)
#define MOVE	2
#define MOVE_ALL 4
#define UNTOUCHED 12345
#define KSM "/sys/kernel/mm/ksm/"

/* The same place in each subject. */
static char *area;

enum kind {
	SMALL,		/* written, in pages of 4 KiB */
	HUGE,		/* written, in huge pages */
	MIXED,		/* huge pages, small ones, read ones, untouched ones and holes */
	SHARED,		/* SMALL, and a child of the subject has it as well */
	SHMEM,		/* MAP_SHARED */
	LOCKED,		/* SMALL, mlocked */
	HUGETLB,	/* written, in huge pages of the pool */
	MERGED,		/* SMALL, and each page is shared with its twin by KSM */
};

struct subject {
	pid_t pid;
	int fd;
};

static void fill(char *from, unsigned long len)
{
	for (unsigned long i = 0; i < len; i += PAGE)
		*(unsigned long *)(from + i) = (unsigned long)(from + i) ^ 0x5a5a5a5a;
}

static char check(const char *from, unsigned long len)
{
	for (unsigned long i = 0; i < len; i += PAGE)
		if (*(const unsigned long *)(from + i) != ((unsigned long)(from + i) ^ 0x5a5a5a5a))
			return 0;
	return 1;
}

static void write_number(const char *path, int n)
{
	FILE *f = fopen(path, "we");

	if (!f || fprintf(f, "%d", n) < 0 || fclose(f))
		TEST_FAIL("%s: %s", path, strerror(errno));
}

static bool is_merged(void)
{
	FILE *f = fopen("/proc/self/ksm_merging_pages", "re");
	unsigned long n = 0;

	EXPECT_TRUE(f && fscanf(f, "%lu", &n) == 1);
	fclose(f);
	return n >= 2 * N;
}

/*
 * The kernel's thread for that needs a moment, and there is no event for it. While it is at work, it has
 * pages that then cannot be moved.
 */
static void merge(void)
{
	char *twin = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_TRUE(twin != MAP_FAILED);
	madvise(twin, LEN, MADV_NOHUGEPAGE);
	memcpy(twin, area, LEN);
	EXPECT_EQ(madvise(area, LEN, MADV_MERGEABLE) | madvise(twin, LEN, MADV_MERGEABLE), 0);
	write_number(KSM "run", 1);
	for (int i = 0; i < 6000 && !is_merged(); i++)
		usleep(10000);
	write_number(KSM "run", 0);
	EXPECT_TRUE(is_merged());
}

static void populate(enum kind kind)
{
	int flags = MAP_FIXED | MAP_ANONYMOUS | (kind == SHMEM ? MAP_SHARED : MAP_PRIVATE) |
		    (kind == HUGETLB ? MAP_HUGETLB : 0);

	EXPECT_TRUE(mmap(area, LEN, PROT_READ | PROT_WRITE, flags, -1, 0) == area);
	madvise(area, LEN, kind == HUGE || kind == MIXED ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	if (kind != MIXED) {
		fill(area, LEN);
		if (kind == LOCKED)
			EXPECT_EQ(mlock(area, LEN), 0);
		if (kind == MERGED)
			merge();
		return;
	}
	fill(area, BLOCK);
	madvise(area + BLOCK, LEN - BLOCK, MADV_NOHUGEPAGE);
	fill(area + BLOCK, MIXED_WRITTEN - BLOCK);
	for (unsigned long i = 0; i < BLOCK / 4; i += PAGE)
		(void)((volatile char *)area)[MIXED_WRITTEN + i];
	EXPECT_EQ(munmap(area + 3 * BLOCK, BLOCK / 2), 0);
}

static void subject_main(enum kind kind, int fd)
{
	unsigned long node0 = 1, written = kind == MIXED ? MIXED_WRITTEN : LEN;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	EXPECT_EQ(syscall(SYS_set_mempolicy, 1 /* preferred */, &node0, 64), 0);
	populate(kind);
	EXPECT_EQ(syscall(SYS_set_mempolicy, 0 /* default */, NULL, 0), 0);
	if (kind == SHARED && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	c = 1;
	while (write(fd, &c, 1) == 1 && read(fd, &c, 1) == 1)
		c = check(area, written);
	_exit(0);
}

static struct subject subject_new(enum kind kind)
{
	struct subject s;
	int fds[2];
	char c;

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fflush(NULL);
	s.pid = fork();
	EXPECT_TRUE(s.pid >= 0);
	if (!s.pid) {
		close(fds[0]);
		subject_main(kind, fds[1]);
	}
	close(fds[1]);
	s.fd = fds[0];
	EXPECT_EQ(read(s.fd, &c, 1), 1);
	return s;
}

static void subject_end(struct subject *s)
{
	char c = 0;

	EXPECT_EQ(write(s->fd, &c, 1), 1);
	EXPECT_EQ(read(s->fd, &c, 1), 1);
	if (c != 1)
		TEST_FAIL("the content of process %d has changed", s->pid);
	close(s->fd);
	EXPECT_EQ(waitpid(s->pid, NULL, 0), s->pid);
}

/* A call, and what it leaves behind. */
struct outcome {
	long ret;
	int error;
	int status[N];
	int where[N];
};

struct call {
	const char *what;
	enum kind kind;
	int flags;
	unsigned int n;
	void *pages[N];
	int nodes[N];
};

static void look(pid_t pid, int *where)
{
	static void *pages[N];

	for (unsigned int i = 0; i < N; i++)
		pages[i] = area + i * PAGE;
	EXPECT_EQ(syscall(SYS_move_pages, pid, N, pages, NULL, where, 0), 0);
}

static void make(const struct call *c, bool kernel, struct outcome *o)
{
	struct subject s = subject_new(c->kind);

	for (unsigned int i = 0; i < N; i++)
		o->status[i] = UNTOUCHED;
	errno = 0;
	o->ret = kernel ? syscall(SYS_move_pages, s.pid, c->n, c->pages, c->nodes, o->status,
				  c->flags)
			: migoff_move_pages(s.pid, c->n, c->pages, c->nodes, o->status, c->flags);
	o->error = errno;
	look(s.pid, o->where);
	subject_end(&s);
}

static int where_is(const struct outcome *o, const void *page)
{
	return o->where[((const char *)page - area) / (long)PAGE];
}

/* How long each took, for whoever wants to make this faster. */
static void done(const char *what)
{
	static time_t begin;
	time_t now = time(NULL);

	printf("  %s (%d s)\n", what, begin ? (int)(now - begin) : 0);
	fflush(stdout);
	begin = now;
}

static void compare(const struct call *c)
{
	static struct outcome k, m;

	make(c, true, &k);
	make(c, false, &m);
	if (k.ret != m.ret || k.error != m.error)
		TEST_FAIL("%s: returns %ld (%s), the kernel %ld (%s)", c->what, m.ret,
			  strerror(m.error), k.ret, strerror(k.error));
	for (unsigned int i = 0; i < c->n; i++) {
		bool in_moved_folio = k.status[i] == -EBUSY && m.status[i] == c->nodes[i] &&
				      where_is(&k, c->pages[i]) == c->nodes[i];

		if (m.status[i] != k.status[i] && !in_moved_folio)
			TEST_FAIL("%s: status[%u] is %d, the kernel's %d", c->what, i, m.status[i],
				  k.status[i]);
	}
	for (unsigned int i = 0; i < N; i++)
		if (m.where[i] != k.where[i])
			TEST_FAIL("%s: page %u is on %d, after the kernel on %d", c->what, i,
				  m.where[i], k.where[i]);
	done(c->what);
}

/* All pages to node 1, in order. */
static struct call plain(const char *what, enum kind kind, int flags)
{
	struct call c = { .what = what, .kind = kind, .flags = flags, .n = N };

	for (unsigned int i = 0; i < N; i++) {
		c.pages[i] = area + i * PAGE;
		c.nodes[i] = 1;
	}
	return c;
}

static void test_kinds(void)
{
	static const struct {
		const char *what;
		enum kind kind;
		int flags;
	} cases[] = {
		{ "small pages", SMALL, MOVE },
		{ "huge pages", HUGE, MOVE },
		{ "all sorts", MIXED, MOVE },
		{ "all sorts, move all", MIXED, MOVE_ALL },
		{ "shared after fork", SHARED, MOVE },
		{ "shared memory", SHMEM, MOVE },
		{ "shared memory, move all", SHMEM, MOVE_ALL },
		{ "locked", LOCKED, MOVE },
		{ "no flags", SMALL, 0 },
		{ "a wrong flag", SMALL, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct call c;

		if (cases[i].flags == MOVE_ALL && getuid())
			continue;
		c = plain(cases[i].what, cases[i].kind, cases[i].flags);
		compare(&c);
	}
	if (!getuid()) {
		static struct call c;

		c = plain("shared after fork, move all", SHARED, MOVE_ALL);
		compare(&c);
	}
}

static void test_orders(void)
{
	static struct call c, p;

	p = c = plain("one address for each huge page", HUGE, MOVE);
	c.n = LEN / BLOCK;
	for (unsigned int i = 0; i < c.n; i++)
		c.pages[i] = area + i * BLOCK + 7 * PAGE;
	compare(&c);

	c = p;
	c.what = "backwards";
	c.kind = SMALL;
	for (unsigned int i = 0; i < N; i++)
		c.pages[i] = p.pages[N - 1 - i];
	compare(&c);

	c = p;
	c.what = "every other page, twice";
	c.kind = SMALL;
	for (unsigned int i = 0; i < N; i++)
		c.pages[i] = p.pages[i / 2 * 2];
	compare(&c);

	/* few, for the kernel moves the whole page each time */
	c = p;
	c.what = "different nodes within huge pages";
	c.n = 2 * LEN / BLOCK;
	for (unsigned int i = 0; i < c.n; i++) {
		c.pages[i] = area + i * BLOCK / 2;
		c.nodes[i] = (int)(i % 2);
	}
	compare(&c);

	c = p;
	c.what = "alternating nodes, small pages";
	c.kind = SMALL;
	c.n = 64;
	for (unsigned int i = 0; i < c.n; i++) {
		c.pages[i] = area + i * 17 * PAGE;
		c.nodes[i] = (int)(i % 2);
	}
	compare(&c);

	c = p;
	c.what = "blocks to different nodes";
	for (unsigned int i = 0; i < N; i++)
		c.nodes[i] = (int)(i / (BLOCK / PAGE) % 2);
	compare(&c);

	c = p;
	c.what = "a node without memory after half of the pages";
	c.nodes[N / 2] = 5;
	compare(&c);
	c.what = "no such node at the end";
	c.nodes[N / 2] = 1;
	c.nodes[N - 1] = 1024;
	compare(&c);
}

/* Memory that only the kernel moves, and only root can set up. */
static void test_special(void)
{
	static const char *const pools[] = {
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
	};
	static struct call c;

	for (size_t i = 0; i < ARRAY_SIZE(pools); i++)
		write_number(pools[i], LEN / BLOCK);
	c = plain("pages of the pool", HUGETLB, MOVE);
	compare(&c);
	c.what = "one address for each page of the pool";
	c.n = LEN / BLOCK;
	for (unsigned int i = 0; i < c.n; i++)
		c.pages[i] = area + i * BLOCK;
	compare(&c);
	for (size_t i = 0; i < ARRAY_SIZE(pools); i++)
		write_number(pools[i], 0);

	write_number(KSM "sleep_millisecs", 0);
	write_number(KSM "pages_to_scan", 10000);
	c = plain("merged pages", MERGED, MOVE);
	compare(&c);
	c = plain("merged pages, move all", MERGED, MOVE_ALL);
	compare(&c);
	write_number(KSM "run", 2);
}

/* migrate_pages(2): the same return value, and every page where the kernel has it. */
static void compare_migrate(const char *what, enum kind kind, unsigned long from, unsigned long to)
{
	static struct outcome o[2];

	for (int kernel = 0; kernel < 2; kernel++) {
		struct subject s = subject_new(kind);

		/* half of it elsewhere to begin with */
		static struct call half;

		half = plain("", kind, MOVE);
		EXPECT_GE(syscall(SYS_move_pages, s.pid, N / 2, half.pages, half.nodes,
				  o[kernel].status, MOVE), 0);
		errno = 0;
		o[kernel].ret = kernel ? syscall(SYS_migrate_pages, s.pid, 65, &from, &to)
				       : migoff_migrate_pages(s.pid, 65, &from, &to);
		o[kernel].error = errno;
		look(s.pid, o[kernel].where);
		subject_end(&s);
	}
	if (o[0].ret != o[1].ret || o[0].error != o[1].error)
		TEST_FAIL("%s: returns %ld (%s), the kernel %ld (%s)", what, o[0].ret,
			  strerror(o[0].error), o[1].ret, strerror(o[1].error));
	for (unsigned int i = 0; i < N; i++)
		if (o[0].where[i] != o[1].where[i])
			TEST_FAIL("%s: page %u is on %d, after the kernel on %d", what, i,
				  o[0].where[i], o[1].where[i]);
	done(what);
}

static void test_migrate_pages(void)
{
	compare_migrate("0 to 1", HUGE, 1, 2);
	compare_migrate("1 to 0, small pages", SMALL, 2, 1);
	compare_migrate("0 and 1 change places", HUGE, 3, 3 /* the map is the identity */);
	compare_migrate("all to 1", MIXED, 3, 2);
	compare_migrate("all to 0, locked", LOCKED, 3, 1);
	compare_migrate("shared after fork", SHARED, 1, 2);
	compare_migrate("shared memory", SHMEM, 1, 2);
	compare_migrate("to a node that is not there", SMALL, 1, 4);
	compare_migrate("to one that is and one that is not", SMALL, 1, 6);
	compare_migrate("nothing to nowhere", SMALL, 0, 0);
}

/* With an argument: only the first of the tests. */
int main(int argc, char **argv)
{
	char *mem;

	if (syscall(SYS_move_pages, 0, 1, &(void *){ main }, &(int){ 1 }, &(int){ 0 }, MOVE) < 0)
		TEST_SKIP("no second node here: %s", strerror(errno));
	mem = mmap(NULL, LEN + BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	area = (char *)ALIGN_UP((uintptr_t)mem, BLOCK);
	RUN(test_kinds);
	if (argc > 1)
		return 0;
	if (!getuid())
		RUN(test_special);
	RUN(test_orders);
	RUN(test_migrate_pages);
	return 0;
}
