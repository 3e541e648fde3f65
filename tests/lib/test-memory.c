/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that cannot be had, at each place where the library asks for some: its own calls say -ENOMEM and leave
 * nothing behind, and the drop-in calls do as the system call does.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake.h"
#include "migoff.h"
#include "nomem.h"
#include "test.h"

#define PAGE	4096ull
#define N	16
#define MOVE	2

static struct fake fake;
static struct migoff *m;
static struct migoff_target *t;
static char *mem;

static bool open_all(void)
{
	int r = migoff_open(&m, NULL);
	bool failed;

	if (r >= 0)
		r = migoff_target_open(m, 0, &t);
	failed = nomem_disarm();
	EXPECT_EQ(r, failed ? -ENOMEM : 0);
	t = migoff_target_close(t);
	m = migoff_close(m);
	return failed;
}

/* Neither a connection nor a target is half made. */
static void test_open(void)
{
	fake_start(&fake, FAKE_MOVE, 1, 0);
	nomem_each(open_all);
	EXPECT_GE(fake.log->n_attach, 2);
	fake_stop(&fake);
}

static struct migoff_result wait_result(void)
{
	struct migoff_result result = { .size = sizeof(result) };
	struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };

	while (EXPECT_OK(migoff_reap(m, &result)) == 0)
		if (poll(&p, 1, 10000) != 1)
			TEST_FAIL("no result within 10 s");
	return result;
}

/* Between opening and closing nothing is allocated, so that nothing can fail. */
static void test_submit(void)
{
	const struct migoff_range range = { 16 * PAGE, N * PAGE };
	int status[N];
	struct migoff_request q = { .size = sizeof(q), .ranges = &range, .n_ranges = 1, .status = status };

	fake_start(&fake, FAKE_MOVE, 1, 0);
	EXPECT_OK(migoff_open(&m, NULL));
	EXPECT_OK(migoff_target_open(m, 0, &t));
	nomem_arm(1);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result().error, 0);
	EXPECT_TRUE(!nomem_disarm());
	t = migoff_target_close(t);
	m = migoff_close(m);
	fake_stop(&fake);
}

/* In the caller's words: each page is on its node, or there is no memory for the arrays. */
static bool move(void)
{
	void *pages[N];
	int nodes[N] = { 0 }, status[N];
	bool failed;
	long r;

	for (size_t i = 0; i < N; i++) {
		pages[i] = mem + i * PAGE;
		status[i] = 4711;
	}
	errno = 0;
	r = migoff_move_pages(0, N, pages, nodes, status, MOVE);
	failed = nomem_disarm();
	if (r < 0) {
		EXPECT_TRUE(failed);
		EXPECT_EQ(errno, ENOMEM);
		return failed;
	}
	EXPECT_EQ(r, 0);
	for (size_t i = 0; i < N; i++)
		EXPECT_EQ(status[i], 0);
	return failed;
}

static void test_move(void)
{
	fake_start(&fake, FAKE_NOTHING, 1, 0);
	/* A connection that could not be made is not tried again for a while: that is test_open()'s. */
	nomem_arm(0);
	EXPECT_TRUE(!move());
	nomem_each(move);
	EXPECT_GE(fake.log->n_requests, 2);
	EXPECT_EQ(fake.log->n_attach, 1);
	fake_stop(&fake);
}

int main(void)
{
	if (syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0) < 0)
		TEST_SKIP("no move_pages(2) here: %s", strerror(errno));
	mem = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_TRUE(mem != MAP_FAILED);
	memset(mem, 1, N * PAGE);
	RUN(test_open);
	RUN(test_submit);
	RUN(test_move);
	return 0;
}
