/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "macros.h"

#define MAX_CONNS	8
#define RETRY_MIN_MS	1000
#define RETRY_MAX_MS	32000

/* All under @lock but the contents of a connection that is busy: those are its user's. */
static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	pid_t owner;		/* fork() in ways that bypass the handlers changes getpid() */
	int64_t retry_at_ms;
	int64_t retry_delay_ms;
	struct pool_conn conns[MAX_CONNS];
} pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.once = PTHREAD_ONCE_INIT,
	.retry_delay_ms = RETRY_MIN_MS,
};

static void drop(struct pool_conn *c)
{
	for (unsigned int i = 0; i < POOL_TARGETS; i++)
		migoff_target_close(c->targets[i].t);
	memset(c->targets, 0, sizeof(c->targets));
	c->m = migoff_close(c->m);
}

/*
 * The parent goes on using what it has: give our part back, say nothing to the daemon. A connection that a
 * thread of the parent was using can be in any state: it is left as it is.
 */
static void disown(void)
{
	for (unsigned int i = 0; i < MAX_CONNS; i++) {
		struct pool_conn *c = &pool.conns[i];

		if (c->m && !c->busy) {
			c->m->lost = true;
			drop(c);
		}
		*c = (struct pool_conn){};
	}
	pool.owner = getpid();
	pool.retry_at_ms = 0;
	pool.retry_delay_ms = RETRY_MIN_MS;
}

static void before_fork(void)
{
	pthread_mutex_lock(&pool.lock);
}

static void after_fork_parent(void)
{
	pthread_mutex_unlock(&pool.lock);
}

static void after_fork_child(void)
{
	disown();
	pthread_mutex_unlock(&pool.lock);
}

static void init(void)
{
	pool.owner = getpid();
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* A free place, one with a connection if there is any. */
static struct pool_conn *take_place(void)
{
	struct pool_conn *empty = NULL;

	for (unsigned int i = 0; i < MAX_CONNS; i++) {
		struct pool_conn *c = &pool.conns[i];

		if (c->busy)
			continue;
		if (c->m) {
			c->busy = true;
			return c;
		}
		if (!empty)
			empty = c;
	}
	if (empty)
		empty->busy = true;
	return empty;
}

/* A daemon that is not there is found out at once, one that does not answer after a time-out. */
static void back_off(bool quick)
{
	pthread_mutex_lock(&pool.lock);
	if (quick)
		pool.retry_delay_ms = RETRY_MIN_MS;
	pool.retry_at_ms = clock_now_ms() + pool.retry_delay_ms;
	pool.retry_delay_ms = MIN(pool.retry_delay_ms * 2, (int64_t)RETRY_MAX_MS);
	pthread_mutex_unlock(&pool.lock);
}

static bool may_try(void)
{
	bool may;

	pthread_mutex_lock(&pool.lock);
	may = clock_now_ms() >= pool.retry_at_ms;
	pthread_mutex_unlock(&pool.lock);
	return may;
}

static int connect_place(struct pool_conn *c)
{
	int r;

	if (c->m)
		return 0;
	if (!may_try())
		return -ENOTCONN;

	r = migoff_open(&c->m, NULL);
	if (r < 0) {
		back_off(r == -ENOENT || r == -ECONNREFUSED);
		return -ENOTCONN;
	}
	return 0;
}

int pool_get(struct pool_conn **ret)
{
	struct pool_conn *c;
	int r;

	pthread_once(&pool.once, init);

	pthread_mutex_lock(&pool.lock);
	if (pool.owner != getpid())
		disown();
	c = take_place();
	pthread_mutex_unlock(&pool.lock);
	if (!c)
		return -EBUSY;

	r = connect_place(c);
	if (r < 0) {
		pool_put(c);
		return r;
	}
	*ret = c;
	return 0;
}

int pool_check(struct pool_conn *c)
{
	if (client_lost(c->m))
		drop(c);
	return connect_place(c);
}

void pool_put(struct pool_conn *c)
{
	if (!c)
		return;

	if (c->m && c->m->lost) {
		drop(c);
		back_off(false);
	}
	pthread_mutex_lock(&pool.lock);
	if (c->m)
		pool.retry_delay_ms = RETRY_MIN_MS;
	c->busy = false;
	pthread_mutex_unlock(&pool.lock);
}

static bool alive(const struct migoff_target *t)
{
	struct pollfd p = { .fd = t->pidfd, .events = POLLIN };

	return !poll(&p, 1, 0);
}

static struct pool_target *find_target(struct pool_conn *c, int pid)
{
	pid = pid ?: getpid();
	for (unsigned int i = 0; i < POOL_TARGETS; i++)
		if (c->targets[i].t && c->targets[i].t->pid == pid)
			return &c->targets[i];
	return NULL;
}

int pool_target(struct pool_conn *c, int pid, struct migoff_target **ret)
{
	struct pool_target *known = find_target(c, pid);
	struct migoff_target *t;
	int r;

	if (known && alive(known->t)) {
		*ret = known->t;
		return 0;
	}
	if (known)
		pool_forget(c, known->t);

	r = migoff_target_open(c->m, pid, &t);
	if (r < 0)
		return r;
	known = &c->targets[c->next_target++ % POOL_TARGETS];
	migoff_target_close(known->t);
	*known = (struct pool_target){ .t = t };
	*ret = t;
	return 0;
}

bool pool_asks(struct pool_conn *c, int pid)
{
	struct pool_target *known = find_target(c, pid);

	if (!known || !known->n_unasked)
		return true;
	known->n_unasked--;
	return false;
}

void pool_answered(struct pool_conn *c, const struct migoff_target *t, bool yes)
{
	struct pool_target *known = find_target(c, t->pid);

	/* None at first, then 1, 3, 7. */
	known->n_unasked = yes ? 0 : MIN((1u << known->n_small) - 1, POOL_MAX_UNASKED);
	known->n_small = yes ? 0 : MIN(known->n_small + 1, 8u);
}

void pool_forget(struct pool_conn *c, struct migoff_target *t)
{
	for (unsigned int i = 0; i < POOL_TARGETS; i++)
		if (c->targets[i].t == t)
			c->targets[i] = (struct pool_target){};
	migoff_target_close(t);
}
