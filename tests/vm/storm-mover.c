/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storm.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "macros.h"
#include "migoff.h"
#include "test.h"

#define MAX_RANGES 8
#define AT_ONCE	   4
#define LIMIT_MS   60000
#define MOVE	   2
#define MOVE_ALL   4
#define UNTOUCHED  12345

static pid_t choose_worker(struct storm *s, uint64_t *random)
{
	return atomic_load(&s->workers[storm_random(random) % STORM_WORKERS]);
}

static size_t choose_ranges(struct migoff_range *ranges, uint64_t *random)
{
	uint64_t at = (uintptr_t)STORM_AT(storm_random(random) % STORM_THREADS);
	size_t n = 1 + storm_random(random) % MAX_RANGES;

	for (size_t i = 0; i < n; i++) {
		at += storm_random(random) % 4 * 64 * STORM_PAGE;
		ranges[i].start = at;
		ranges[i].len = (1 + storm_random(random) % 768) * STORM_PAGE;
		at += ranges[i].len;
	}
	return n;
}

/* All pages of the request are accounted for, and it did not fail but for what its process did. */
static void note(struct storm *s, const struct migoff_result *res)
{
	uint64_t sum = res->pages_moved;

	for (size_t i = 0; i < MIGOFF_N_CAUSES; i++)
		sum += res->pages_by_cause[i];
	EXPECT_EQ(sum, res->pages_asked);
	if (res->error && res->error != -ESRCH && res->error != -EPERM && res->error != -ECANCELED &&
	    res->error != -EAGAIN && res->error != -EHOSTDOWN)
		TEST_FAIL("a request ended with %s", strerror(-res->error));
	atomic_fetch_add(&s->n_requests, 1);
	atomic_fetch_add(&s->n_lost, res->error == -EHOSTDOWN);
	atomic_fetch_add(&s->n_refused, res->error == -ESRCH || res->error == -EPERM);
	atomic_fetch_add(&s->pages, res->pages_asked);
	atomic_fetch_add(&s->pages_moved, res->pages_moved);
	atomic_fetch_add(&s->bytes_engine, res->bytes_engine);
}

/* Each request has its end, also when the daemon goes. */
static void reap(struct storm *s, struct migoff *m, unsigned int n)
{
	while (n) {
		struct migoff_result res = { .size = sizeof(res) };
		struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };
		int r;

		r = EXPECT_OK(migoff_reap(m, &res));
		if (r) {
			note(s, &res);
			n--;
		} else if (poll(&p, 1, LIMIT_MS) != 1) {
			TEST_FAIL("a request does not end");
		}
	}
}

static int submit_some(struct migoff *m, struct migoff_target *t, uint64_t *random, unsigned int *n)
{
	unsigned int wanted = 1 + storm_random(random) % AT_ONCE;

	for (*n = 0; *n < wanted; (*n)++) {
		struct migoff_range ranges[MAX_RANGES];
		bool whole = storm_random(random) % 4 == 0;
		struct migoff_request q = {
			.size = sizeof(q),
			.flags = storm_random(random) % 3 ? 0 : MIGOFF_MOVE_ALL,
			.to_node = (int32_t)(storm_random(random) % 2),
			.ranges = whole ? NULL : ranges,
			.n_ranges = whole ? 0 : choose_ranges(ranges, random),
		};
		uint64_t id;
		int r;

		r = migoff_submit(t, &q, &id);
		if (r < 0)
			return r;
		if (storm_random(random) % 16 == 0)
			migoff_cancel(m, id);
	}
	return 0;
}

/* Return: false when the daemon is gone. */
static bool move_one(struct storm *s, struct migoff *m, uint64_t *random)
{
	struct migoff_target *t = NULL;
	bool there = true;
	int r;

	r = migoff_target_open(m, choose_worker(s, random), &t);
	if (r == -EHOSTDOWN)
		return false;
	/* It has ended; or its parent has not yet heard of that. */
	if (r == -ESRCH || r == -EPERM)
		return true;
	EXPECT_OK(r);
	for (int i = 0; i < 8 && there && !atomic_load(&s->stop); i++) {
		unsigned int n;

		r = submit_some(m, t, random, &n);
		reap(s, m, n);
		there = r != -EHOSTDOWN;
		if (there)
			EXPECT_OK(r);
	}
	migoff_target_close(t);
	return there;
}

/* By a new connection, or by the one that it had. */
static struct migoff *connect_again(struct storm *s, struct migoff *m, uint64_t *random)
{
	if (storm_random(random) % 2)
		m = migoff_close(m);
	while (!atomic_load(&s->stop)) {
		if ((m ? migoff_reconnect(m) : migoff_open(&m, NULL)) == 0)
			break;
		usleep(20000);
	}
	return m;
}

void *storm_mover(void *arg)
{
	const struct storm_mover *a = arg;
	uint64_t random = a->seed;
	struct storm *s = a->storm;
	struct migoff *m = NULL;

	while (!atomic_load(&s->stop)) {
		m = connect_again(s, m, &random);
		while (!atomic_load(&s->stop) && move_one(s, m, &random))
			;
	}
	migoff_close(m);
	return NULL;
}

static bool is_status(int status)
{
	static const int errors[] = { EACCES, EBUSY, EFAULT, ENOENT, ENOMEM, EAGAIN };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (status == -errors[i])
			return true;
	return status == 0 || status == 1;
}

static void call(struct storm *s, uint64_t *random)
{
	enum { N = 1024 };
	void *pages[N];
	int nodes[N], status[N], node = (int)(storm_random(random) % 2);
	char *at = STORM_AT(storm_random(random) % STORM_THREADS);
	unsigned long mask[] = { 1, 2 };
	pid_t pid = choose_worker(s, random);
	long r;

	if (storm_random(random) % 4 == 0) {
		r = migoff_migrate_pages(pid, 64, &mask[!node], &mask[node]);
	} else {
		for (size_t i = 0; i < N; i++) {
			pages[i] = at + (i + storm_random(random) % 2) * STORM_PAGE;
			nodes[i] = node;
			status[i] = UNTOUCHED;
		}
		r = migoff_move_pages(pid, N, pages, nodes, status,
				      storm_random(random) % 3 ? MOVE : MOVE_ALL);
		/* After a failure, or when some were not moved, the kernel leaves what it did not come to. */
		for (size_t i = 0; i < N; i++)
			if (!is_status(status[i]) && !(r && status[i] == UNTOUCHED))
				TEST_FAIL("returned %ld, status of page %zu is %d", r, i, status[i]);
	}
	/* A process that execs at the moment has no memory (EINVAL), or may not be looked at (EPERM). */
	if (r < 0 && errno != ESRCH && errno != EINVAL && errno != EPERM && errno != EFAULT)
		TEST_FAIL("a drop-in call failed: %s", strerror(errno));
	atomic_fetch_add(&s->n_calls, 1);
}

void *storm_caller(void *arg)
{
	const struct storm_mover *a = arg;
	uint64_t random = a->seed;

	while (!atomic_load(&a->storm->stop))
		call(a->storm, &random);
	return NULL;
}
