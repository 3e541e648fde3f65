/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

struct watch {
	struct loop_op op;
	int n;
	int res;
};

static void watched(struct loop_op *op, int res)
{
	struct watch *w = container_of(op, struct watch, op);

	EXPECT_TRUE(!op->armed);
	w->n++;
	w->res = res;
}

static int event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	EXPECT_GE(fd, 0);
	return fd;
}

static void set(int fd)
{
	uint64_t one = 1;

	EXPECT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

/* Each op is called back once for each time it was armed. */
static void test_poll(void)
{
	struct watch w = { .op.done = watched };
	_cleanup_close_ int fd = event();
	struct loop l;

	EXPECT_OK(loop_init(&l, 4));
	set(fd);
	for (int i = 1; i <= 3; i++) {
		loop_arm_poll(&l, &w.op, fd, POLLIN);
		EXPECT_OK(loop_round(&l));
		EXPECT_EQ(w.n, i);
		EXPECT_TRUE(w.res & POLLIN);
	}
	EXPECT_EQ(l.n_armed, 0);
	loop_fini(&l);
}

/* More ops than the queue has room for are all armed, and all cancelled. */
static void test_full(void)
{
	enum { N = 1000 };
	static struct watch w[N];
	_cleanup_close_ int fd = event();
	struct loop l;

	EXPECT_OK(loop_init(&l, 8));
	for (int i = 0; i < N; i++) {
		w[i].op.done = watched;
		loop_arm_poll(&l, &w[i].op, fd, POLLIN);
	}
	for (int i = 0; i < N; i++)
		loop_cancel(&l, &w[i].op);
	while (l.n_armed)
		EXPECT_OK(loop_round(&l));
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(w[i].n, 1);
		EXPECT_EQ(w[i].res, -ECANCELED);
	}
	loop_fini(&l);
}

struct timing {
	struct loop_timer timer;
	uint64_t ended_ns;
	int res;
};

static void timed(struct loop_op *op, int res)
{
	struct timing *t = container_of(op, struct timing, timer.op);

	t->ended_ns = clock_now_ns();
	t->res = res;
}

/* A timer ends at its time, not before; one that is cancelled ends at once. */
static void test_timer(void)
{
	struct timing soon = { .timer.op.done = timed }, late = { .timer.op.done = timed };
	uint64_t at_ns = clock_now_ns() + 20000000;
	struct loop l;

	EXPECT_OK(loop_init(&l, 4));
	loop_arm_timer(&l, &late.timer, at_ns + 3600000000000);
	loop_arm_timer(&l, &soon.timer, at_ns);
	while (soon.timer.op.armed)
		EXPECT_OK(loop_round(&l));
	EXPECT_EQ(soon.res, -ETIME);
	EXPECT_GE(soon.ended_ns, at_ns);
	EXPECT_EQ(late.ended_ns, 0);
	loop_cancel(&l, &late.timer.op);
	while (l.n_armed)
		EXPECT_OK(loop_round(&l));
	EXPECT_EQ(late.res, -ECANCELED);
	loop_fini(&l);
}

int main(void)
{
	RUN(test_poll);
	RUN(test_full);
	RUN(test_timer);
	return 0;
}
