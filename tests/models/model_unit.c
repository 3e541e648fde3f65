/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock, and the threads that do the work.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "clock.h"
#include "macros.h"
#include "model_internal.h"

/* --- the lock ------------------------------------------------------------------------------- */

static bool has_work(struct model *m, unsigned int unit)
{
	return !m->resetting && !m->unplugged && m->ops->ready(m, unit);
}

/*
 * Wake the units that have come to have something to do. It is found out when the lock is let go of, for
 * then all that belongs to a change has been made.
 */
static void wake_units(struct model *m)
{
	if (!m->kicked)
		return;
	m->kicked = false;
	for (unsigned int i = 0; i < m->n_units; i++) {
		bool late = i == 0 && m->late_write.len > 0;

		if (m->units[i].resting && (m->closing || late || has_work(m, i)))
			pthread_cond_signal(&m->units[i].wake);
	}
}

void model_lock(struct model *m)
{
	atomic_fetch_add(&m->n_hosts, 1);
	pthread_mutex_lock(&m->lock);
	atomic_fetch_sub(&m->n_hosts, 1);
}

void model_unlock(struct model *m)
{
	wake_units(m);
	if (m->n_yielding > 0)
		pthread_cond_broadcast(&m->turn);
	pthread_mutex_unlock(&m->lock);
}

void model_unit_unlock(struct model_unit *u)
{
	wake_units(u->m);
	pthread_mutex_unlock(&u->m->lock);
}

void model_unit_lock(struct model_unit *u)
{
	pthread_mutex_lock(&u->m->lock);
}

/* Until it is signalled, or @until_ns; 0: no end. */
static void wait_for(struct model *m, pthread_cond_t *cond, uint64_t until_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(until_ns % NSEC_PER_SEC),
	};

	wake_units(m);
	if (until_ns)
		pthread_cond_timedwait(cond, &m->lock, &ts);
	else
		pthread_cond_wait(cond, &m->lock);
}

void model_wait(struct model *m)
{
	wait_for(m, &m->changed, 0);
}

/*
 * A mutex goes to whoever is quick, which is a unit that has just let go of it. Whoever is counted
 * in n_hosts takes the lock after this, and so wakes us when it lets go of it. One turn is enough: a
 * driver that polls is counted all the time, and would wait for ever for what it keeps us from.
 */
static void yield_to_hosts(struct model *m)
{
	if (atomic_load(&m->n_hosts) > 0) {
		m->n_yielding++;
		wait_for(m, &m->turn, 0);
		m->n_yielding--;
	}
}

/* --- units ------------------------------------------------------------------------------------ */

bool model_unit_stopped(const struct model_unit *u)
{
	return u->stop != u->stop_seen || u->m->closing;
}

static void unit_wait(struct model_unit *u, uint64_t until_ns)
{
	while (!model_unit_stopped(u) && clock_now_ns() < until_ns)
		wait_for(u->m, &u->m->changed, until_ns);
}

void model_unit_hang(struct model_unit *u)
{
	while (!model_unit_stopped(u))
		model_wait(u->m);
}

void model_unit_spend(struct model_unit *u, uint64_t ns)
{
	if (ns == 0)
		return;
	if (u->until_ns == 0)
		u->until_ns = clock_now_ns();
	u->until_ns += ns;
	unit_wait(u, u->until_ns);
}

/* The write that was on its way when the device was reset. Return: when to come again, or 0. */
static uint64_t write_late(struct model *m)
{
	struct model_write *w = &m->late_write;

	if (w->len == 0 || !model_bus_master(m))
		return 0;
	if (clock_now_ns() < w->at_ns)
		return w->at_ns;
	model_dma_write(m, w->iova, w->bytes, w->len);
	w->len = 0;
	return 0;
}

/* Nothing to do: until there is, or at @until_ns, unless that is 0. */
static void unit_rest(struct model_unit *u, uint64_t until_ns)
{
	u->until_ns = 0;
	u->resting = true;
	wait_for(u->m, &u->wake, until_ns);
	u->resting = false;
}

static void *unit_thread(void *arg)
{
	struct model_unit *u = arg;
	struct model *m = u->m;

	/* Set costs are short: sleep as exactly as can be. */
	prctl(PR_SET_TIMERSLACK, 1);
	model_unit_lock(u);
	while (!m->closing) {
		uint64_t late_ns = u->number == 0 && !m->resetting ? write_late(m) : 0;

		if (!has_work(m, u->number)) {
			unit_rest(u, late_ns);
			continue;
		}
		u->stop_seen = u->stop;
		u->working = true;
		m->ops->work(m, u->number);
		u->working = false;
		model_kick(m);
		yield_to_hosts(m);
	}
	model_unit_unlock(u);
	return NULL;
}

void model_kick(struct model *m)
{
	m->kicked = true;
	pthread_cond_broadcast(&m->changed);
}

bool model_working(const struct model *m, unsigned int unit)
{
	return m->units[unit].working;
}

/* What was written last may be on its way still. */
static void order_late_write(struct model *m)
{
	if (!m->orders.late_write || m->last_write.len == 0)
		return;
	m->late_write = m->last_write;
	m->late_write.at_ns = clock_now_ns() + m->orders.late_write_us * NSEC_PER_USEC;
	m->last_write.len = 0;
	m->orders.late_write = false;
}

void model_stop(struct model *m, unsigned int unit)
{
	m->units[unit].stop++;
	order_late_write(m);
	model_kick(m);
}

static bool is_working(const struct model *m)
{
	for (unsigned int i = 0; i < m->n_units; i++)
		if (m->units[i].working)
			return true;
	return false;
}

void model_units_stop(struct model *m)
{
	for (unsigned int i = 0; i < m->n_units; i++)
		model_stop(m, i);
	while (is_working(m))
		model_wait(m);
}

/* --- from power on to power off --------------------------------------------------------------- */

void model_units_init(struct model *m)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_cond_init(&m->turn, &attr);
	for (size_t i = 0; i < MODEL_UNITS_MAX; i++)
		pthread_cond_init(&m->units[i].wake, &attr);
	pthread_condattr_destroy(&attr);
}

int model_units_start(struct model *m)
{
	for (; m->n_threads < m->n_units; m->n_threads++) {
		struct model_unit *u = &m->units[m->n_threads];

		u->m = m;
		u->number = m->n_threads;
		if (pthread_create(&u->thread, NULL, unit_thread, u))
			return -EAGAIN;
	}
	return 0;
}

void model_units_done(struct model *m)
{
	model_lock(m);
	m->closing = true;
	model_kick(m);
	model_unlock(m);
	while (m->n_threads > 0)
		pthread_join(m->units[--m->n_threads].thread, NULL);
	for (size_t i = 0; i < MODEL_UNITS_MAX; i++)
		pthread_cond_destroy(&m->units[i].wake);
	pthread_cond_destroy(&m->turn);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
}
