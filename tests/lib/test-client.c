/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The asynchronous interface, against a daemon that the test plays. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "macros.h"
#include "migoff.h"
#include "test.h"

#define PAGE 4096ull

static struct fake fake;
static struct migoff *m;
static struct migoff_target *t;

static void start(enum fake_mode mode)
{
	fake_start(&fake, mode, 1, 0);
	EXPECT_OK(migoff_open(&m, NULL));
	EXPECT_OK(migoff_target_open(m, 0, &t));
}

static void stop(void)
{
	t = migoff_target_close(t);
	m = migoff_close(m);
	fake_stop(&fake);
}

static int wait_result(struct migoff_result *res)
{
	struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };
	int r;

	res->size = sizeof(*res);
	while (!(r = migoff_reap(m, res)))
		if (poll(&p, 1, 10000) != 1)
			TEST_FAIL("no result within 10 s");
	return r;
}

static struct migoff_request request(const struct migoff_range *ranges, uint64_t n, int *status)
{
	return (struct migoff_request){
		.size = sizeof(struct migoff_request),
		.ranges = ranges,
		.n_ranges = n,
		.status = status,
	};
}

/* A request arrives as it was made, and its result and statuses come back, with the cookie. */
static void test_one(void)
{
	struct migoff_range ranges[] = { { 16 * PAGE, 2 * PAGE }, { 32 * PAGE, PAGE } };
	uint64_t from[] = { 0x6, 0, 0 };
	int status[3] = { 77, 77, 77 };
	struct migoff_request q = request(ranges, 2, status);
	struct migoff_result res;
	struct fake_request *got;
	struct pollfd p;
	uint64_t id;

	start(FAKE_ODD_FAIL);
	got = &fake.log->requests[0];
	q.flags = MIGOFF_MOVE_ALL;
	q.to_node = 3;
	q.from_nodes = from;
	q.n_from_words = ARRAY_SIZE(from);
	q.reason = MIGOFF_REASON_DEMOTION;
	q.deadline_ns = 4711;
	q.cookie = 0xfeedbeefcafe;
	EXPECT_OK(migoff_submit(t, &q, &id));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.cookie, 0xfeedbeefcafe);
	EXPECT_EQ(res.error, 0);
	EXPECT_EQ(res.pages_moved, 2);
	EXPECT_EQ(status[0], 3);
	EXPECT_EQ(status[1], -EBUSY);
	EXPECT_EQ(status[2], 3);
	EXPECT_EQ(migoff_cancel(m, id), -ENOENT);
	EXPECT_EQ(migoff_progress(m, id, &id), -ENOENT);
	/* and then there is peace */
	EXPECT_EQ(migoff_reap(m, &res), 0);
	p = (struct pollfd){ .fd = migoff_fd(m), .events = POLLIN };
	EXPECT_EQ(poll(&p, 1, 0), 0);

	EXPECT_EQ(fake.log->n_requests, 1);
	EXPECT_EQ(got->request.flags, RING_MOVE_ALL);
	EXPECT_EQ(got->request.to_node, 3);
	EXPECT_EQ(got->request.from_nodes[0], 6);
	EXPECT_EQ(got->request.n_ranges, 2);
	EXPECT_EQ(got->request.n_status, 3);
	EXPECT_EQ(got->request.n_extents, 0);
	EXPECT_EQ(got->request.reason, MIGOFF_REASON_DEMOTION);
	EXPECT_EQ(got->request.deadline_ns, 4711);
	EXPECT_EQ(got->ranges[0].start, 16 * PAGE);
	EXPECT_EQ(got->ranges[1].len, PAGE);
	stop();
}

/* The fate of each folio comes back, and never more of them than there is room for. */
static void test_extents(void)
{
	struct migoff_range ranges[] = { { 16 * PAGE, 2 * PAGE }, { 32 * PAGE, PAGE }, { 64 * PAGE, PAGE } };
	struct migoff_extent extents[4];
	struct migoff_request q = request(ranges, 3, NULL);
	struct migoff_result res;
	int status[4];

	start(FAKE_MOVE);
	q.to_node = 1;
	q.extents = extents;
	for (q.n_extents = 1; q.n_extents <= 4; q.n_extents++) {
		uint64_t n = MIN(q.n_extents, (uint64_t)3);

		/* an odd number of statuses, so that the places in between are not aligned by chance */
		q.status = q.n_extents % 2 ? status : NULL;
		q.n_ranges = 3;
		memset(extents, 0xaa, sizeof(extents));
		EXPECT_OK(migoff_submit(t, &q, NULL));
		EXPECT_EQ(wait_result(&res), 1);
		EXPECT_EQ(res.n_extents, 3);
		for (uint64_t i = 0; i < n; i++) {
			EXPECT_EQ(extents[i].va, ranges[i].start);
			EXPECT_EQ(extents[i].len, ranges[i].len);
			EXPECT_EQ(extents[i].status, 1);
			EXPECT_EQ(extents[i].order, 9);
			EXPECT_EQ(extents[i].flags, MIGOFF_EXTENT_MOVED);
		}
		for (uint64_t i = n; i < 4; i++)
			EXPECT_EQ(extents[i].va, 0xaaaaaaaaaaaaaaaa);
	}
	stop();
}

