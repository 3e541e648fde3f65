/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client that has the daemon move the very memory that it shares with it, and its whole address space,
 * while it waits for that: each page gets a status, and the daemon goes on.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE	  4096ul
#define BLOCK	  (2ul << 20)
#define LEN	  (8 * BLOCK)
#define MOVE	  2
#define MOVE_ALL  4
#define UNTOUCHED 12345
#define LIMIT_MS  60000

static struct migoff *m;
static struct migoff_target *t;
static char *area;

static unsigned int cause_index(const char *name)
{
	for (unsigned int i = 0; i < MIGOFF_N_CAUSES; i++)
		if (migoff_cause_name(i) && !strcmp(migoff_cause_name(i), name))
			return i;
	TEST_FAIL("no cause %s", name);
}

static struct migoff_result run(struct migoff_request q, const struct migoff_range *ranges, size_t n)
{
	struct migoff_result res = { .size = sizeof(res) };
	uint64_t sum;
	int r;

	q.size = sizeof(q);
	q.ranges = ranges;
	q.n_ranges = n;
	EXPECT_OK(migoff_submit(t, &q, NULL));
	while ((r = migoff_reap(m, &res)) == 0) {
		struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };

		if (poll(&p, 1, LIMIT_MS) != 1)
			TEST_FAIL("a request does not end");
	}
	EXPECT_EQ(r, 1);
	EXPECT_EQ(res.error, 0);
	sum = res.pages_moved;
	for (size_t i = 0; i < MIGOFF_N_CAUSES; i++)
		sum += res.pages_by_cause[i];
	EXPECT_EQ(sum, res.pages_asked);
	return res;
}

static void fill(char value)
{
	memset(area, value, LEN);
}

static void check(char value)
{
	for (size_t i = 0; i < LEN; i++)
		EXPECT_EQ(area[i], value);
}

static struct migoff_range ring_range(void)
{
	return (struct migoff_range){ (uintptr_t)m->ring, m->ring_len };
}

/* The ring belongs to a file: each page that is there is left for that, by move and by move-all. */
static void test_ring(uint32_t flags)
{
	struct migoff_range range = ring_range();
	size_t n = m->ring_len / PAGE, n_busy = 0;
	int *status = calloc(n, sizeof(*status));
	struct migoff_result res;

	for (size_t i = 0; i < n; i++)
		status[i] = UNTOUCHED;
	res = run((struct migoff_request){ .to_node = 1, .flags = flags, .status = status }, &range, 1);
	EXPECT_EQ(res.pages_asked, n);
	EXPECT_EQ(res.pages_moved, 0);
	for (size_t i = 0; i < n; i++) {
		if (status[i] != -EBUSY && status[i] != -ENOENT && status[i] != -EACCES && status[i] != 1)
			TEST_FAIL("status of page %zu: %d", i, status[i]);
		n_busy += status[i] == -EBUSY || status[i] == -EACCES;
	}
	EXPECT_GE(n_busy, 1);
	EXPECT_GE(res.pages_by_cause[cause_index("file")] + res.pages_by_cause[cause_index("shared")] +
			  res.pages_by_cause[cause_index("already-there")],
		  1);
	free(status);
}

static void test_move(void)
{
	test_ring(0);
}

static void test_move_all(void)
{
	test_ring(MIGOFF_MOVE_ALL);
}

/* Beside it, in one request, what can be moved is moved. */
static void test_mixed(void)
{
	struct migoff_range a = ring_range(), b = { (uintptr_t)area, LEN };
	struct migoff_range ranges[] = { a.start < b.start ? a : b, a.start < b.start ? b : a };
	struct migoff_result res;

	fill(3);
	res = run((struct migoff_request){ .to_node = 1 }, ranges, 2);
	EXPECT_GE(res.pages_moved, LEN / PAGE / 2);
	check(3);
}

/* All of it, with the stack that it waits on, the library's own data and the ring. */
static void test_whole(void)
{
	static const uint32_t flags[] = { 0, MIGOFF_MOVE_ALL };

	fill(4);
	for (int i = 0; i < 8; i++) {
		struct migoff_request q = { .to_node = i % 2, .flags = flags[i / 2 % 2] };

		run(q, NULL, 0);
	}
	check(4);
}

/*
 * The drop-in calls: the kernel, which moves the ring at the caller's wish, while the daemon and the caller use it.
 */
static void test_drop_in(void)
{
	size_t n = m->ring_len / PAGE;
	void **pages = calloc(n, sizeof(*pages));
	int *nodes = calloc(n, sizeof(*nodes)), *status = calloc(n, sizeof(*status));
	unsigned long mask[] = { 1, 2 };

	fill(5);
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < n; i++) {
			pages[i] = (char *)m->ring + i * PAGE;
			nodes[i] = !(round % 2);
			status[i] = UNTOUCHED;
		}
		EXPECT_GE(migoff_move_pages(0, n, pages, nodes, status, round < 2 ? MOVE : MOVE_ALL), 0);
		for (size_t i = 0; i < n; i++)
			EXPECT_TRUE(status[i] == 0 || status[i] == 1 || status[i] == -EBUSY ||
				    status[i] == -EACCES || status[i] == -ENOENT);
		EXPECT_GE(migoff_migrate_pages(0, 64, &mask[round % 2], &mask[!(round % 2)]), 0);
	}
	check(5);
	free(pages);
	free(nodes);
	free(status);
}

int main(void)
{
	char *mem;

	mem = mmap(NULL, LEN + BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	area = (char *)ALIGN_UP((uintptr_t)mem, BLOCK);
	madvise(area, LEN, MADV_HUGEPAGE);
	fill(1);
	EXPECT_OK(migoff_open(&m, NULL));
	EXPECT_OK(migoff_target_open(m, 0, &t));
	RUN(test_move);
	RUN(test_move_all);
	RUN(test_mixed);
	RUN(test_whole);
	RUN(test_drop_in);
	RUN(test_mixed);
	t = migoff_target_close(t);
	m = migoff_close(m);
	return 0;
}
