/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dropin.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"
#include "pagemap.h"

/*
 * Each batch ends at the hook's deadline, whoever lives, so without progress for that and some more, a
 * request is cancelled; without an answer to that either, the daemon is stopped or stuck. The hook
 * itself allows no longer deadline than 10 s, whatever the daemon tells.
 */
#define DEADLINE_MAX_NS	(10 * NSEC_PER_SEC)
#define MORE_MS		1000
#define SETTLE_STEP_MS	5

static int64_t patience_ms(const struct migoff *m)
{
	uint64_t ns = atomic_load_explicit(&m->ring->deadline_ns, memory_order_relaxed);

	return (int64_t)(MIN(ns, DEADLINE_MAX_NS) / NSEC_PER_MSEC) + MORE_MS;
}

static bool fallback_forbidden(void)
{
	const char *s = secure_getenv("MIGOFF_FALLBACK");

	return s && !strcmp(s, "no");
}

uint64_t dropin_min_request(const struct pool_conn *c)
{
	return atomic_load_explicit(&c->m->ring->min_request, memory_order_relaxed);
}

int dropin_begin(struct dropin *d, int pid, uint64_t min_bytes, uint64_t max_bytes)
{
	int r;

	*d = (struct dropin){ .saved_errno = errno };
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &d->cancel_state);

	r = pool_get(&d->conn);
	if (r == 0 && min_bytes < dropin_min_request(d->conn) && !pool_asks(d->conn, pid))
		return 0;
	if (r == 0)
		r = pool_check(d->conn);
	if (r == -ENOTCONN && fallback_forbidden())
		return -ENOTCONN;
	if (r < 0)
		return 0;
	return atomic_load_explicit(&d->conn->m->ring->ready, memory_order_relaxed) &&
	       max_bytes >= dropin_min_request(d->conn);
}

long dropin_end(struct dropin *d, long ret)
{
	int e = ret < 0 ? errno : d->saved_errno;

	pool_put(d->conn);
	pthread_setcancelstate(d->cancel_state, NULL);
	errno = e;
	return ret;
}

static bool any_away(int pagemap_fd, const struct migoff_request *q)
{
	if (!q->ranges)
		return pagemap_find(pagemap_fd, 0, PAGEMAP_END, PAGEMAP_AWAY);
	for (uint64_t i = 0; i < q->n_ranges; i++)
		if (pagemap_find(pagemap_fd, q->ranges[i].start, q->ranges[i].len, PAGEMAP_AWAY))
			return true;
	return false;
}

/*
 * The hook gives back what a daemon leaves behind, but nothing tells us when. Memory that is swapped
 * out looks the same from here, and only then the whole time passes.
 */
static void settle(int64_t patience, int pagemap_fd, const struct migoff_request *q)
{
	const struct timespec step = { .tv_nsec = SETTLE_STEP_MS * 1000000 };
	int64_t end = clock_now_ms() + patience;

	while (any_away(pagemap_fd, q) && clock_now_ms() < end)
		nanosleep(&step, NULL);
}

/* Waits for the end of a request, as long as there is progress. */
static int wait_result(struct migoff *m, uint64_t id, struct migoff_result *res)
{
	int64_t end = clock_now_ms() + patience_ms(m), left;
	uint64_t before = 0, done = 0;
	bool cancelled = false;
	int r;

	for (;;) {
		struct pollfd p = { .fd = migoff_fd(m), .events = POLLIN };

		r = migoff_reap(m, res);
		if (r)
			return r < 0 ? r : 0;

		left = end - clock_now_ms();
		if (left > 0) {
			(void)poll(&p, 1, (int)left);
			continue;
		}
		(void)migoff_progress(m, id, &done);
		if (done != before) {
			before = done;
			end = clock_now_ms() + patience_ms(m);
		} else if (!cancelled) {
			cancelled = true;
			migoff_cancel(m, id);
			end = clock_now_ms() + MORE_MS;
		} else {
			m->lost = true;
			return -EHOSTDOWN;
		}
	}
}

int dropin_run(struct pool_conn *c, struct migoff_target *t, const struct migoff_request *q)
{
	struct migoff_result res = { .size = sizeof(res) };
	uint64_t id;
	int r;

	r = migoff_submit(t, q, &id);
	if (r < 0)
		return r;
	r = wait_result(c->m, id, &res);
	if (r < 0 || res.error == -EHOSTDOWN) {
		settle(patience_ms(c->m), t->pagemap_fd, q);
		return -EHOSTDOWN;
	}
	if (res.error == -EPERM || res.error == -ESRCH || res.error == -ENOENT)
		pool_forget(c, t);
	return res.error == -ECANCELED ? 0 : res.error;
}

static uint64_t block = 2 << 20;

static void read_block(void)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	unsigned long size;

	if (f && fscanf(f, "%lu", &size) == 1 && size && !(size & (size - 1)))
		block = size;
}

uint64_t dropin_block(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_block);
	return block;
}
