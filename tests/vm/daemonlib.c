/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemonlib.h"

#include <errno.h>
#include <poll.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

#define WAIT_MS 60000

/* The library gives a daemon two seconds to answer, which is not always enough in an emulated machine. */
static void link_connect(struct link *l)
{
	int r = -EHOSTDOWN;

	for (int i = 0; i < 30 && r == -EHOSTDOWN; i++)
		r = migoff_open(&l->m, NULL);
	EXPECT_OK(r);
}

void link_open(struct link *l, pid_t pid)
{
	link_connect(l);
	EXPECT_OK(migoff_target_open(l->m, pid, &l->t));
}

void link_close(struct link *l)
{
	l->t = migoff_target_close(l->t);
	l->m = migoff_close(l->m);
}

void link_submit(struct link *l, uint64_t start, uint64_t len, int to_node, int *status)
{
	struct migoff_range range = { .start = start, .len = len };
	struct migoff_request rq = {
		.size = sizeof(rq),
		.to_node = to_node,
		.ranges = &range,
		.n_ranges = 1,
		.status = status,
	};

	EXPECT_OK(migoff_submit(l->t, &rq, NULL));
}

struct outcome link_wait(struct link *l)
{
	struct migoff_result result = { .size = sizeof(result) };
	struct outcome o = { 0 };
	uint64_t sum;
	int r;

	while ((r = migoff_reap(l->m, &result)) == 0) {
		struct pollfd pfd = { .fd = migoff_fd(l->m), .events = POLLIN };

		if (poll(&pfd, 1, WAIT_MS) != 1)
			TEST_FAIL("a request does not end");
	}
	if (r < 0) {
		o.error = r;
		return o;
	}
	o = (struct outcome){
		.error = result.error,
		.asked = result.pages_asked,
		.moved = result.pages_moved,
		.bytes_engine = result.bytes_engine,
		.bytes_cpu = result.bytes_cpu,
		.n_expired = result.n_expired,
		.blocked_max_ns = result.blocked_max_ns,
	};
	sum = o.moved;
	for (size_t i = 0; i < ARRAY_SIZE(o.by_cause); i++)
		sum += o.by_cause[i] = result.pages_by_cause[i];
	EXPECT_EQ(sum, o.asked);
	return o;
}

struct outcome link_move(struct link *l, uint64_t start, uint64_t len, int to_node, int *status)
{
	link_submit(l, start, len, to_node, status);
	return link_wait(l);
}