/* The largest request that the limits allow has a place, with all that can be asked for. */
static void test_largest(void)
{
	struct migoff_request q;
	struct migoff_result res;
	struct migoff_range *ranges;
	struct migoff_extent *extents;
	uint64_t n, last;
	int *status;

	start(FAKE_MOVE);
	n = migoff_limit_ranges(m);
	last = MIN(n, migoff_limit_extents(m)) - 1;
	ranges = calloc(n, sizeof(*ranges));
	status = calloc(migoff_limit_pages(m), sizeof(*status));
	extents = calloc(migoff_limit_extents(m), sizeof(*extents));
	for (uint64_t i = 0; i < n; i++)
		ranges[i] = (struct migoff_range){ (2 * i + 1) * PAGE, PAGE };
	ranges[n - 1].len = (migoff_limit_pages(m) - n + 1) * PAGE;
	q = request(ranges, n, status);
	q.extents = extents;
	q.n_extents = migoff_limit_extents(m);
	q.to_node = 1;
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.n_extents, n);
	EXPECT_EQ(extents[last].va, ranges[last].start);
	EXPECT_EQ(status[migoff_limit_pages(m) - 1], 1);
	q.n_extents++;
	EXPECT_EQ(migoff_submit(t, &q, NULL), -E2BIG);
	free(ranges);
	free(status);
	free(extents);
	stop();
}

/* As many as there are slots can be under way, each with its own statuses; one more is -EAGAIN. */
static void test_many(void)
{
	static int status[RING_N_SLOTS][8];
	struct migoff_range range = { PAGE, 8 * PAGE };
	uint64_t ids[RING_N_SLOTS], seen = 0, done;
	struct migoff_result res;

	start(FAKE_HOLD);
	for (uint64_t i = 0; i < RING_N_SLOTS; i++) {
		struct migoff_request q = request(&range, 1, status[i]);

		q.cookie = i;
		EXPECT_OK(migoff_submit(t, &q, &ids[i]));
		EXPECT_OK(migoff_progress(m, ids[i], &done));
		EXPECT_EQ(done, 0);
	}
	{
		struct migoff_request q = request(&range, 1, NULL);

		EXPECT_EQ(migoff_submit(t, &q, NULL), -EAGAIN);
	}
	res.size = sizeof(res);
	EXPECT_EQ(migoff_reap(m, &res), 0);
	for (unsigned int i = 0; i < RING_N_SLOTS; i++)
		EXPECT_OK(migoff_cancel(m, ids[i]));
	for (unsigned int i = 0; i < RING_N_SLOTS; i++) {
		EXPECT_EQ(wait_result(&res), 1);
		EXPECT_EQ(res.error, -ECANCELED);
		EXPECT_TRUE(res.cookie < 64 && !(seen >> res.cookie & 1));
		seen |= 1ull << res.cookie;
	}
	stop();
}

/* Slots and data area are free again after each request, however large. */
static void test_reuse(void)
{
	struct migoff_range range = { .start = PAGE };
	struct migoff_result res;
	int *status;

	start(FAKE_MOVE);
	range.len = migoff_limit_pages(m) * PAGE;
	status = malloc(migoff_limit_pages(m) * sizeof(*status));
	for (unsigned int i = 0; i < 2 * RING_N_SLOTS; i++) {
		struct migoff_request q = request(&range, 1, status);

		EXPECT_OK(migoff_submit(t, &q, NULL));
		EXPECT_EQ(wait_result(&res), 1);
	}
	free(status);
	stop();
}

/* A malformed request is refused, and nothing of it reaches the daemon. */
static void test_malformed(void)
{
	struct migoff_range good[] = { { PAGE, PAGE }, { 3 * PAGE, PAGE } };
	struct migoff_range bad[][2] = {
		{ { PAGE + 1, PAGE }, { 3 * PAGE, PAGE } },	  /* unaligned */
		{ { PAGE, 0 }, { 3 * PAGE, PAGE } },		  /* empty */
		{ { 3 * PAGE, PAGE }, { PAGE, PAGE } },		  /* descending */
		{ { PAGE, 3 * PAGE }, { 3 * PAGE, PAGE } },	  /* overlapping */
		{ { -PAGE, 2 * PAGE }, { 3 * PAGE, PAGE } },	  /* around the end */
	};
	uint64_t none[] = { 0 }, too_far[RING_N_NODE_WORDS + 1] = { [RING_N_NODE_WORDS] = 1 };
	struct migoff_extent extent;
	struct migoff_request q;
	int status[2];

	start(FAKE_MOVE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		q = request(bad[i], 2, status);
		EXPECT_EQ(migoff_submit(t, &q, NULL), -EINVAL);
	}
#define REFUSED(change)                                                                        \
	do {                                                                                   \
		q = request(good, 2, status);                                                  \
		change;                                                                        \
		EXPECT_EQ(migoff_submit(t, &q, NULL), -EINVAL);                                \
	} while (0)
	REFUSED(q.size--);
	REFUSED(q.flags = 2);
	REFUSED(q.to_node = -1);
	REFUSED(q.to_node = 1024);
	REFUSED(q.reserved[3] = 1);
	REFUSED(q.reserved0 = 1);
	REFUSED(q.reason = MIGOFF_REASON_OPERATOR + 1);
	REFUSED(q.n_extents = 1);
	REFUSED(q.extents = &extent);
	REFUSED(q.n_ranges = 0);
	REFUSED(q.ranges = NULL);
	REFUSED(q.n_from_words = 1);
	REFUSED((q.from_nodes = none, q.n_from_words = 1));
	REFUSED((q.from_nodes = too_far, q.n_from_words = RING_N_NODE_WORDS + 1));
	q = request(good, migoff_limit_ranges(m) + 1, NULL);
	EXPECT_EQ(migoff_submit(t, &q, NULL), -E2BIG);
	good[0].len = (migoff_limit_pages(m) + 1) * PAGE;
	q = request(good, 1, status);
	EXPECT_EQ(migoff_submit(t, &q, NULL), -E2BIG);
	EXPECT_EQ(migoff_submit(NULL, &q, NULL), -EINVAL);
	EXPECT_EQ(migoff_submit(t, NULL, NULL), -EINVAL);
	EXPECT_EQ(fake.log->n_requests, 0);
	stop();
}

static bool readable(void)
{
	struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/*
 * A daemon that goes is noticed by poll(). What it finished before is still handed out, what it had in
 * flight gets an end each, statuses included, and then the descriptor is silent.
 */
static void test_gone(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res;
	int status = 77;

	start(FAKE_DIE);
	q.status = &status;
	q.cookie = 5;
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.error, -EHOSTDOWN);
	EXPECT_EQ(res.cookie, 5);
	EXPECT_EQ(res.pages_moved, 0);
	EXPECT_EQ(status, -ECANCELED);
	EXPECT_EQ(wait_result(&res), -EHOSTDOWN);
	EXPECT_TRUE(!readable());
	EXPECT_EQ(migoff_submit(t, &q, NULL), -EHOSTDOWN);
	stop();

	start(FAKE_MOVE_AND_DIE);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.error, 0);
	EXPECT_EQ(wait_result(&res), -EHOSTDOWN);
	stop();
}

/* A daemon that writes nonsense into the ring is as good as gone. */
static void test_garbage(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res;

	start(FAKE_GARBAGE);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.error, -EHOSTDOWN);
	EXPECT_EQ(wait_result(&res), -EHOSTDOWN);
	stop();
}

/*
 * After a restart the same connection, descriptor and target go on, once each request of before has been
 * reaped; and that any number of times.
 */
static void test_restart(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res;
	unsigned int n_attach;
	int fd, status = 77;

	start(FAKE_HOLD);
	fd = migoff_fd(m);
	for (unsigned int i = 0; i < 5; i++) {
		q.status = NULL;
		EXPECT_OK(migoff_submit(t, &q, NULL));
		EXPECT_OK(migoff_submit(t, &q, NULL));
		fake_restart(&fake, FAKE_MOVE);
		EXPECT_EQ(migoff_reconnect(m), -EAGAIN);
		EXPECT_EQ(wait_result(&res), 1);
		EXPECT_EQ(res.error, -EHOSTDOWN);
		EXPECT_EQ(migoff_reconnect(m), -EAGAIN);
		EXPECT_EQ(wait_result(&res), 1);
		n_attach = fake.log->n_attach;
		EXPECT_OK(migoff_reconnect(m));
		EXPECT_EQ(fake.log->n_attach, n_attach + 1);
		EXPECT_EQ(migoff_fd(m), fd);
		EXPECT_TRUE(!readable());

		q.status = &status;
		EXPECT_OK(migoff_submit(t, &q, NULL));
		EXPECT_EQ(wait_result(&res), 1);
		EXPECT_EQ(res.error, 0);
		EXPECT_EQ(status, 0);
		fake.log->mode = FAKE_HOLD;
	}
	/* where nothing was lost nothing is done */
	EXPECT_OK(migoff_reconnect(m));
	EXPECT_EQ(fake.log->n_attach, n_attach + 1);
	EXPECT_EQ(migoff_reconnect(NULL), -EINVAL);
	stop();
}

/* As long as no daemon answers there is an error and nothing else; a target it refuses refuses requests. */
static void test_reconnect_fails(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res = { .size = sizeof(res) };

	start(FAKE_MOVE);
	fake_restart(&fake, FAKE_REFUSE_ATTACH);
	EXPECT_EQ(migoff_reconnect(m), -EACCES);
	EXPECT_EQ(migoff_submit(t, &q, NULL), -EHOSTDOWN);
	EXPECT_EQ(migoff_reap(m, &res), -EHOSTDOWN);
	fake_restart(&fake, FAKE_VERSION);
	EXPECT_EQ(migoff_reconnect(m), -EPROTONOSUPPORT);
	EXPECT_EQ(migoff_reap(m, &res), -EHOSTDOWN);
	fake_restart(&fake, FAKE_REFUSE_TARGET);
	EXPECT_OK(migoff_reconnect(m));
	EXPECT_EQ(migoff_submit(t, &q, NULL), -ESRCH);
	fake_restart(&fake, FAKE_MOVE);
	EXPECT_OK(migoff_reconnect(m));
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	stop();
}

/* Each way in which a connection cannot be had has its own error. */
static void test_refused(void)
{
	EXPECT_EQ(migoff_open(&m, "/no/such/socket"), -ENOENT);

	fake_start(&fake, FAKE_REFUSE_ATTACH, 1, 0);
	EXPECT_EQ(migoff_open(&m, NULL), -EACCES);
	fake_stop(&fake);

	fake_start(&fake, FAKE_VERSION, 1, 0);
	EXPECT_EQ(migoff_open(&m, NULL), -EPROTONOSUPPORT);
	fake.log->mode = FAKE_REFUSE_TARGET;
	EXPECT_OK(migoff_open(&m, fake.path));
	EXPECT_EQ(migoff_target_open(m, 0, &t), -ESRCH);
	EXPECT_EQ(migoff_target_open(m, -1, &t), -EINVAL);
	fake.log->mode = FAKE_MOVE;
	EXPECT_EQ(migoff_target_open(m, 0x3fffffff, &t), -ESRCH);
	/* the connection is good in spite of all that */
	EXPECT_OK(migoff_target_open(m, 0, &t));
	stop();
}

/* A caller of before the last fields were added gets what it knows, and no more is written. */
static void test_old_caller(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res;

	start(FAKE_MOVE);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	memset(&res, 0xaa, sizeof(res));
	do {
		res.size = offsetof(struct migoff_result, bytes_engine);
	} while (!migoff_reap(m, &res));
	EXPECT_EQ(res.pages_asked, 0);
	EXPECT_EQ(res.bytes_engine, 0xaaaaaaaaaaaaaaaa);
	res.size = 4;
	EXPECT_EQ(migoff_reap(m, &res), -EINVAL);
	stop();
}

/* Handles may be given back in any state, and NULL is one. */
static void test_close(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);

	EXPECT_TRUE(!migoff_close(NULL));
	EXPECT_TRUE(!migoff_target_close(NULL));
	start(FAKE_HOLD);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	errno = 1234;
	t = migoff_target_close(t);
	m = migoff_close(m);
	EXPECT_EQ(errno, 1234);
	fake_stop(&fake);
}

/* A child that gives its copy back takes nothing from the parent: not the descriptor, not the target. */
static void test_fork(void)
{
	struct migoff_range range = { PAGE, PAGE };
	struct migoff_request q = request(&range, 1, NULL);
	struct migoff_result res;
	pid_t child;

	start(FAKE_MOVE);
	child = fork();
	EXPECT_TRUE(child >= 0);
	if (!child) {
		migoff_close(m);
		_exit(0);
	}
	EXPECT_EQ(waitpid(child, NULL, 0), child);
	EXPECT_OK(migoff_submit(t, &q, NULL));
	EXPECT_EQ(wait_result(&res), 1);
	EXPECT_EQ(res.error, 0);
	EXPECT_EQ(fake.log->n_close, 0);
	stop();
}

int main(void)
{
	/* A write to a daemon that has gone must not kill the caller. */
	signal(SIGPIPE, SIG_DFL);
	RUN(test_one);
	RUN(test_extents);
	RUN(test_largest);
	RUN(test_many);
	RUN(test_reuse);
	RUN(test_malformed);
	RUN(test_gone);
	RUN(test_garbage);
	RUN(test_restart);
	RUN(test_reconnect_fails);
	RUN(test_refused);
	RUN(test_old_caller);
	RUN(test_close);
	RUN(test_fork);
	return 0;
}
